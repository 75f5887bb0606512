"""Whatever is sent to whichever method by whomever gets an answer of the contract.

FINGERTIP_FUZZ_SEED repeats a run, but for the ids that the server makes and for what lapses with
time. FINGERTIP_FUZZ_TURNS makes it longer; with FINGERTIP_FUZZ_AT_ONCE several requests are sent at
a time, which finds races, and is not repeated exactly.
"""

import asyncio
import os
import random
import secrets
from collections import Counter
from dataclasses import dataclass, field

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import DecodeError, Message

from fingertip.events.v1.events_service_pb2 import WatchResponse
from fingertip.options.v1 import options_pb2
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from tests.applications import paper
from tests.conftest import Database
from tests.contract import documented, story
from tests.contract.descriptors import methods
from tests.contract.drawing import Drawing
from tests.contract.story import SpoiltWorld
from tests.world import World

_SEED = os.environ.get("FINGERTIP_FUZZ_SEED") or secrets.token_hex(4)
_TURNS = int(os.environ.get("FINGERTIP_FUZZ_TURNS", "10"))
_AT_ONCE = int(os.environ.get("FINGERTIP_FUZZ_AT_ONCE", "1"))
_CALLERS = (
    "100101",
    "100103",
    "100106",
    "100108",
    "100202",
    "900102",
    "900109",
    "000001",
    "000002",
    "000003",
    "000011",
    "ticket_machine",
    "bare_tablet",
    "crm_adapter",
    "core_adapter",
)
_SECURITY_ADMIN = "000002"
# What may be revoked: it never calls here.
_VICTIMS = ("other_ticket_machine",)
# Whoever goes home or signs out can do little afterwards.
_LAST = ("EndShift", "SignOut")
_SHOWN_BYTES = 2_000
_PER_TURN = 3
_TURNS_PER_DAY = 3
# Of most of a story's requests there is none, or few would come to their end.
_SPOILT = (0, 0, 0, 2, 4)
_REPEATED = 0.3
# What is secret is not kept: a repetition issues it anew, or ends the session that would repeat.
_ANSWERED_ANEW = {"EnrolDevice", "SignIn", "CreateEnrolmentCode", "SignOut"}
_METHODS = {method.name: method for method in methods()}
_OK = "OK"
_NEVER = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE}
_AT_THE_DOOR = {"INVALID_REQUEST", "PERMISSION_MISSING", "NOT_SIGNED_IN"}
_LEAKS = ("Traceback", "Error(", "asyncpg", "sqlalchemy", "<class", "SELECT ", "psycopg", "::")

Work = tuple[MethodDescriptor, str, int]
"""A method, who calls it, and the number that makes the request."""


@dataclass
class Fuzzing:
    """A run: what was sent, what came back, and what should not have."""

    world: World
    drawing: Drawing = field(default_factory=Drawing)
    faults: list[str] = field(default_factory=list)
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    able: dict[str, list[str]] = field(default_factory=dict)
    stories_requests: int = 0

    async def send(self, method: MethodDescriptor, name: str, number: int) -> None:
        """Sends one request out of what is known."""
        seed = f"{_SEED}/{method.name}/{name}/{number}"
        content = self.drawing.request(method.input_type, name, seed)
        outcome, answer = await self._judged(method, name, content, seed)
        if answer is not None and "request_id" in method.input_type.fields_by_name:
            await self._repeat(method, name, content, answer, seed)
        if number == 0 and outcome != "PERMISSION_MISSING":
            self.able.setdefault(method.name, []).append(name)

    async def spoil(self, name: str, method_name: str, request: Message) -> Message | None:
        """Sometimes sends some that are almost this one, and returns an answer to one of them."""
        taken: Message | None = None
        self.stories_requests += 1
        for copy in range(random.Random(f"{_SEED}/{self.stories_requests}").choice(_SPOILT)):
            seed = f"{_SEED}/{method_name}/{name}/spoilt/{self.stories_requests}/{copy}"
            content = self.drawing.spoilt(request, seed)
            _, answer = await self._judged(_METHODS[method_name], name, content, seed)
            taken = answer or taken
        return taken

    def learn(self, name: str, method_name: str, answer: Message) -> None:
        """Remembers what somebody was told."""
        self.answers[method_name, _OK] += 1
        self.drawing.knowledge[name].learn(answer)

    async def _repeat(
        self, method: MethodDescriptor, name: str, content: bytes, answer: Message, seed: str
    ) -> None:
        """Sends what was answered once more, now and then."""
        if random.Random(f"{seed}/again").random() < _REPEATED:
            _, again = await self._judged(method, name, content, f"{seed}/again")
            if again != answer and method.name not in _ANSWERED_ANEW:
                self.faults.append(f"{seed}: repeated it is not answered the same")

    async def _judged(
        self, method: MethodDescriptor, name: str, content: bytes, seed: str
    ) -> tuple[str, Message | None]:
        outcome, answer = _OK, None
        try:
            answer = await _patient_answer(self.world.caller(name), method, content)
        except Refused as refused:
            outcome = refused.reason
            self.answers[method.name, outcome] += 1
            self.faults += [
                f"{seed}: {fault}\n  {refused!r} {refused.metadata} {refused.violations}"
                f"\n  request {content[:_SHOWN_BYTES].hex()}"
                for fault in _faults(method, content, refused)
            ]
        else:
            request = message_factory.GetMessageClass(method.input_type).FromString(content)
            self.learn(name, method.name, answer)
            self.drawing.knowledge[name].learn_next(request, answer)
        return outcome, answer

    def without_any_but(self, outcomes: set[str]) -> set[str]:
        """Returns the methods whose every request came to one of these outcomes."""
        return set(_METHODS) - {name for name, outcome in self.answers if outcome not in outcomes}

    def __str__(self) -> str:
        told = [f"seed {_SEED}, {self.answers.total()} requests"]
        for method in _METHODS:
            outcomes = sorted(outcome for name, outcome in self.answers if name == method)
            counts = (f"{outcome} {self.answers[method, outcome]}" for outcome in outcomes)
            told.append(f"  {method}: {', '.join(counts)}")
        return "\n".join(told)


