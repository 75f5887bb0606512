"""The adapter at work: a real server, a real queue, and a bank as unreliable as it likes."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from fingertip.applications.v1.content_pb2 import ApplicationContent
from fingertip.customer.v1.customer_view_pb2 import SectionKind
from fingertip.fulfilment.v1.work_item_pb2 import WorkResult
from fingertip_core_banking.bank import Executed, NeverSeen
from fingertip_core_banking.simulated.faults import Faults, Timeout
from fingertip_core_banking.simulated.simulated_bank import SimulatedBank
from fingertip_core_banking.worker import Pace, Worker
from fingertip_server.app import App
from fingertip_server.settings import Settings
from tests.conftest import Clock
from tests.core_banking.orders import (
    CARD,
    CUSTOMER,
    OPEN,
    RESOLVE,
    opening,
    resolving,
    told,
    viewing,
)
from tests.core_banking.specimens import simulated_bank
from tests.core_banking.working import working
from tests.fulfilment.queue import Owner, Queue, until
from tests.world import World, refused


async def test_an_approved_application_becomes_an_account(
    queue: Queue, world: World, owner: Owner, tmp_path: Path
) -> None:
    bank, ledger = simulated_bank(tmp_path)
    draft = opening()
    async with working(world.core_adapter, bank):
        await queue.ask(draft)
        await told(owner, "done")
    [booking] = ledger.bookings()
    assert booking.operation_id == draft.operation_id
    assert booking.customer_number == CUSTOMER
    [(_, item, result)] = owner.told
    assert isinstance(result, WorkResult)
    assert result.executed_application.account_number == booking.account_number
    assert result.executed_application.core_reference == booking.core_reference
    assert result.executed_application.content_hash == item.order.application.content_hash


async def test_questions_are_answered(
    queue: Queue, world: World, owner: Owner, tmp_path: Path
) -> None:
    bank, _ = simulated_bank(tmp_path)
    async with (
        working(world.core_adapter, bank),
        working(world.crm_adapter, bank, RESOLVE),
    ):
        await queue.ask(viewing())
        await told(owner, "done")
        await queue.ask(resolving(CARD))
        await told(owner, "done", "done")
        await queue.ask(resolving("6299990000000000"))
        await told(owner, "done", "done", "done")
        await queue.ask(viewing(customer_number="T999999"))
        await told(owner, "done", "done", "done", "failed")
    results = [result for _, _, result in owner.told]
    assert results[0].section.holdings.holdings  # type: ignore[attr-defined]
    assert results[1].resolved_customer.customer_number == CUSTOMER  # type: ignore[attr-defined]
    assert results[2].resolved_customer.customer_number == ""  # type: ignore[attr-defined]
    assert results[3] == "CUSTOMER_UNKNOWN"


async def test_a_lost_answer_is_found_by_inquiry_and_opens_one_account(
    queue: Queue, world: World, owner: Owner, tmp_path: Path
) -> None:
    bank, ledger = simulated_bank(tmp_path, Faults(timeout_rate=1.0))
    async with working(world.core_adapter, _only_opening(bank)):
        await queue.ask(opening())
        await told(owner, "unknown", "done")
    assert len(ledger.bookings()) == 1


def _only_opening(bank: SimulatedBank) -> SimulatedBank:
    """Lets the bank's faults befall nothing but the opening of accounts."""
    bank._faults._standing = {"execute": bank._faults._standing["*"]}  # noqa: SLF001
    return bank


async def test_a_lost_request_is_executed_again_when_the_bank_has_settled(
    queue: Queue, world: World, owner: Owner, clock: Clock, tmp_path: Path
) -> None:
    control = tmp_path / "faults.json"
    control.write_text(json.dumps({"execute": {"timeout_rate": 1, "timeout": "never_acts"}}))
    bank, ledger = simulated_bank(tmp_path, control_file=control)
    draft = opening()
    async with working(world.core_adapter, bank):
        await queue.ask(draft)
        # The second time the bank has never seen it, which is not believed yet.
        await told(owner, "unknown", "unknown")
        control.unlink()
        await asyncio.sleep(0.3)
        assert ledger.bookings() == []
        await clock.advance(31)
        await told(owner, "unknown", "unknown", "done")
    [booking] = ledger.bookings()
    assert booking.operation_id == draft.operation_id
    assert (await queue.row(draft.operation_id))["attempts"] == 4


async def test_a_bank_that_acts_late_opens_one_account(
    queue: Queue, world: World, owner: Owner, clock: Clock, tmp_path: Path
) -> None:
    late = Faults(timeout_rate=1.0, timeout=Timeout.ACTS_LATE, late_s=3.0)
    bank, ledger = simulated_bank(tmp_path, late)
    draft = opening()
    async with working(world.core_adapter, _only_opening(bank)):
        await queue.ask(draft)
        await told(owner, "unknown", "unknown")
        assert await bank.inquire(draft.operation_id) == NeverSeen()

        async def has_acted() -> bool:
            return await bank.inquire(draft.operation_id) != NeverSeen()

        await until(has_acted)
        await clock.advance(31)
        await told(owner, "unknown", "unknown", "done")
    assert len(ledger.bookings()) == 1


