"""What fulfilment tells the domains that asked. Filled in by app.py, by kind of work."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from fingertip.fulfilment.v1.work_item_pb2 import WorkOrder, WorkResult
from fingertip_server.rpc.call import Call

# The code of an item that operators gave up: nothing was done, as far as they know.
GIVEN_UP = "GIVEN_UP"


@dataclass(frozen=True, slots=True)
class Item:
    """A work item as far as its owner is concerned."""

    work_item_id: UUID
    kind: str
    operation_id: UUID
    subject_kind: str
    subject_id: str
    branch_id: str
    journey_id: UUID | None
    order: WorkOrder


@dataclass(frozen=True, slots=True)
class Booked:
    """What was booked for an operation: what the bank's books and ours are compared in.

    `amount` is a currency and how much of it, None where no money moves or nobody here knows.
    """

    content_hash: bytes
    customer_number: str
    core_reference: str
    account_number: str
    amount: tuple[str, Decimal] | None = None


def _changes_nothing(call: Call, item: Item) -> None:
    """Is told of something that the owner does not care about."""


def _knows_nothing(call: Call, item: Item) -> Booked | None:
    """Cannot tell what was booked."""


def admits_all(call: Call, item: Item) -> str:  # noqa: ARG001 - the hook's
    """Has nothing against the execution."""
    return ""


@dataclass(frozen=True, slots=True)
class Completion:
    """How the owner of a kind of work takes its outcome, in the transaction that reports it.

    `call.home` and `call.journey_id` are those of the item. `expected_result` names the field of
    WorkResult that answers it. `done` gets the result, `failed` the adapter's code: the bank
    refused, or nobody answered in time. `unknown` says that an inquiry follows; it may be told
    several times. `parked` says that an operator has to look, after whom all others may follow.
    `done` and `failed` are told once, and nothing after them.

    `bar` is asked each time before an item is handed out to be executed, or answered: what was
    approved may not be allowed any more. It locks nothing, and returns the code with which the item
    fails, or "".

    `booked` is asked when the bank's list of operations is compared: what was asked for and, once
    it is done, what was reported.
    """

    expected_result: str
    done: Callable[[Call, Item, WorkResult], None]
    failed: Callable[[Call, Item, str], None]
    unknown: Callable[[Call, Item], None] = _changes_nothing
    parked: Callable[[Call, Item], None] = _changes_nothing
    bar: Callable[[Call, Item], str] = admits_all
    booked: Callable[[Call, Item], Booked | None] = _knows_nothing
