"""Whatever is sent to whichever method by whomever gets an answer of the contract.

FINGERTIP_FUZZ_SEED repeats a run; FINGERTIP_FUZZ_SECONDS makes it longer.
"""

import asyncio
import os
import secrets
from collections import Counter
from dataclasses import dataclass, field

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import DecodeError, Message

from buf.validate import validate_pb2
from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip.options.v1 import options_pb2
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from tests.applications import paper
from tests.authorization import desk
from tests.conftest import Database
from tests.contract.descriptors import methods
from tests.contract.drawing import Drawing
from tests.lobby import tickets
from tests.world import World

_SEED = os.environ.get("FINGERTIP_FUZZ_SEED") or secrets.token_hex(4)
_SECONDS = float(os.environ.get("FINGERTIP_FUZZ_SECONDS", "20"))
_AT_ONCE = 6
_CALLERS = (
    "100101",
    "100103",
    "100106",
    "100108",
    "900102",
    "000001",
    "000002",
    "000003",
    "ticket_machine",
    "bare_tablet",
    "crm_adapter",
    "core_adapter",
)
# A device as its credential names it may be revoked, the staff it belongs to never calls here.
_VICTIMS = ("other_ticket_machine",)
# Whoever goes home or signs out can do little afterwards.
_LAST = ("EndShift", "SignOut")
_NEVER = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE}
_REASONS = {name.removeprefix("ERROR_REASON_") for name in ErrorReason.keys()}  # noqa: SIM118
_LEAKS = ("Traceback", "Error(", "asyncpg", "sqlalchemy", "<class", "SELECT ", "psycopg", "::")


@dataclass
class Fuzzing:
    """A run: what was sent, what came back, and what should not have."""

    world: World
    drawing: Drawing
    faults: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    able: dict[str, list[str]] = field(default_factory=dict)
    is_drawing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send(self, method: MethodDescriptor, name: str, turn: int) -> None:
        """Sends one request, and judges what comes back."""
        async with self.is_drawing:
            # Some are so large that the server would not get its turn in this loop meanwhile.
            content = await asyncio.to_thread(
                self.drawing.request,
                method.input_type,
                f"{_SEED}/{method.name}/{name}/{turn}",
            )
        try:
            answer = await _patient_answer(self.world.caller(name), method, content)
        except Refused as refused:
            self.answers[f"{method.name} {refused.reason}"] += 1
            if refused.reason != "PERMISSION_MISSING" and turn == 0:
                self.able.setdefault(method.name, []).append(name)
            self.faults += [
                f"{method.name} by {name}, turn {turn}: {fault}\n  {refused!r} {refused.metadata}"
                f" {refused.violations}\n  request {content[:300].hex()}"
                for fault in _faults(method, content, refused)
            ]
        else:
            self.answers[f"{method.name} OK"] += 1
            if turn == 0:
                self.able.setdefault(method.name, []).append(name)
            self.drawing.learn(answer)


async def test_every_request_gets_an_answer_of_the_contract(
    world: World, database: Database
) -> None:
    fuzzing = Fuzzing(world, Drawing(await _device_ids(database)))
    await _story(world, fuzzing.drawing)
    end = asyncio.get_running_loop().time() + _SECONDS
    every = methods()
    lasting = [method for method in every if method.name not in _LAST]
    await _send_all(fuzzing, [(method, name, 0) for method in lasting for name in _CALLERS])
    turn = 1
    while asyncio.get_running_loop().time() < end and not fuzzing.faults:
        able = fuzzing.able
        work = [(m, name, turn) for m in lasting for name in able.get(m.name, ())]
        await _send_all(fuzzing, work)
        turn += 1
    for last in _LAST:
        work = [(m, name, n) for m in every if m.name == last for name in _CALLERS for n in (1, 2)]
        await _send_all(fuzzing, work)
    summary = f"seed {_SEED}, {turn} turns, {fuzzing.answers.total()} requests"
    if fuzzing.faults:
        pytest.fail(f"{summary}\n" + "\n".join(fuzzing.faults[:20]), pytrace=False)
    # A fuzzer that is always refused at the door finds nothing behind it.
    answered = {key.removesuffix(" OK") for key in fuzzing.answers if key.endswith(" OK")}
    assert len(answered) > len(every) / 2, f"{summary}: {sorted(answered)}"