async def test_a_bank_that_is_busy_is_asked_again_later(
    queue: Queue, world: World, owner: Owner, clock: Clock, tmp_path: Path
) -> None:
    control = tmp_path / "faults.json"
    control.write_text(json.dumps({"*": {"failure_rate": 1}}))
    bank, ledger = simulated_bank(tmp_path, control_file=control)
    draft = opening()
    async with working(world.core_adapter, bank):
        await queue.ask(draft)

        async def is_busy() -> bool:
            row = await queue.row(draft.operation_id)
            return str(row["failure_code"]) == "BANK_BUSY"

        await until(is_busy)
        control.unlink()
        await clock.advance(3)
        await told(owner, "done")
    assert (await queue.row(draft.operation_id))["attempts"] == 2
    assert len(ledger.bookings()) == 1


async def test_content_that_is_not_what_was_approved_never_reaches_the_bank(
    queue: Queue, world: World, owner: Owner, tmp_path: Path
) -> None:
    bank, ledger = simulated_bank(tmp_path)
    async with working(world.core_adapter, bank):
        await queue.ask(opening(tampered=b"\x08\x01"))
        await told(owner, "failed")
    assert owner.told[0][2] == "CONTENT_HASH"
    assert ledger.bookings() == []


class Wrapped:
    """A bank whose accounts are opened by a function; the rest is the simulated bank's."""

    def __init__(
        self, bank: SimulatedBank, execute: Callable[[UUID, ApplicationContent], object]
    ) -> None:
        self.reverse = bank.reverse
        self.inquire = bank.inquire
        self.operations = bank.operations
        self.view_section = bank.view_section
        self.resolve_customer = bank.resolve_customer
        self.check_identity = bank.check_identity
        self.screening_entries = bank.screening_entries
        self.query_credit_report = bank.query_credit_report
        self.customers = bank.customers
        self._execute = execute

    async def execute(self, operation_id: UUID, content: ApplicationContent) -> Executed:
        """Answers as the function does, whether it waits or not."""
        answer = self._execute(operation_id, content)
        opened = await answer if asyncio.iscoroutine(answer) else answer
        assert isinstance(opened, Executed)
        return opened


