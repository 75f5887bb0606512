"""A bank that keeps the promises of `Bank`, on books of its own and with faults at will."""

import asyncio
import hashlib
import os
import signal
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as dt_time
from uuid import UUID
from zoneinfo import ZoneInfo

from fingertip.applications.v1.content_pb2 import ApplicationContent, ReversalContent
from fingertip.customer.v1.customer_view_pb2 import SectionContent, SectionKind
from fingertip.fulfilment.v1.operation_pb2 import BankOperation
from fingertip.fulfilment.v1.work_item_pb2 import CreditReportOrder, ResolveCustomerOrder
from fingertip_core_banking.bank import (
    CustomerBatch,
    Executed,
    Finding,
    IdentityAnswer,
    NeverSeen,
    OperationBatch,
    OutcomeUnknown,
    Refused,
    ScreeningBatch,
    StillUnknown,
    Unreachable,
)
from fingertip_core_banking.simulated import amounts, register, sections
from fingertip_core_banking.simulated.customers import CustomerFile
from fingertip_core_banking.simulated.faults import Fate, FaultPlan, Timeout
from fingertip_core_banking.simulated.ledger import Booking, Ledger, NotReversible
from fingertip_core_banking.simulated.lists import Lists

# The bank books by the clock on its own wall.
_TIME_ZONE = ZoneInfo("Asia/Shanghai")


