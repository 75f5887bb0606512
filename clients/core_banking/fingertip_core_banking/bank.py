"""What an adapter asks of a bank's systems, and every way in which they may answer.

An integrator writes one class of this shape over his bank's own interfaces; the worker, the
heartbeats, the reports and the inquiries come with this distribution. The conformance suite tells
whether the class keeps the promises made here.
"""

from dataclasses import dataclass
from datetime import date
from typing import Protocol, TypeAlias
from uuid import UUID

from fingertip.applications.v1.content_pb2 import ApplicationContent, ReversalContent
from fingertip.applications.v1.identity_pb2 import IdentityOutcome
from fingertip.customer.v1.customer_service_pb2 import CustomerRecord
from fingertip.customer.v1.customer_view_pb2 import SectionContent, SectionKind
from fingertip.fulfilment.v1.operation_pb2 import BankOperation
from fingertip.fulfilment.v1.work_item_pb2 import CreditReportOrder, ResolveCustomerOrder
from fingertip.screening.v1.screening_service_pb2 import ScreeningEntry


class BankAnswer(Exception):
    """An answer other than the result; `code` is the bank's word for it, never personal data.

    A code has 1 to 64 of the characters A-Z, a-z, 0-9, "_", "." and "-".
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Refused(BankAnswer):
    """The bank refused for good and did nothing: asking again would be refused again."""


class Unreachable(BankAnswer):
    """The bank certainly did nothing, because it was not reached or was too busy."""


class OutcomeUnknown(BankAnswer):
    """The bank was asked, but did not say whether it acted: a time-out, a torn connection."""


@dataclass(frozen=True, slots=True)
class Executed:
    """What an operation did, however often it was asked for.

    `account_number` is that of the account it opened, and empty when it opened none.
    """

    account_number: str
    core_reference: str


@dataclass(frozen=True, slots=True)
class NeverSeen:
    """The bank holds no trace of the operation."""


@dataclass(frozen=True, slots=True)
class StillUnknown:
    """The bank is at work on the operation, or cannot tell yet."""

    code: str


Finding: TypeAlias = Executed | NeverSeen | StillUnknown


@dataclass(frozen=True, slots=True)
class IdentityAnswer:
    """What the police's register says of a name and a number.

    `photo` is a JPEG or PNG of at most 256 KiB, with the outcome that says so and with no other.
    """

    outcome: IdentityOutcome.ValueType
    photo: bytes = b""


@dataclass(frozen=True, slots=True)
class CustomerBatch:
    """Some records of the customer master and the position behind them, in the bank's own terms."""

    records: tuple[CustomerRecord, ...]
    position: str


@dataclass(frozen=True, slots=True)
class OperationBatch:
    """Some operations of a business day and the position behind them, in the bank's own terms."""

    operations: tuple[BankOperation, ...]
    position: str


@dataclass(frozen=True, slots=True)
class ScreeningBatch:
    """Some entries of a screening list and the position behind them, in the list's own terms."""

    entries: tuple[ScreeningEntry, ...]
    position: str


class Bank(Protocol):
    """A bank's systems, as far as the adapter needs them.

    Every method may raise `Unreachable`. A method that runs into the worker's time limit is
    cancelled: what it had sent by then counts as sent.
    """

    async def execute(self, operation_id: UUID, content: ApplicationContent) -> Executed:
        """Does what was applied for, once per `operation_id`; `content.work_kind` says what it is.

        The same operation again returns what was done. Raises `Refused`, also for a kind of work
        that the bank does not do, `Unreachable`, or `OutcomeUnknown`, the last whenever it is not
        certain that nothing was done.
        """
        ...

    async def reverse(self, operation_id: UUID, content: ReversalContent) -> Executed:
        """Undoes an execution, once per `operation_id`, which is the reversal's own.

        `content` names what is undone: its operation, the bank's reference, and the account that it
        opened, if any. The same operation again returns what was done; no account is opened. Raises
        `Refused` for an execution that the bank does not know, that was reversed already, by
        another operation, or whose account was used since; `Unreachable` and `OutcomeUnknown` as
        `execute` does.
        """
        ...

    async def inquire(self, operation_id: UUID) -> Finding:
        """Finds out what became of an operation, a reversal's too, and does nothing.

        Raises `Refused` when the bank remembers to have refused it.
        """
        ...

    async def view_section(
        self, customer_number: str, kind: SectionKind.ValueType
    ) -> SectionContent:
        """Reads one part of a customer's view; raises `Refused` for a customer it does not know."""
        ...

    async def resolve_customer(self, key: ResolveCustomerOrder) -> str | None:
        """Returns the number of the customer whose card or document this is, None for nobody's."""
        ...

    async def query_credit_report(self, operation_id: UUID, order: CreditReportOrder) -> str:
        """Queries a credit report, and returns the reference under which the bank keeps it.

        The same operation again returns the same report. Raises `Refused` for a customer it does
        not know.
        """
        ...

    async def check_identity(self, name: str, document_number: str) -> IdentityAnswer:
        """Asks the police's register whether a name and a number belong together (联网核查).

        A register that is down is NOT_CHECKED, or `Unreachable`, after which it is asked again.
        """
        ...

    async def customers(self, after_position: str, limit: int) -> CustomerBatch:
        """Reads up to `limit` changed records of the customer master behind a position.

        An empty position starts at the beginning. A batch without records says that there is
        nothing new; its position is then the one that was asked with.
        """
        ...

    async def operations(
        self, business_day: date, after_position: str, limit: int
    ) -> OperationBatch:
        """Reads up to `limit` operations that were booked on a business day, behind a position.

        Those that came through this adapter, reversals among them, each with the operation_id it
        was asked under; one that was booked twice stands there twice. What moved or granted money
        has the `amount` that was booked, whatever was asked for; everything else, a reversal
        included, has none. An empty position starts at the beginning; a batch without operations is
        the end. The list of a day that is over is always the same.
        """
        ...

    async def screening_entries(
        self, list_code: str, after_position: str, limit: int
    ) -> ScreeningBatch:
        """Reads up to `limit` changed entries of a list (制裁名单, 惩戒名单) behind a position.

        Positions are as with `customers`. A list that the bank does not keep is an empty one.
        """
        ...
