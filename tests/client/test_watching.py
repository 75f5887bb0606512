"""A watch goes on through everything that happens to streams, and a mirror ends up right."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from fingertip.customer.v1.customer_view_pb2 import SECTION_KIND_HOLDINGS, CustomerSectionChanged
from fingertip.events.v1.event_pb2 import Event
from fingertip.events.v1.events_service_pb2 import (
    GoingAway,
    Heartbeat,
    SnapshotEnd,
    WatchRequest,
    WatchResponse,
)
from fingertip.lobby.v1.ticket_pb2 import Ticket
from fingertip_client.mirror import Mirror
from fingertip_client.refusal import Refused
from fingertip_client.retry import Backoff
from fingertip_client.watch import Alive, Change, Interrupted, Snapshot, Step, watch
from tests.client import scripted

EVENTS = "fingertip.events.v1.EventsService"
BRANCH = WatchRequest(branch_id="0101")

Act = Callable[[scripted.Context], AsyncIterator[WatchResponse]]


def ticket(number: str, version: int) -> Event:
    return Event(ticket=Ticket(ticket_id=number, number=number, version=version))


def message(token: str, *events: Event) -> WatchResponse:
    return WatchResponse(resume_token=token, events=events)


def snapshot_end(token: str) -> WatchResponse:
    return WatchResponse(resume_token=token, snapshot_end=SnapshotEnd())


def heartbeat(token: str) -> WatchResponse:
    return WatchResponse(resume_token=token, heartbeat=Heartbeat())


def sends(*messages: WatchResponse, then: grpc.StatusCode | None = None, reason: str = "") -> Act:
    """Sends messages, and then ends the stream as told or, without a code, stays open."""

    async def act(context: scripted.Context) -> AsyncIterator[WatchResponse]:
        for response in messages:
            yield response
        if then is grpc.StatusCode.OK:
            return
        if then is not None:
            await scripted.refuse(context, then, reason)
        await asyncio.Event().wait()

    return act


class Play:
    """Acts one act per stream and remembers with which token each was opened."""

    def __init__(self, *acts: Act) -> None:
        """Takes the acts in order; no stream may be opened after the last."""
        self.acts = list(acts)
        self.tokens: list[str] = []

    async def perform(self, request: Message, context: scripted.Context) -> scripted.Messages:
        """Answers one stream."""
        assert isinstance(request, WatchRequest)
        self.tokens.append(request.resume_token)
        async for response in self.acts.pop(0)(context):
            yield response


async def steps_of(
    play: Play, count: int, request: WatchRequest = BRANCH, silence_seconds_max: float = 30.0
) -> list[Step]:
    """Watches until this many steps were seen."""
    steps: list[Step] = []
    async with scripted.calling(EVENTS, streams={"Watch": play.perform}) as caller:
        stream = watch(
            caller,
            request,
            silence_seconds_max=silence_seconds_max,
            reconnecting=Backoff(0.01, 0.05),
        )
        async with contextlib.aclosing(stream), asyncio.timeout(10):
            async for step in stream:
                steps.append(step)
                if len(steps) == count:
                    break
    return steps


def reasons(steps: list[Step]) -> list[str]:
    return [step.reason for step in steps if isinstance(step, Interrupted)]


async def test_a_snapshot_comes_whole_then_changes_then_signs_of_life() -> None:
    one, two, three = ticket("A001", 1), ticket("A002", 1), ticket("A001", 2)
    play = Play(
        sends(
            message("", one),
            message("", two),
            snapshot_end("t1"),
            message("t2", three),
            heartbeat("t3"),
        )
    )
    assert await steps_of(play, 3) == [
        Snapshot((one, two), "t1"),
        Change((three,), "t2"),
        Alive("t3"),
    ]
    assert play.tokens == [""]


async def test_a_lost_stream_is_resumed_after_the_last_step() -> None:
    play = Play(
        sends(
            snapshot_end("t1"), message("t2", ticket("A001", 1)), then=grpc.StatusCode.UNAVAILABLE
        ),
        sends(heartbeat("t5"), then=grpc.StatusCode.INTERNAL),
        sends(message("t6", ticket("A002", 1)), then=grpc.StatusCode.OK),
        sends(heartbeat("t7")),
    )
    steps = await steps_of(play, 8)
    assert play.tokens == ["", "t2", "t5", "t6"]
    assert reasons(steps) == ["UNAVAILABLE", "INTERNAL", "ENDED"]


async def test_a_watch_begins_where_the_one_before_the_restart_ended() -> None:
    play = Play(sends(message("t9", ticket("A003", 4))))
    request = WatchRequest(branch_id="0101", resume_token="t8")
    assert await steps_of(play, 1, request) == [Change((ticket("A003", 4),), "t9")]
    assert play.tokens == ["t8"]
    assert request.resume_token == "t8"


async def test_a_watcher_that_was_cut_off_as_too_slow_resumes() -> None:
    slow = sends(
        snapshot_end("t1"), then=grpc.StatusCode.RESOURCE_EXHAUSTED, reason="SLOW_CONSUMER"
    )
    play = Play(slow, sends(heartbeat("t2")))
    steps = await steps_of(play, 3)
    assert play.tokens == ["", "t1"]
    assert reasons(steps) == ["SLOW_CONSUMER"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.OUT_OF_RANGE, "RESUME_TOKEN_EXPIRED"),
        (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_RESUME_TOKEN"),
    ],
)
async def test_a_token_that_is_worth_nothing_any_more_leads_to_a_new_snapshot(
    code: grpc.StatusCode, reason: str
) -> None:
    play = Play(
        sends(then=code, reason=reason),
        sends(message("", ticket("A002", 1)), snapshot_end("t9")),
    )
    steps = await steps_of(play, 2, WatchRequest(branch_id="0101", resume_token="old"))
    assert play.tokens == ["old", ""]
    assert reasons(steps) == [reason]
    assert steps[1] == Snapshot((ticket("A002", 1),), "t9")


async def test_half_a_snapshot_is_not_shown_and_asked_for_again() -> None:
    play = Play(
        sends(message("x", ticket("A001", 1)), then=grpc.StatusCode.UNAVAILABLE),
        sends(message("y", ticket("A002", 1)), snapshot_end("t1")),
    )
    steps = await steps_of(play, 2)
    assert play.tokens == ["", ""]
    assert steps[1] == Snapshot((ticket("A002", 1),), "t1")


async def test_a_server_that_goes_away_is_left_with_its_last_token_after_the_wait() -> None:
    farewell = WatchResponse(
        resume_token="t4", going_away=GoingAway(retry_after=Duration(nanos=200_000_000))
    )
    play = Play(sends(snapshot_end("t1"), farewell), sends(heartbeat("t5")))
    steps = await steps_of(play, 4)
    assert play.tokens == ["", "t4"]
    assert steps[1] == Alive("t4")
    assert isinstance(steps[2], Interrupted)
    assert steps[2].reason == "GOING_AWAY"
    assert 0.2 <= steps[2].pause_seconds <= 0.3


async def test_a_stream_without_heartbeats_is_given_up() -> None:
    play = Play(sends(snapshot_end("t1")), sends(heartbeat("t2")))
    steps = await steps_of(play, 3, silence_seconds_max=0.3)
    assert play.tokens == ["", "t1"]
    assert reasons(steps) == ["SILENT"]


async def test_a_mark_that_came_after_this_client_moves_the_token_only() -> None:
    play = Play(sends(snapshot_end("t1"), message("t2")))
    assert await steps_of(play, 2) == [Snapshot((), "t1"), Alive("t2")]


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.INVALID_ARGUMENT,
    ],
)
async def test_a_watch_whose_right_ends_says_so(code: grpc.StatusCode) -> None:
    play = Play(sends(snapshot_end("t1"), then=code, reason="WHY"))
    with pytest.raises(Refused, match="WHY"):
        await steps_of(play, 5)


async def test_leaving_the_loop_ends_the_stream_at_the_server() -> None:
    ended = asyncio.Event()

    async def perform(request: Message, context: scripted.Context) -> scripted.Messages:
        try:
            yield snapshot_end("t1")
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with scripted.calling(EVENTS, streams={"Watch": perform}) as caller:
        async with contextlib.aclosing(watch(caller, BRANCH)) as stream:
            assert await anext(stream) == Snapshot((), "t1")
        async with asyncio.timeout(1):
            await ended.wait()


async def test_cancelling_a_watch_ends_the_stream_at_the_server() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def perform(request: Message, context: scripted.Context) -> scripted.Messages:
        try:
            begun.set()
            await asyncio.Event().wait()
            yield heartbeat("never")
        finally:
            ended.set()

    async with scripted.calling(EVENTS, streams={"Watch": perform}) as caller:

        async def follow() -> None:
            async for _ in watch(caller, BRANCH):
                pass

        task = asyncio.create_task(follow())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            await ended.wait()


async def test_a_mirror_of_a_disturbed_watch_is_that_of_an_undisturbed_one() -> None:
    play = Play(
        sends(message("", ticket("A001", 1)), snapshot_end("t1"), then=grpc.StatusCode.UNAVAILABLE),
        # Repeats what was seen and brings an older version late.
        sends(
            message("t2", ticket("A001", 2), ticket("A002", 1)),
            message("t2", ticket("A001", 2), ticket("A002", 1)),
            message("t3", ticket("A001", 1)),
            then=grpc.StatusCode.OUT_OF_RANGE,
            reason="RESUME_TOKEN_EXPIRED",
        ),
        sends(
            message("", ticket("A002", 3)), snapshot_end("t9"), message("t10", ticket("A004", 1))
        ),
    )
    mirror = Mirror()
    news = [[e.ticket.number for e in mirror.apply(step)] for step in await steps_of(play, 8)]
    assert news == [["A001"], [], ["A001", "A002"], [], [], [], ["A002"], ["A004"]]
    assert sorted((e.ticket.number, e.ticket.version) for e in mirror.all("ticket")) == [
        ("A002", 3),
        ("A004", 1),
    ]
    assert mirror.find("ticket", "A001") is None


def test_a_snapshot_of_a_restored_database_counts_although_its_versions_are_lower() -> None:
    mirror = Mirror()
    mirror.apply(Change((ticket("A001", 7),), "t"))
    assert mirror.apply(Snapshot((ticket("A001", 2),), "t")) == [ticket("A001", 2)]
    held = mirror.find("ticket", "A001")
    assert held is not None
    assert held.ticket.version == 2


def test_a_section_that_the_bank_did_not_answer_is_news_of_the_same_version() -> None:
    def section(version: int, *, unavailable: bool) -> Event:
        changed = CustomerSectionChanged(
            customer_id="c1", kind=SECTION_KIND_HOLDINGS, version=version, unavailable=unavailable
        )
        return Event(customer_section_changed=changed)

    mirror = Mirror()
    assert mirror.apply(Change((section(3, unavailable=False),), "t"))
    assert mirror.apply(Change((section(3, unavailable=True),), "t"))
    assert not mirror.apply(Change((section(3, unavailable=False),), "t"))
    assert mirror.apply(Change((section(4, unavailable=False),), "t"))
    assert len(mirror.all("customer_section_changed")) == 1


def test_a_kind_of_resource_that_came_after_this_client_is_skipped() -> None:
    mirror = Mirror()
    assert mirror.apply(Change((Event(event_id="e1"),), "t")) == []
    assert mirror.apply(Snapshot((Event(event_id="e1"), ticket("A001", 1)), "t")) == [
        ticket("A001", 1)
    ]