class SimulatedBank:
    """Implements `Bank`. With `die_after_acting` n, the process is killed in the n-th booking.

    That kill comes when the books are on the disk and nobody was told: the worst moment there is.
    """

    def __init__(
        self,
        ledger: Ledger,
        customers: CustomerFile,
        faults: FaultPlan,
        *,
        card_bin: str,
        die_after_acting: int = 0,
        lists: Lists | None = None,
    ) -> None:
        self._ledger = ledger
        self._customers = customers
        self._faults = faults
        self._card_bin = card_bin
        self._bookings_to_live = die_after_acting
        self._lists = lists or Lists()

    async def execute(self, operation_id: UUID, content: ApplicationContent) -> Executed:
        """Books the work, or answers as the fault plan wants it."""
        fate = await self._meet_fate("execute")
        if content.customer_number not in self._customers.customers().by_number:
            raise Refused("CUSTOMER_UNKNOWN")
        if fate is not Fate.TIMED_OUT:
            return _executed(await self._book(operation_id, content, late_s=0))
        faults = self._faults.faults("execute")
        if faults.timeout is not Timeout.NEVER_ACTS:
            late_s = faults.late_s if faults.timeout is Timeout.ACTS_LATE else 0
            await self._book(operation_id, content, late_s)
        raise OutcomeUnknown("TIMEOUT")

    async def reverse(self, operation_id: UUID, content: ReversalContent) -> Executed:
        """Books the reversal, or answers as the fault plan wants it."""
        fate = await self._meet_fate("reverse")
        faults = self._faults.faults("reverse")
        late_s = 0.0
        if fate is Fate.TIMED_OUT:
            if faults.timeout is Timeout.NEVER_ACTS:
                raise OutcomeUnknown("TIMEOUT")
            late_s = faults.late_s if faults.timeout is Timeout.ACTS_LATE else 0.0
        booking = await self._book_reversal(operation_id, content, late_s)
        if fate is Fate.TIMED_OUT:
            raise OutcomeUnknown("TIMEOUT")
        return _executed(booking)

    async def inquire(self, operation_id: UUID) -> Finding:
        """Looks the operation up in the books."""
        if await self._meet_fate("inquire") is Fate.TIMED_OUT:
            return StillUnknown("TIMEOUT")
        booking = await asyncio.to_thread(self._ledger.find, operation_id, time.time())
        return _executed(booking) if booking else NeverSeen()

    async def view_section(
        self, customer_number: str, kind: SectionKind.ValueType
    ) -> SectionContent:
        """Makes up one part of the customer's view."""
        await self._meet_fate_of_read("view_section")
        if customer_number not in self._customers.customers().by_number:
            raise Refused("CUSTOMER_UNKNOWN")
        today = datetime.now(_TIME_ZONE).date()
        return sections.section(customer_number, kind, self._card_bin, today)

    async def resolve_customer(self, key: ResolveCustomerOrder) -> str | None:
        """Looks the card or document up in the customer master."""
        await self._meet_fate_of_read("resolve_customer")
        customers = self._customers.customers()
        if key.WhichOneof("key") == "card_number":
            return customers.number_by_card.get(key.card_number)
        return customers.number_by_resident_id.get(key.resident_id)

    async def query_credit_report(self, operation_id: UUID, order: CreditReportOrder) -> str:
        """Makes up the reference of a report."""
        await self._meet_fate_of_read("query_credit_report")
        if order.customer_number not in self._customers.customers().by_number:
            raise Refused("CUSTOMER_UNKNOWN")
        return f"CR-{operation_id.hex.upper()}"

    async def check_identity(self, name: str, document_number: str) -> IdentityAnswer:
        """Asks the simulated register, which says what the fault plan wants it to say."""
        await self._meet_fate_of_read("check_identity")
        forced = self._faults.faults("check_identity").outcome
        return register.answer(self._customers.customers(), name, document_number, forced)

    async def customers(self, after_position: str, limit: int) -> CustomerBatch:
        """Reads the customer master; a position is the number of lines read so far."""
        await self._meet_fate_of_read("customers")
        done = int(after_position or "0")
        records = tuple(self._customers.customers().records[done : done + limit])
        return CustomerBatch(records, str(done + len(records)) if records else after_position)

    async def operations(
        self, business_day: date, after_position: str, limit: int
    ) -> OperationBatch:
        """Reads the books of a day on the wall's calendar; a position counts the bookings read."""
        await self._meet_fate_of_read("operations")
        start = datetime.combine(business_day, dt_time(), _TIME_ZONE).timestamp()
        end = datetime.combine(business_day + timedelta(days=1), dt_time(), _TIME_ZONE).timestamp()
        booked = await asyncio.to_thread(self._ledger.booked_between, start, min(end, time.time()))
        done = int(after_position or "0")
        batch = booked[done : done + limit]
        position = str(done + len(batch)) if batch else after_position
        return OperationBatch(tuple(_operation(booking) for booking in batch), position)

    async def screening_entries(
        self, list_code: str, after_position: str, limit: int
    ) -> ScreeningBatch:
        """Reads a list's file; a position is the number of lines read so far."""
        await self._meet_fate_of_read("screening_entries")
        done = int(after_position or "0")
        entries = tuple(self._lists.entries(list_code)[done : done + limit])
        return ScreeningBatch(entries, str(done + len(entries)) if entries else after_position)

    async def _meet_fate(self, operation: str) -> Fate:
        await asyncio.sleep(self._faults.faults(operation).latency_s)
        fate = self._faults.fate(operation)
        if fate is Fate.UNREACHABLE:
            raise Unreachable("BANK_BUSY")
        if fate is Fate.REFUSED:
            raise Refused("REFUSED")
        return fate

    async def _meet_fate_of_read(self, operation: str) -> None:
        if await self._meet_fate(operation) is Fate.TIMED_OUT:
            raise OutcomeUnknown("TIMEOUT")

    async def _book(
        self, operation_id: UUID, content: ApplicationContent, late_s: float
    ) -> Booking:
        sha256 = hashlib.sha256(content.SerializeToString(deterministic=True)).hexdigest()
        booking = await asyncio.to_thread(
            self._ledger.book,
            operation_id,
            content.work_kind,
            content.customer_number,
            sha256,
            time.time() + late_s,
            amounts.to_book(content),
        )
        self._die_in_time()
        if booking.content_sha256 != sha256:
            raise Refused("OPERATION_REUSED")
        return booking

    async def _book_reversal(
        self, operation_id: UUID, content: ReversalContent, late_s: float
    ) -> Booking:
        sha256 = hashlib.sha256(content.SerializeToString(deterministic=True)).hexdigest()
        booking = Booking(
            operation_id,
            content.work_kind,
            "",
            f"SIM-{operation_id.hex.upper()}",
            content.customer_number,
            sha256,
            time.time() + late_s,
        )
        undone = UUID(content.undone_operation_id)
        try:
            booked = await asyncio.to_thread(self._ledger.reverse, booking, undone)
        except NotReversible as refusal:
            raise Refused(refusal.code) from None
        self._die_in_time()
        if booked.content_sha256 != sha256:
            raise Refused("OPERATION_REUSED")
        return booked

    def _die_in_time(self) -> None:
        self._bookings_to_live -= 1
        if self._bookings_to_live == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _operation(booking: Booking) -> BankOperation:
    operation = BankOperation(
        operation_id=str(booking.operation_id),
        work_kind=booking.work_kind,
        core_reference=booking.core_reference,
        customer_number=booking.customer_number,
        account_number=booking.account_number,
        content_hash=bytes.fromhex(booking.content_sha256),
    )
    if booking.amount_cents is not None:
        operation.amount.CopyFrom(amounts.money(booking.amount_cents))
    operation.book_time.FromDatetime(datetime.fromtimestamp(booking.booked_at, UTC))
    return operation


def _executed(booking: Booking) -> Executed:
    return Executed(booking.account_number, booking.core_reference)
