"""What a client proves itself with goes with every call and lies nowhere in the open."""

import json
import stat
from pathlib import Path

import grpc
import pytest
from google.protobuf.message import Message

from fingertip.events.v1.events_service_pb2 import WatchRequest, WatchResponse
from fingertip.identity.v1.device_pb2 import Device
from fingertip.identity.v1.identity_service_pb2 import (
    EnrolDeviceResponse,
    GetSessionRequest,
    GetSessionResponse,
    SignInRequest,
    SignInResponse,
    SignOutResponse,
)
from fingertip_client.credentials import CredentialFileError, Credentials, DeviceFile
from fingertip_client.refusal import Refused
from tests.client import scripted

IDENTITY = "fingertip.identity.v1.IdentityService"
EVENTS = "fingertip.events.v1.EventsService"
ENROLLED = DeviceFile("device-1", "0101", "取号机1", "c-secret")


def identity_of(context: scripted.Context) -> dict[str, str]:
    sent = dict(context.invocation_metadata() or ())
    return {key: str(sent[key]) for key in ("fingertip-device", "authorization") if key in sent}


async def test_a_device_and_then_a_person_are_told_with_every_call() -> None:
    seen: list[dict[str, str]] = []

    def answering(response: Message) -> scripted.Unary:
        async def answer(request: Message, context: scripted.Context) -> Message:
            seen.append(identity_of(context))
            return response

        return answer

    device = Device(device_id="device-1", branch_id="0101", display_name="取号机1")
    answers = {
        "EnrolDevice": answering(EnrolDeviceResponse(device=device, credential="c-secret")),
        "SignIn": answering(SignInResponse(token="t-secret")),
        "GetSession": answering(GetSessionResponse()),
        "SignOut": answering(SignOutResponse()),
    }
    async with scripted.calling(IDENTITY, unary=answers) as caller:
        assert await caller.enrol("CODE-1234") == ENROLLED
        await caller.sign_in("100101", "correct horse")
        await caller.identity.GetSession(GetSessionRequest())
        await caller.sign_out()
        await caller.identity.GetSession(GetSessionRequest())
    machine = {"fingertip-device": "c-secret"}
    person = machine | {"authorization": "Bearer t-secret"}
    assert seen == [{}, machine, person, person, machine]


async def test_signing_in_says_nothing_of_who_was_signed_in_before() -> None:
    seen: list[dict[str, str]] = []

    async def sign_in(request: Message, context: scripted.Context) -> Message:
        seen.append(identity_of(context))
        assert isinstance(request, SignInRequest)
        if request.password == "wrong":
            await scripted.refuse(context, grpc.StatusCode.UNAUTHENTICATED, "WRONG_CREDENTIALS")
        return SignInResponse(token="t-secret")

    async with scripted.calling(IDENTITY, unary={"SignIn": sign_in}, device="c-secret") as caller:
        await caller.sign_in("100101", "correct horse")
        await caller.sign_in("100102", "correct horse")
        assert caller.credentials.token == "t-secret"
        with pytest.raises(Refused, match="WRONG_CREDENTIALS"):
            await caller.sign_in("100103", "wrong")
        assert not caller.credentials.token
    assert seen == [{"fingertip-device": "c-secret"}] * 3


async def test_streams_say_who_calls_too() -> None:
    seen: list[dict[str, str]] = []

    async def watch(request: Message, context: scripted.Context) -> scripted.Messages:
        seen.append(identity_of(context))
        yield WatchResponse()

    async with scripted.calling(EVENTS, streams={"Watch": watch}, device="c-secret") as caller:
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