async def test_a_fault_of_the_adapter_itself_is_an_unknown_outcome(
    queue: Queue, world: World, owner: Owner, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    simulated, ledger = simulated_bank(tmp_path)

    async def open_and_stumble(operation_id: UUID, content: ApplicationContent) -> Executed:
        await simulated.execute(operation_id, content)
        raise KeyError("王小明 6299900000000007")

    async with working(world.core_adapter, Wrapped(simulated, open_and_stumble)):
        await queue.ask(opening())
        await told(owner, "unknown", "done")
    assert len(ledger.bookings()) == 1
    assert "KeyError" in caplog.text
    assert "6299900000000007" not in caplog.text


async def test_a_result_that_the_server_refuses_is_an_unknown_outcome(
    queue: Queue, world: World, owner: Owner, tmp_path: Path
) -> None:
    simulated, _ = simulated_bank(tmp_path)

    async def open_badly(operation_id: UUID, content: ApplicationContent) -> Executed:
        await simulated.execute(operation_id, content)
        return Executed("not-a-number", "R")

    async with working(world.core_adapter, Wrapped(simulated, open_badly)):
        await queue.ask(opening())
        await told(owner, "unknown", "done")


async def test_a_bank_that_hangs_is_not_waited_for_for_ever(
    queue: Queue, world: World, owner: Owner, tmp_path: Path
) -> None:
    simulated, ledger = simulated_bank(tmp_path)

    async def act_and_hang(operation_id: UUID, content: ApplicationContent) -> Executed:
        await simulated.execute(operation_id, content)
        await asyncio.sleep(3600)
        raise AssertionError("unreachable")

    bank = Wrapped(simulated, act_and_hang)
    async with working(world.core_adapter, bank, pace=Pace(bank_seconds_max=0.2)):
        await queue.ask(opening())
        await told(owner, "unknown", "done")
    assert len(ledger.bookings()) == 1


async def test_heartbeats_keep_slow_work(
    queue: Queue, world: World, owner: Owner, tmp_path: Path
) -> None:
    bank, _ = simulated_bank(tmp_path, Faults(latency_s=4.0))
    draft = opening()
    async with working(world.core_adapter, bank):
        await queue.ask(draft)
        await told(owner, "done")
    assert (await queue.row(draft.operation_id))["attempts"] == 1


async def test_work_whose_lease_is_lost_is_dropped(
    queue: Queue, world: World, owner: Owner, clock: Clock, tmp_path: Path
) -> None:
    simulated, ledger = simulated_bank(tmp_path)
    asked, dropped = asyncio.Event(), asyncio.Event()
    times = 0

    async def hang_at_first(operation_id: UUID, content: ApplicationContent) -> Executed:
        nonlocal times
        times += 1
        asked.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            dropped.set()
            raise
        return await simulated.execute(operation_id, content)

    bank = Wrapped(simulated, hang_at_first)
    async with working(world.core_adapter, bank, pace=Pace(concurrency=1, bank_seconds_max=60)):
        await queue.ask(opening())
        await asyncio.wait_for(asked.wait(), 10)
        await clock.advance(5)
        await asyncio.wait_for(dropped.wait(), 10)
        # It then inquires about what it dropped, and does not do it again.
        await told(owner, "unknown", "unknown")
    assert times == 1
    assert ledger.bookings() == []


async def test_a_worker_that_was_asleep_leaves_its_leases_alone(
    queue: Queue, world: World, owner: Owner, tmp_path: Path
) -> None:
    simulated, ledger = simulated_bank(tmp_path)

    def fall_asleep(operation_id: UUID, content: ApplicationContent) -> object:
        # As SIGSTOP does: nothing else of the process runs meanwhile.
        time.sleep(1.6)
        return simulated.execute(operation_id, content)

    async def both_were_inquired_about() -> bool:
        return len(owner.words) >= 3

    await queue.ask(opening(), opening())
    async with working(world.core_adapter, Wrapped(simulated, fall_asleep)):
        await until(both_were_inquired_about)
    # One was under way, one had not begun: neither was executed on a lease that had lapsed.
    assert len(ledger.bookings()) <= 1
    assert owner.words.count("unknown") >= 2


async def test_a_worker_that_stops_finishes_what_it_holds(
    queue: Queue, world: World, owner: Owner, tmp_path: Path
) -> None:
    bank, ledger = simulated_bank(tmp_path, Faults(latency_s=2.0))
    drafts = [opening() for _ in range(3)]
    async with working(world.core_adapter, bank) as stop:
        await queue.ask(*drafts)
        await queue.has_state("LEASED", *drafts)
        stop()
        late = opening()
        await queue.ask(late)
    assert owner.words == ["done"] * 3
    assert len(ledger.bookings()) == 3
    assert (await queue.row(late.operation_id))["state"] == "READY"


async def test_no_more_is_done_at_a_time_than_wanted(
    queue: Queue, world: World, owner: Owner, tmp_path: Path
) -> None:
    simulated, _ = simulated_bank(tmp_path)
    busy: list[int] = [0, 0]

    async def count(operation_id: UUID, content: ApplicationContent) -> Executed:
        busy[0] += 1
        busy[1] = max(busy)
        await asyncio.sleep(0.05)
        busy[0] -= 1
        return await simulated.execute(operation_id, content)

    await queue.ask(*(opening() for _ in range(20)))
    async with working(world.core_adapter, Wrapped(simulated, count), pace=Pace(concurrency=4)):
        await told(owner, *["done"] * 20)
    assert busy == [0, 4]


async def test_a_report_outlives_its_server(
    queue: Queue, server: App, settings: Settings, world: World, owner: Owner, tmp_path: Path
) -> None:
    bank, ledger = simulated_bank(tmp_path, Faults(latency_s=0.7))
    draft = opening()
    # A lease that outlasts the outage.
    server.frame.bank.policies = server.frame.bank.pack.policies
    successor = App(settings.model_copy(update={"listen": f"127.0.0.1:{server.port}"}))
    async with working(world.core_adapter, bank):
        await queue.ask(draft)
        await queue.has_state("LEASED", draft)
        await server.drain()

        async def is_booked() -> bool:
            return bool(ledger.bookings())

        await until(is_booked)
        await successor.start()
        try:
            successor.frame.hooks = server.frame.hooks
            await told(owner, "done")
        finally:
            await successor.drain()
    assert len(ledger.bookings()) == 1


async def test_an_adapter_that_may_not_work_ends_with_the_reason(
    queue: Queue, world: World, tmp_path: Path
) -> None:
    bank, _ = simulated_bank(tmp_path)
    with refused("WORK_KIND_NOT_ALLOWED"):
        await Worker(world.core_adapter, bank, (RESOLVE,), Pace()).run(asyncio.Event())
    with refused("PERMISSION_MISSING"):
        await Worker(world.ticket_machine, bank, (OPEN,), Pace()).run(asyncio.Event())


async def test_every_part_of_a_view_passes_the_contract(
    queue: Queue, world: World, owner: Owner, tmp_path: Path
) -> None:
    bank, _ = simulated_bank(tmp_path)
    kinds = [kind for kind in SectionKind.values() if kind]
    async with working(world.core_adapter, bank):
        await queue.ask(*(viewing(kind, f"T{n:06}") for kind in kinds for n in range(1, 6)))
        await told(owner, *["done"] * 25)