@pytest.mark.timeout(60 + 10 * _TURNS)
async def test_every_request_gets_an_answer_of_the_contract(
    world: World, database: Database, request: pytest.FixtureRequest
) -> None:
    # Shown with any failure, a time-out as well.
    request.node.add_report_section("call", "seed", f"FINGERTIP_FUZZ_SEED={_SEED}")
    fuzzing = Fuzzing(world)
    for device_id in await _device_ids(database):
        fuzzing.drawing.knowledge[_SECURITY_ADMIN].give("device_id", device_id)
    await paper.synchronise(world)
    spoilt_world = SpoiltWorld(world.targets, world.credentials, fuzzing.spoil, fuzzing.learn)
    lasting = [method for method in _METHODS.values() if method.name not in _LAST]
    await story.live(world, spoilt_world, database, 0)
    await _send_all(fuzzing, [(method, name, 0) for method in lasting for name in _CALLERS])
    for turn in range(1, _TURNS):
        if turn % _TURNS_PER_DAY == 0:
            await story.live(world, spoilt_world, database, turn // _TURNS_PER_DAY)
        await _send_all(fuzzing, [work for m in lasting for work in _work(m, fuzzing, turn)])
    for last in _LAST:
        await _send_all(fuzzing, [(_METHODS[last], name, n) for name in _CALLERS for n in (1, 2)])
    await spoilt_world.close()
    if fuzzing.faults:
        pytest.fail("\n".join([str(fuzzing), *fuzzing.faults[:20]]), pytrace=False)
    # A fuzzer that is always refused at the door finds nothing behind it.
    assert not fuzzing.without_any_but(_AT_THE_DOOR), str(fuzzing)
    assert len(fuzzing.without_any_but(set(documented.reasons()))) < len(_METHODS) / 10, str(
        fuzzing
    )


def _work(method: MethodDescriptor, fuzzing: Fuzzing, turn: int) -> list[Work]:
    """Returns a turn's requests of a method: as many for each, by those in turn who may call it."""
    able = fuzzing.able[method.name]
    numbers = range(turn * _PER_TURN, (turn + 1) * _PER_TURN)
    return [(method, able[number % len(able)], number) for number in numbers]


async def _send_all(fuzzing: Fuzzing, work: list[Work]) -> None:
    waiting = iter(work)

    async def send_some() -> None:
        for method, name, number in waiting:
            await fuzzing.send(method, name, number)

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
    if not method.server_streaming:
        kind = message_factory.GetMessageClass(method.output_type)
        unary: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = caller.channel.unary_unary(path)
        return kind.FromString(await unary(content, timeout=30))
    watch: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = caller.channel.unary_stream(path)
    stream = watch(content, timeout=30)
    told = WatchResponse()
    try:
        # A snapshot's last message has the token.
        while not told.resume_token:
            message = await stream.read()
            assert isinstance(message, bytes), "the stream ended without a word"
            told.MergeFromString(message)
    except grpc.aio.AioRpcError as error:
        raise Refused.from_error(error) from error
    finally:
        stream.cancel()
    return told


def _faults(method: MethodDescriptor, content: bytes, refused: Refused) -> list[str]:
    faults = []
    said = " ".join(
        (refused.message, *refused.metadata.values(), *(v.description for v in refused.violations))
    )
    if refused.code in _NEVER:
        faults.append(f"{refused.code.name} is no answer to a request")
    if refused.reason not in documented.refusals(method):
        faults.append(f"{refused.reason!r} is no reason that the method's comment names")
    reason = documented.reasons().get(refused.reason)
    if reason is None or reason.code is not refused.code or not reason.has(refused.metadata):
        faults.append(f"{refused.reason!r} is not as its comment says")
    faults += [f"the text has {leak!r}" for leak in _LEAKS if leak in said]
    try:
        request = message_factory.GetMessageClass(method.input_type).FromString(content)
    except DecodeError:
        # What is no message has no fields to name.
        return faults
    faults += [f"the text repeats {secret!r}" for secret in _secrets(request) if secret in said]
    if refused.code is grpc.StatusCode.INVALID_ARGUMENT and not _is_named(
        method.input_type, refused
    ):
        faults.append("no field is named, or one that there is not")
    return faults


def _is_named(message: Descriptor, refused: Refused) -> bool:
    return bool(refused.violations) and all(
        _has(message, violation.field.split(".")) for violation in refused.violations
    )


def _has(message: Descriptor, names: list[str]) -> bool:
    """Tells whether a path of names, some with a place in a list, leads to a field or a choice."""
    name, _, place = names[0].partition("[")
    field = message.fields_by_name.get(name)
    if field is None:
        return name in message.oneofs_by_name and not names[1:]
    if place and not (field.is_repeated and place.removesuffix("]").isdecimal()):
        return False
    return not names[1:] or (field.message_type is not None and _has(field.message_type, names[1:]))


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
