"""What operators do at the command line: real processes, signed in at a real server."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from fingertip_client.caller import Caller
from fingertip_client.credentials import DeviceFile
from fingertip_server.app import App
from tests.conftest import Clock
from tests.fulfilment.queue import Owner, Queue, act
from tests.fulfilment.test_operating import park
from tests.fulfilment.test_reconciling import Books, operation
from tests.identity.enrolling import make_code
from tests.world import PASSWORD, World


@dataclass
class Terminal:
    """Runs commands against a server."""

    server: str
    folder: Path
    world: World

    async def run(self, *words: str, staff: str = "", password: str = PASSWORD) -> tuple[int, str]:
        """Runs a command as a member of staff, and returns its exit code and what it said."""
        arguments = [*words, "--server", self.server]
        if staff:
            path = self.folder / f"{staff}.json"
            credential = self.world.credentials.devices[staff]
            DeviceFile("", "0000", staff, credential).save(path)
            arguments += ["--as", staff, "--device-credential-file", str(path)]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "fingertip_server",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate(f"{password}\n".encode())
        assert process.returncode is not None
        return process.returncode, said.decode()


@pytest.fixture
def terminal(server: App, world: World, tmp_path: Path) -> Terminal:
    return Terminal(f"127.0.0.1:{server.port}", tmp_path, world)


def _words(said: str) -> Sequence[Sequence[str]]:
    return [line.split() for line in said.splitlines()]


async def test_two_operators_give_up_what_is_parked(
    queue: Queue, world: World, adapter: Caller, clock: Clock, terminal: Terminal, owner: Owner
) -> None:
    leased = await park(queue, adapter, clock, act())
    item_id = leased.work_item.work_item_id
    code, said = await terminal.run("items", "list", "--state", "PARKED", staff="000003")
    assert code == 0
    assert [words[:2] for words in _words(said)] == [[item_id, "PARKED"]]
    giving_up = ("items", "give-up", item_id, "--purpose", "核心确认未受理", "--yes")
    code, said = await terminal.run(*giving_up, staff="000003")
    assert (code, "another operator" in said) == (0, True)
    code, said = await terminal.run(*giving_up, staff="000003")
    assert (code, "FOUR_EYES" in said) == (1, True)
    code, said = await terminal.run("items", "show", item_id, staff="000004")
    assert (code, "give_up_by: 000003" in said) == (0, True)
    code, said = await terminal.run(*giving_up, staff="000004")
    assert (code, _words(said)[-1][1]) == (0, "FAILED")
    assert owner.words == ["parked", "failed"]
    entries = await queue.journal("FulfilmentService/GiveUpWorkItem")
    assert [(entry["actor_id"], entry["outcome"]) for entry in entries] == [
        ("000003", "DONE"),
        ("000003", "REFUSED"),
        ("000004", "DONE"),
    ]


async def test_an_operator_gives_new_attempts(
    queue: Queue, adapter: Caller, clock: Clock, terminal: Terminal, owner: Owner
) -> None:
    leased = await park(queue, adapter, clock, act())
    code, said = await terminal.run(
        "items",
        "retry",
        leased.work_item.work_item_id,
        "--purpose",
        "核心系统已恢复",
        staff="000003",
    )
    assert (code, _words(said)[0][1]) == (0, "UNKNOWN")
    assert owner.words == ["parked", "unknown"]


async def test_a_mistyped_state_is_answered_with_those_that_there_are(terminal: Terminal) -> None:
    for words in (("items", "list"), ("operations", "differences")):
        code, said = await terminal.run(*words, "--state", "OPNE", staff="000003")
        assert code == 2
        assert "none of" in said
        assert "Traceback" not in said


async def test_a_mistyped_id_is_named_by_its_field(terminal: Terminal) -> None:
    code, said = await terminal.run("items", "show", "nosuch", staff="000003")
    assert code == 1
    assert "- work_item_id: " in said


async def test_nobody_else_may(
    queue: Queue, adapter: Caller, clock: Clock, terminal: Terminal
) -> None:
    leased = await park(queue, adapter, clock, act())
    item_id = leased.work_item.work_item_id
    retrying = ("items", "retry", item_id, "--purpose", "重试一次")
    code, said = await terminal.run(*retrying, staff="100103")
    assert (code, "PERMISSION_MISSING" in said) == (1, True)
    code, said = await terminal.run(*retrying, staff="000003", password="a wrong one")
    assert (code, "WRONG_CREDENTIALS" in said) == (1, True)


async def test_a_machine_becomes_an_operators_desk(world: World, terminal: Terminal) -> None:
    code = (await make_code(world)).enrolment_code
    path = terminal.folder / "desk.json"
    enrolling = ("items", "enrol", code, "--device-credential-file", str(path))
    exit_code, said = await terminal.run(*enrolling)
    assert exit_code == 0
    assert DeviceFile.load(path).device_id == said.strip()
    assert (await terminal.run(*enrolling))[0] == 1


async def test_an_operator_reads_and_explains_what_the_banks_books_have_otherwise(
    queue: Queue, adapter: Caller, terminal: Terminal
) -> None:
    [row] = await queue.database.as_owner(
        "SELECT (fingertip_now() AT TIME ZONE 'Asia/Shanghai')::date AS day"
    )
    books = Books(adapter, row["day"])
    foreign = operation(uuid4())
    await books.report(foreign)
    code, said = await terminal.run("operations", "list", str(row["day"]), staff="000003")
    assert (code, _words(said)[0][0]) == (0, foreign.operation_id)
    assert "629990*********0004" in said
    code, said = await terminal.run("operations", "differences", staff="000003")
    difference_id, state, kind, *_ = _words(said)[0]
    assert (code, state, kind) == (0, "OPEN", "NOT_ASKED")
    explaining = ("operations", "explain", difference_id, "--purpose", "柜面补录，已核实")
    code, said = await terminal.run(*explaining, staff="000003")
    assert (code, "explained_by: 000003" in said) == (0, True), said
    code, said = await terminal.run(*explaining, staff="000004")
    assert (code, "no open difference" in said) == (1, True)
    assert (await terminal.run("operations", "differences", staff="000003")) == (0, "")
