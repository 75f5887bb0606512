"""Does one work item at the bank and says what came of it, in the words of the contract."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from fingertip.applications.v1.content_pb2 import ApplicationContent, ReversalContent
from fingertip.fulfilment.v1.fulfilment_service_pb2 import FailWorkItemRequest
from fingertip.fulfilment.v1.work_item_pb2 import (
    ApplicationOrder,
    CheckedIdentity,
    CreditReport,
    ExecutedApplication,
    ExecutedReversal,
    LeasedWorkItem,
    ResolvedCustomer,
    ReversalOrder,
    WorkItem,
    WorkResult,
)
from fingertip_core_banking.bank import (
    Bank,
    Executed,
    Finding,
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
        case "check_identity":
            whose = order.check_identity
            said = await bank.check_identity(whose.name, whose.document_number)
            identity = CheckedIdentity(outcome=said.outcome, photo=said.photo)
            return Done(WorkResult(checked_identity=identity))
        case "credit_report":
            reference = await bank.query_credit_report(UUID(item.operation_id), order.credit_report)
            return Done(WorkResult(credit_report=CreditReport(report_reference=reference)))
        case "application":
            return await _execute(bank, item, order.application)
        case "reversal":
            return await _reverse(bank, item, order.reversal)
        case _:
            # The server is newer than this adapter, or enrolled it for too much.
            return NotDone(FailWorkItemRequest.FAILURE_PERMANENT, "ORDER_NOT_KNOWN")


async def _execute(bank: Bank, item: WorkItem, order: ApplicationOrder) -> Outcome:
    def done(executed: Executed) -> WorkResult:
        return WorkResult(
            executed_application=ExecutedApplication(
                account_number=executed.account_number,
                core_reference=executed.core_reference,
                content_hash=order.content_hash,
            )
        )

    async def act(operation_id: UUID) -> Executed:
        return await bank.execute(operation_id, ApplicationContent.FromString(order.content))

    return await _act(bank, item, order, act, done)


async def _reverse(bank: Bank, item: WorkItem, order: ReversalOrder) -> Outcome:
    def done(executed: Executed) -> WorkResult:
        return WorkResult(
            executed_reversal=ExecutedReversal(
                core_reference=executed.core_reference, content_hash=order.content_hash
            )
        )

    async def act(operation_id: UUID) -> Executed:
        return await bank.reverse(operation_id, ReversalContent.FromString(order.content))

    return await _act(bank, item, order, act, done)


async def _act(
    bank: Bank,
    item: WorkItem,
    order: ApplicationOrder | ReversalOrder,
    act: Callable[[UUID], Awaitable[Executed]],
    done: Callable[[Executed], WorkResult],
) -> Outcome:
    """Has the bank act, or finds out what became of it."""
    operation_id = UUID(item.operation_id)
    if hashlib.sha256(order.content).digest() != order.content_hash:
        return NotDone(FailWorkItemRequest.FAILURE_PERMANENT, "CONTENT_HASH")
    finding: Finding
    if item.purpose == WorkItem.PURPOSE_INQUIRE:
        finding = await bank.inquire(operation_id)
    else:
        finding = await act(operation_id)
    match finding:
        case Executed():
            return Done(done(finding))
        case NeverSeen():
            return NotDone(FailWorkItemRequest.FAILURE_NEVER_SEEN, "NEVER_SEEN")
        case StillUnknown():
            return Unknown(finding.code)
