"""Does one work item at the bank and says what came of it, in the words of the contract."""

import asyncio
import hashlib
import logging
from dataclasses import dataclass
from uuid import UUID

from fingertip.applications.v1.content_pb2 import ApplicationContent
from fingertip.fulfilment.v1.fulfilment_service_pb2 import FailWorkItemRequest
from fingertip.fulfilment.v1.work_item_pb2 import (
    ApplicationOrder,
    ExecutedApplication,
    LeasedWorkItem,
    ResolvedCustomer,
    WorkItem,
    WorkResult,
)
from fingertip_core_banking.bank import (
    Bank,
    Executed,
    NeverSeen,
    OutcomeUnknown,
    Refused,
    StillUnknown,
    Unreachable,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """The bank did it, now or earlier."""

    result: WorkResult


@dataclass(frozen=True, slots=True)
class NotDone:
    """The bank certainly did not do it."""

    failure: FailWorkItemRequest.Failure.ValueType
    code: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can say whether the bank did it."""

    code: str


Outcome = Done | NotDone | Unknown


async def carry_out(bank: Bank, leased: LeasedWorkItem, bank_seconds_max: float) -> Outcome:
    """Asks the bank what the item asks, within a time limit.

    Whatever is not certain is `Unknown`: a time-out, and a fault of the adapter itself.
    """
    try:
        async with asyncio.timeout(bank_seconds_max):
            return await _ask(bank, leased)
    except Refused as answer:
        return NotDone(FailWorkItemRequest.FAILURE_PERMANENT, answer.code)
    except Unreachable as answer:
        return NotDone(FailWorkItemRequest.FAILURE_RETRYABLE, answer.code)
    except OutcomeUnknown as answer:
        return Unknown(answer.code)
    except TimeoutError:
        return Unknown("TIMEOUT")
    # An adapter's fault says nothing of what the bank did; its text may hold personal data.
    except Exception as error:  # noqa: BLE001
        _log.error("%s failed with %s", leased.work_item.kind, type(error).__name__)
        return Unknown("ADAPTER_FAULT")


async def _ask(bank: Bank, leased: LeasedWorkItem) -> Outcome:
    item, order = leased.work_item, leased.order
    match order.WhichOneof("order"):
        case "view_section":
            asked = order.view_section
            section = await bank.view_section(asked.customer_number, asked.kind)
            return Done(WorkResult(section=section))
        case "resolve_customer":
            number = await bank.resolve_customer(order.resolve_customer)
            return Done(
                WorkResult(resolved_customer=ResolvedCustomer(customer_number=number or ""))
            )
        case "application":
            return await _execute(bank, item, order.application)
        case _:
            # The server is newer than this adapter, or enrolled it for too much.
            return NotDone(FailWorkItemRequest.FAILURE_PERMANENT, "ORDER_NOT_KNOWN")


async def _execute(bank: Bank, item: WorkItem, order: ApplicationOrder) -> Outcome:
    operation_id = UUID(item.operation_id)
    if hashlib.sha256(order.content).digest() != order.content_hash:
        return NotDone(FailWorkItemRequest.FAILURE_PERMANENT, "CONTENT_HASH")
    if item.purpose == WorkItem.PURPOSE_INQUIRE:
        finding = await bank.inquire(operation_id)
    else:
        finding = await bank.execute(operation_id, ApplicationContent.FromString(order.content))
    match finding:
        case Executed():
            return Done(WorkResult(executed_application=_executed(finding, order.content_hash)))
        case NeverSeen():
            return NotDone(FailWorkItemRequest.FAILURE_NEVER_SEEN, "NEVER_SEEN")
        case StillUnknown():
            return Unknown(finding.code)


def _executed(executed: Executed, content_hash: bytes) -> ExecutedApplication:
    return ExecutedApplication(
        account_number=executed.account_number,
        core_reference=executed.core_reference,
        content_hash=content_hash,
    )
