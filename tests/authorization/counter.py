"""What two tellers do at one tablet."""

from fingertip.applications.v1.application_pb2 import Application
from fingertip.authorization.v1.authorization_service_pb2 import (
    ApproveOnSiteRequest,
    GetTaskRequest,
    RejectOnSiteRequest,
    ReturnOnSiteRequest,
    RouteToCentreRequest,
)
from fingertip.authorization.v1.task_pb2 import ChecklistFinding, Task, TaskDefect
from fingertip.identity.v1.second_person_pb2 import SecondPerson
from fingertip_client.caller import Caller
from tests.applications import paper
from tests.authorization.desk import ITEMS
from tests.world import PASSWORD

SECOND = "100104"


def second(number: str = SECOND, password: str = PASSWORD) -> SecondPerson:
    """Says who stands by."""
    return SecondPerson(staff_number=number, password=password)


async def submitted(caller: Caller, **answers: str) -> Task:
    """Returns the task about Ms Wang's application, which waits for a second person."""
    application = await paper.submitted(caller, route=Task.ROUTE_ON_SITE, **answers)
    return await shown(caller, application)


async def shown(caller: Caller, application: Application) -> Task:
    """Returns the task about an application."""
    request = GetTaskRequest(task_id=application.task_id)
    return (await caller.authorization.GetTask(request)).task


def approval(task: Task, by: SecondPerson | None = None) -> ApproveOnSiteRequest:
    """Quotes a task, everything found to be as it should be."""
    return ApproveOnSiteRequest(
        request_id=paper.request_id(),
        task_id=task.task_id,
        revision=task.revision,
        content_hash=task.content_hash,
        second_person=by or second(),
        findings=[ChecklistFinding(item_id=item, passed=True) for item in ITEMS],
    )


def rejection(task: Task) -> RejectOnSiteRequest:
    """Quotes a task, to refuse it for good."""
    return RejectOnSiteRequest(
        request_id=paper.request_id(),
        task_id=task.task_id,
        revision=task.revision,
        content_hash=task.content_hash,
        second_person=second(),
        note="非本人办理",
    )


def sending_back(task: Task) -> ReturnOnSiteRequest:
    """Quotes a task, to have something corrected."""
    return ReturnOnSiteRequest(
        request_id=paper.request_id(),
        task_id=task.task_id,
        revision=task.revision,
        content_hash=task.content_hash,
        second_person=second(),
        defects=[TaskDefect(subject="id_back", note="有效期限反光，请重拍")],
    )


def rerouting(task: Task) -> RouteToCentreRequest:
    """Names a task, to have the centre decide."""
    return RouteToCentreRequest(
        request_id=paper.request_id(), task_id=task.task_id, purpose="现场无人可授权"
    )


async def approve(caller: Caller, task: Task, by: SecondPerson | None = None) -> Task:
    """Has somebody approve at the caller's tablet."""
    return (await caller.authorization.ApproveOnSite(approval(task, by))).task