async def _send_all(fuzzing: Fuzzing, work: list[tuple[MethodDescriptor, str, int]]) -> None:
    waiting = iter(work)

    async def send_some() -> None:
        for method, name, turn in waiting:
            await fuzzing.send(method, name, turn)

    await asyncio.gather(*(send_some() for _ in range(_AT_ONCE)))


async def _patient_answer(caller: Caller, method: MethodDescriptor, content: bytes) -> Message:
    """Repeats once what was not possible at the moment: a busy machine is no fault."""
    try:
        return await _answer(caller, method, content)
    except Refused as refused:
        if refused.code is not grpc.StatusCode.UNAVAILABLE:
            raise
    return await _answer(caller, method, content)


async def _answer(caller: Caller, method: MethodDescriptor, content: bytes) -> Message:
    path = f"/{method.containing_service.full_name}/{method.name}"
    kind = message_factory.GetMessageClass(method.output_type)
    if not method.server_streaming:
        unary: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = caller.channel.unary_unary(path)
        return kind.FromString(await unary(content, timeout=30))
    watch: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = caller.channel.unary_stream(path)
    stream = watch(content, timeout=30)
    try:
        first = await stream.read()
    except grpc.aio.AioRpcError as error:
        raise Refused.from_error(error) from error
    finally:
        stream.cancel()
    assert isinstance(first, bytes), "the stream ended without a word"
    return kind.FromString(first)


def _faults(method: MethodDescriptor, content: bytes, refused: Refused) -> list[str]:
    faults = []
    said = " ".join(
        (refused.message, *refused.metadata.values(), *(v.description for v in refused.violations))
    )
    if refused.code in _NEVER:
        faults.append(f"{refused.code.name} is no answer to a request")
    if refused.reason not in _REASONS:
        faults.append(f"{refused.reason!r} is no reason of the contract")
    faults += [f"the text has {leak!r}" for leak in _LEAKS if leak in said]
    try:
        request = message_factory.GetMessageClass(method.input_type).FromString(content)
    except DecodeError:
        # What is no message has no fields to name.
        return faults
    faults += [f"the text repeats {secret!r}" for secret in _secrets(request) if secret in said]
    if refused.code is grpc.StatusCode.INVALID_ARGUMENT and not _is_named(method, refused):
        faults.append("no field is named")
    return faults


def _is_named(method: MethodDescriptor, refused: Refused) -> bool:
    whole = _rules_of_messages(method.input_type)
    return bool(refused.violations) and all(
        violation.field or violation.description in whole for violation in refused.violations
    )


def _rules_of_messages(message: Descriptor) -> set[str]:
    """Returns what rules about several fields say; they name the fields themselves."""
    rules = {rule.message for rule in message.GetOptions().Extensions[validate_pb2.message].cel}
    for each in message.fields:
        if each.message_type is not None and each.message_type.full_name.startswith("fingertip."):
            rules |= _rules_of_messages(each.message_type)
    return rules


def _secrets(message: Message) -> list[str]:
    """Returns the personal texts of a request that are long enough to be told apart."""
    found: list[str] = []
    for each, value in message.ListFields():
        data_class = each.GetOptions().Extensions[options_pb2.data_class]
        values = list(value) if each.is_repeated else [value]
        if each.message_type is not None:
            found += [text for inner in values for text in _secrets(inner)]
        elif data_class >= options_pb2.DATA_CLASS_C2:
            found += [text for text in values if isinstance(text, str) and len(text) > 5]
    return found


async def _device_ids(database: Database) -> list[str]:
    rows = await database.as_owner(
        "SELECT device_id::text FROM device WHERE display_name = ANY($1)",
        [f"{name} 的设备" for name in _VICTIMS],
    )
    return [row["device_id"] for row in rows]


async def _story(world: World, drawing: Drawing) -> None:
    """Has something of every kind exist in several states, and tells the drawing of it."""
    await paper.synchronise(world)
    teller = world.teller
    for line in "BBBC":
        drawing.learn(await tickets.issue(world.ticket_machine, line))
    drawing.learn(await tickets.call_next(teller, "3", "B"))
    drawing.learn(await paper.start(teller))
    drawing.learn(await paper.submitted(teller))
    drawing.learn(await paper.submitted(teller))
    drawing.learn(await desk.claim(world.authoriser))
