"""What it takes to have an application executed and undone, with the bank played by hand."""

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import (
    ListReversalsRequest,
    RequestReversalRequest,
)
from fingertip.applications.v1.reversal_pb2 import Reversal
from fingertip.authorization.v1.authorization_service_pb2 import ApproveTaskRequest
from fingertip.authorization.v1.task_pb2 import ChecklistFinding, Task
from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    CompleteWorkItemRequest,
    FailWorkItemRequest,
    LeaseWorkItemsRequest,
    ReportOutcomeUnknownRequest,
)
from fingertip.fulfilment.v1.work_item_pb2 import (
    ExecutedApplication,
    ExecutedReversal,
    LeasedWorkItem,
    WorkResult,
)
from fingertip_client.caller import Caller
from tests.applications import paper
from tests.authorization import desk
from tests.world import World

ACCOUNT = "6299900000810408999"
REVERSE = "core.reverse"
ITEMS = ("reason_sound", "right_business", "not_used", "other_person")


async def lease(world: World, *kinds: str) -> LeasedWorkItem:
    """Leases the only item."""
    response = await world.core_adapter.fulfilment.LeaseWorkItems(
        LeaseWorkItemsRequest(kinds=kinds or ("core.open_account", REVERSE), max_items=10)
    )
    [leased] = response.items
    return leased


async def lease_some(world: World) -> LeasedWorkItem:
    """Leases one of several items."""
    response = await world.core_adapter.fulfilment.LeaseWorkItems(
        LeaseWorkItemsRequest(kinds=("core.open_account", REVERSE), max_items=1)
    )
    [leased] = response.items
    return leased


async def complete(world: World, leased: LeasedWorkItem, reference: str = "CORE-1") -> None:
    """Reports an item as done."""
    await world.core_adapter.fulfilment.CompleteWorkItem(completion(leased, reference))


def completion(leased: LeasedWorkItem, reference: str = "CORE-1") -> CompleteWorkItemRequest:
    """Returns the report that an item is done."""
    order = leased.order
    if order.HasField("reversal"):
        result = WorkResult(
            executed_reversal=ExecutedReversal(
                core_reference=reference, content_hash=order.reversal.content_hash
            )
        )
    else:
        result = WorkResult(
            executed_application=ExecutedApplication(
                account_number=ACCOUNT,
                core_reference=reference,
                content_hash=order.application.content_hash,
            )
        )
    return CompleteWorkItemRequest(
        request_id=paper.request_id(),
        work_item_id=leased.work_item.work_item_id,
        fence=leased.fence,
        result=result,
    )


async def fail(world: World, leased: LeasedWorkItem, code: str = "USED_SINCE") -> None:
    """Reports that the bank refused for good."""
    await world.core_adapter.fulfilment.FailWorkItem(
        FailWorkItemRequest(
            request_id=paper.request_id(),
            work_item_id=leased.work_item.work_item_id,
            fence=leased.fence,
            failure=FailWorkItemRequest.FAILURE_PERMANENT,
            failure_code=code,
        )
    )


async def lose_sight(world: World, leased: LeasedWorkItem) -> None:
    """Reports that nobody knows whether the bank acted."""
    await world.core_adapter.fulfilment.ReportOutcomeUnknown(
        ReportOutcomeUnknownRequest(
            request_id=paper.request_id(),
            work_item_id=leased.work_item.work_item_id,
            fence=leased.fence,
            failure_code="TIMEOUT",
        )
    )


async def executed(world: World, maker: Caller | None = None) -> Application:
    """Returns an application of which the bank opened the account."""
    submitted = await paper.submitted(maker or world.teller)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    await complete(world, await lease(world), f"CORE-{submitted.application_id}")
    return (await paper.get(world.teller, submitted.application_id)).application


def reversal_request(application: Application, **changed: str) -> RequestReversalRequest:
    """Asks to undo an application as it was read."""
    fields = {
        "request_id": paper.request_id(),
        "application_id": application.application_id,
        "etag": application.etag,
        "reason": "客户姓名录入有误",
    }
    return RequestReversalRequest(**(fields | changed))


async def request(caller: Caller, application: Application) -> Reversal:
    """Asks to undo an application."""
    response = await caller.applications.RequestReversal(reversal_request(application))
    return response.reversal


def approval(task: Task) -> ApproveTaskRequest:
    """Quotes a claimed task about a reversal, everything found to be as it should be."""
    approving = desk.approval(task)
    del approving.findings[:]
    approving.findings.extend(ChecklistFinding(item_id=item, passed=True) for item in ITEMS)
    return approving


async def approve(world: World) -> Task:
    """Has the next task, which is about a reversal, approved."""
    task = await desk.claim(world.authoriser)
    return (await world.authoriser.authorization.ApproveTask(approval(task))).task


async def reversals(caller: Caller, application: Application) -> list[Reversal]:
    """Returns the reversals of an application, newest first."""
    response = await caller.applications.ListReversals(
        ListReversalsRequest(application_id=application.application_id)
    )
    return list(response.reversals)


async def undone(world: World, application: Application) -> Application:
    """Has an executed application undone, and returns it."""
    await request(world.second_teller, application)
    await approve(world)
    await complete(world, await lease(world), "CORE-R")
    return (await paper.get(world.teller, application.application_id)).application
