"""What an operator's dashboard shows: calls, and what no call shows."""

import time

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from fingertip_server.app import App
from tests.applications import paper
from tests.authorization import desk
from tests.conftest import Clock
from tests.customer import bank, master
from tests.events.publishing import next_events, publish, watching
from tests.faults.waiting import until
from tests.lobby.tickets import call_next, card, issue
from tests.telemetry.metrics import Measured
from tests.world import World, refused

_ISSUE = "lobby.v1.LobbyService/IssueTicket"
_CALL_NEXT = "lobby.v1.LobbyService/CallNextTicket"


@pytest.fixture(scope="session")
def provided() -> Measured:
    """Takes the metrics of this process, for good: that is decided once."""
    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))
    return Measured(reader)


@pytest.fixture
def measured(provided: Measured, server: App) -> Measured:
    """The metrics with a server that knows that somebody takes them."""
    return provided


async def test_calls_are_counted_and_timed_by_method_and_reason(
    measured: Measured, world: World
) -> None:
    before = measured.value("fingertip.calls", **{"rpc.method": _ISSUE, "reason": "OK"})
    count, took = measured.histogram("fingertip.call.duration", **{"rpc.method": _ISSUE})
    start = time.perf_counter()
    for _ in range(3):
        await issue(world.ticket_machine)
    longest = (time.perf_counter() - start) * 1000
    assert measured.value("fingertip.calls", **{"rpc.method": _ISSUE, "reason": "OK"}) - before == 3
    counted, taken = measured.histogram("fingertip.call.duration", **{"rpc.method": _ISSUE})
    assert counted - count == 3
    assert 0 < taken - took <= longest


async def test_errors_are_counted_by_their_reason(measured: Measured, world: World) -> None:
    error = {"rpc.method": _CALL_NEXT, "reason": "NO_TICKET_WAITING"}
    before = measured.value("fingertip.calls", **error)
    count, _ = measured.histogram("fingertip.call.duration", **error)
    with refused("NO_TICKET_WAITING"):
        await call_next(world.teller, "3")
    assert measured.value("fingertip.calls", **error) - before == 1
    assert measured.histogram("fingertip.call.duration", **error)[0] - count == 1


async def test_work_that_waits_for_an_adapter_is_counted_until_it_is_leased(
    measured: Measured, server: App, world: World
) -> None:
    queue = {"queue": "work_item", "kind": "crm.view"}
    await master.sync(world, master.wang())
    await issue(world.ticket_machine, identification=card(master.wang().card_numbers[0]))
    await server.measuring.look()
    assert measured.value("fingertip.queue.depth", **queue) == 3
    assert 0 <= measured.value("fingertip.claim.age", **queue) < 30
    assert len(await bank.lease(world.crm_adapter, "crm.view")) == 3
    await server.measuring.look()
    assert measured.value("fingertip.queue.depth", **queue) == 0
    assert measured.value("fingertip.claim.age", **queue) == 0


async def test_a_task_grows_older_until_somebody_claims_it(
    measured: Measured, server: App, world: World, clock: Clock
) -> None:
    queue = {"queue": "task", "kind": "C001/account_opening"}
    await paper.synchronise(world)
    await paper.submitted(world.teller)
    await clock.advance(40)
    await server.measuring.look()
    assert measured.value("fingertip.queue.depth", **queue) == 1
    assert 40 <= measured.value("fingertip.claim.age", **queue) < 70
    await desk.claim(world.authoriser)
    await server.measuring.look()
    assert measured.value("fingertip.queue.depth", **queue) == 0


async def test_how_long_a_change_takes_to_its_watcher_is_measured(
    measured: Measured, server: App, world: World
) -> None:
    async with watching(world.teller) as stream:
        await stream.read()
        count, took = measured.histogram("fingertip.watch.lag")
        start = time.perf_counter()
        await publish(server, 7)
        await next_events(stream)
        longest = (time.perf_counter() - start) * 1000
    counted, taken = measured.histogram("fingertip.watch.lag")
    assert counted - count == 1
    assert 0 <= taken - took <= longest


async def test_an_event_loop_that_is_held_up_is_seen(measured: Measured) -> None:
    count, _ = measured.histogram("fingertip.loop.lag")
    # From its first look on one follows the other, so that one ends while the loop is held up.
    await until(lambda: measured.histogram("fingertip.loop.lag")[0] > count, 20)
    _, before = measured.histogram("fingertip.loop.lag")
    time.sleep(1.0)  # noqa: ASYNC251 - holding the loop up is the point
    await until(lambda: measured.histogram("fingertip.loop.lag")[1] - before > 300, 5)
