"""What a client proves itself with goes with every call and lies nowhere in the open."""

import json
import stat
from pathlib import Path

import pytest
from google.protobuf.message import Message

from fingertip.events.v1.events_service_pb2 import WatchRequest, WatchResponse
from fingertip.identity.v1.device_pb2 import Device
from fingertip.identity.v1.identity_service_pb2 import (
    EnrolDeviceRequest,
    EnrolDeviceResponse,
    GetSessionRequest,
    GetSessionResponse,
    SignInResponse,
    SignOutResponse,
)
from fingertip_client.caller import Caller
from fingertip_client.credentials import CredentialFileError, Credentials, DeviceFile
from tests.client import scripted

IDENTITY = "fingertip.identity.v1.IdentityService"
EVENTS = "fingertip.events.v1.EventsService"
ENROLLED = DeviceFile("device-1", "0101", "取号机1", "c-secret")


def identity_of(context: scripted.Context) -> dict[str, str]:
    sent = dict(context.invocation_metadata() or ())
    return {key: str(sent[key]) for key in ("fingertip-device", "authorization") if key in sent}


class Identity:
    """Enrols, signs in and out, and remembers who each call came from."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []

    async def enrol(self, request: Message, context: scripted.Context) -> Message:
        self.seen.append(identity_of(context))
        assert isinstance(request, EnrolDeviceRequest)
        assert request.enrolment_code == "CODE-1234"
        device = Device(device_id="device-1", branch_id="0101", display_name="取号机1")
        return EnrolDeviceResponse(device=device, credential="c-secret")

    async def sign_in(self, request: Message, context: scripted.Context) -> Message:
        self.seen.append(identity_of(context))
        return SignInResponse(token="t-secret")

    async def session(self, request: Message, context: scripted.Context) -> Message:
        self.seen.append(identity_of(context))
        return GetSessionResponse()

    async def sign_out(self, request: Message, context: scripted.Context) -> Message:
        self.seen.append(identity_of(context))
        return SignOutResponse()


async def test_a_device_and_then_a_person_are_told_with_every_call() -> None:
    identity = Identity()
    answers: dict[str, scripted.Unary] = {
        "EnrolDevice": identity.enrol,
        "SignIn": identity.sign_in,
        "GetSession": identity.session,
        "SignOut": identity.sign_out,
    }
    async with scripted.serving(IDENTITY, unary=answers) as server:
        async with Caller([server.target]) as caller:
            assert await caller.enrol("CODE-1234") == ENROLLED
            await caller.sign_in("100101", "correct horse")
            await caller.identity.GetSession(GetSessionRequest())
            await caller.sign_out()
            await caller.identity.GetSession(GetSessionRequest())
    device = {"fingertip-device": "c-secret"}
    person = device | {"authorization": "Bearer t-secret"}
    assert identity.seen == [{}, device, person, person, device]


async def test_streams_say_who_calls_too() -> None:
    seen: list[dict[str, str]] = []

    async def watch(request: Message, context: scripted.Context) -> scripted.Messages:
        seen.append(identity_of(context))
        yield WatchResponse()

    async with scripted.serving(EVENTS, streams={"Watch": watch}) as server:
        async with Caller([server.target], device="c-secret") as caller:
            assert [r async for r in caller.events.Watch(WatchRequest(branch_id="0101"))]
    assert seen == [{"fingertip-device": "c-secret"}]


def test_secrets_do_not_show_when_printed() -> None:
    assert "secret" not in repr(Credentials(device="c-secret", token="t-secret"))
    assert "secret" not in repr(ENROLLED)


def test_a_credential_file_is_its_owners_alone_and_survives(tmp_path: Path) -> None:
    path = tmp_path / "state" / "device.json"
    ENROLLED.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert DeviceFile.load(path) == ENROLLED
    assert list(path.parent.iterdir()) == [path]


def test_a_credential_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "device.json"
    ENROLLED.save(path)
    path.chmod(0o640)
    with pytest.raises(CredentialFileError, match="chmod 600"):
        DeviceFile.load(path)


def test_an_absent_credential_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CredentialFileError, match="enrol this device first"):
        DeviceFile.load(tmp_path / "device.json")


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"device_id": "1"}), '{"x": 1}'])
def test_a_damaged_credential_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "device.json"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(CredentialFileError, match="damaged"):
        DeviceFile.load(path)
