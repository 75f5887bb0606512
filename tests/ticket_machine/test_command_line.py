"""The command line, as somebody who looks after the machine meets it."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.message import Message

from fingertip.identity.v1.device_pb2 import Device
from fingertip.identity.v1.identity_service_pb2 import EnrolDeviceRequest, EnrolDeviceResponse
from fingertip_client.credentials import DeviceFile
from tests.client import scripted
from tests.ticket_machine import fake_lobby
from tests.ticket_machine.fake_lobby import TIME_ZONE, FakeLobby

CARD = "6225881414207430"
NOBODY = "127.0.0.1:1"


async def command(*arguments: str, said: str = "") -> tuple[int | None, str, str]:
    """Runs a command; returns its exit code, what it said, and what it complained of."""
    program = Path(sys.executable).with_name("fingertip-ticket-machine")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stdin=pipe, stdout=pipe, stderr=pipe
    )
    out, complaints = await process.communicate(said.encode())
    return process.returncode, out.decode(), complaints.decode()


def read(path: Path | str) -> bytes:
    """Returns what is in a file."""
    return Path(path).read_bytes()


@pytest.fixture
def credential(tmp_path: Path) -> Path:
    """The credential file of an enrolled machine."""
    path = tmp_path / "machine.json"
    DeviceFile("device-1", "0101", "大堂取号机", "c-secret").save(path)
    return path


@pytest.fixture
def lobby() -> FakeLobby:
    """A lobby that is open today."""
    return FakeLobby(datetime.now(UTC).astimezone(ZoneInfo(TIME_ZONE)).date(), block_size=2)


async def test_a_machine_is_enrolled_with_a_code_that_is_typed_blindly(tmp_path: Path) -> None:
    async def enrol(request: Message, context: scripted.Context) -> Message:
        assert isinstance(request, EnrolDeviceRequest)
        assert request.enrolment_code == "CODE-1234"
        device = Device(device_id="device-1", branch_id="0101", display_name="大堂取号机")
        return EnrolDeviceResponse(device=device, credential="c-secret")

    path = tmp_path / "machine.json"
    service = "fingertip.identity.v1.IdentityService"
    async with scripted.serving(service, unary={"EnrolDevice": enrol}) as server:
        code, _, _ = await command(
            *["enrol", "--server", server.target, "--device-credential-file", str(path)],
            said="CODE-1234\n",
        )
    assert code == 0
    assert DeviceFile.load(path).credential == "c-secret"


async def test_a_ticket_is_issued_printed_and_told_as_json(
    credential: Path, lobby: FakeLobby
) -> None:
    async with fake_lobby.serving(lobby) as server:
        options = ["--server", server.target, "--device-credential-file", str(credential)]
        code, out, complaints = await command(
            *["issue", *options, "--line", "C", "--card", "-", "--json"], said=f"{CARD}\n"
        )
    assert (code, complaints) == (0, "")
    ticket = json.loads(out)
    assert (ticket["number"], ticket["waiting_count"], ticket["issued_offline"]) == (
        "C001",
        0,
        False,
    )
    assert ticket["journey_id"]
    assert "对公业务".encode("gb18030") in read(ticket["printed_at"])
    assert lobby.requests[0].identification.card_number == CARD


async def test_tickets_issued_without_the_server_are_registered_by_the_next_command(
    credential: Path, lobby: FakeLobby
) -> None:
    machine = ["--device-credential-file", str(credential)]
    async with fake_lobby.serving(lobby) as server:
        code, out, _ = await command("settle", *machine, "--server", server.target)
        assert (code, out.splitlines()[-1]) == (0, "New numbers for: B C A")
    for number in ["B001", "B002"]:
        code, out, _ = await command("issue", *machine, "--server", NOBODY)
        assert (code, out) == (0, f"{number} 个人业务，等候人数暂时无法显示\n")
    code, out, complaints = await command("issue", *machine, "--server", NOBODY)
    assert (code, out) == (1, "")
    assert "备用号码已经发完，请到服务台人工取号。" in complaints
    code, out, _ = await command("status", *machine)
    assert "line B: 0 numbers left" in out
    assert "to be registered: B001 B002" in out
    async with fake_lobby.serving(lobby) as server:
        code, out, _ = await command("settle", *machine, "--server", server.target)
    assert "Registered: B001 B002" in out
    assert lobby.numbers == ["B001", "B002"]


async def test_a_customer_is_served_at_the_terminal(credential: Path, lobby: FakeLobby) -> None:
    async with fake_lobby.serving(lobby) as server:
        options = ["--server", server.target, "--device-credential-file", str(credential)]
        code, out, complaints = await command(
            *["run", *options, "--offer", "B=个人业务", "--branch-name", "静安支行"],
            said="1\n\n",
        )
    assert (code, complaints) == (0, "")
    assert "静安支行" in out
    assert lobby.numbers[0] in out
    log = credential.with_name("machine-state") / "machine.log"
    assert f"issued {lobby.numbers[0]}".encode() in read(log)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["issue", "--server", NOBODY], "absent: enrol this device first"),
        (["issue", "--server", NOBODY, "--offer", "B"], "offered as CODE=NAME"),
        (["issue", "--server", NOBODY, "--printer", "paper"], "A printer is folder:PATH"),
        (["settle", "--server", NOBODY], "No server is reachable"),
        (["issue", "--server", NOBODY, "--server", "bank.example:1"], "must be IP:PORT"),
    ],
)
async def test_what_somebody_can_put_right_is_said_in_a_sentence(
    credential: Path, arguments: list[str], complaint: str
) -> None:
    path = credential.with_name("absent.json") if "absent" in complaint else credential
    code, out, complaints = await command(*arguments, "--device-credential-file", str(path))
    assert (code, out) == (1, "")
    assert complaint in complaints
    assert complaints.count("\n") == 1
