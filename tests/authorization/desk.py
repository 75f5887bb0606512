"""What an authoriser does at his desk."""

from fingertip.applications.v1.application_pb2 import Application
from fingertip.authorization.v1.authorization_service_pb2 import (
    ApproveTaskRequest,
    ClaimNextTaskRequest,
    EscalateTaskRequest,
    GetTaskRequest,
    GetTaskResponse,
    ListTaskMessagesRequest,
    ListTaskMessagesResponse,
    PostTaskMessageRequest,
    PostTaskMessageResponse,
    ReassignTaskRequest,
    RejectTaskRequest,
    RenewClaimRequest,
    RequestSupplementRequest,
    ReturnTaskRequest,
    SupplyEvidenceRequest,
)
from fingertip.authorization.v1.task_pb2 import ChecklistFinding, SupplementItem, Task, TaskDefect
from fingertip.identity.v1.identity_service_pb2 import (
    EndBreakRequest,
    EndShiftRequest,
    StartBreakRequest,
    StartShiftRequest,
)
from fingertip_client.caller import Caller
from tests.applications.paper import request_id

ITEMS = (
    "same_person",
    "images_complete",
    "identity_matches",
    "document_valid",
    "signature_genuine",
    "applicant_seen",
    "purpose_plausible",
)


async def claim(caller: Caller) -> Task:
    """Claims the next task."""
    response = await caller.authorization.ClaimNextTask(
        ClaimNextTaskRequest(request_id=request_id())
    )
    return response.task


async def look_at(caller: Caller, task: Task) -> GetTaskResponse:
    """Opens a task."""
    return await caller.authorization.GetTask(GetTaskRequest(task_id=task.task_id))


def approval(task: Task) -> ApproveTaskRequest:
    """Quotes a claimed task, everything found to be as it should be."""
    return ApproveTaskRequest(
        request_id=request_id(),
        task_id=task.task_id,
        revision=task.revision,
        fence=task.fence,
        content_hash=task.content_hash,
        messages_seen=task.messages,
        findings=[ChecklistFinding(item_id=item, passed=True) for item in ITEMS],
    )


def renewal(task: Task) -> RenewClaimRequest:
    """Quotes a claimed task, to go on with it."""
    return RenewClaimRequest(task_id=task.task_id, fence=task.fence)


def rejection(task: Task) -> RejectTaskRequest:
    """Quotes a claimed task, to refuse it for good."""
    return RejectTaskRequest(
        request_id=request_id(),
        task_id=task.task_id,
        revision=task.revision,
        fence=task.fence,
        content_hash=task.content_hash,
        messages_seen=task.messages,
        note="非本人办理",
    )


def sending_back(task: Task) -> ReturnTaskRequest:
    """Quotes a claimed task, to have something corrected."""
    return ReturnTaskRequest(
        request_id=request_id(),
        task_id=task.task_id,
        revision=task.revision,
        fence=task.fence,
        content_hash=task.content_hash,
        messages_seen=task.messages,
        defects=[TaskDefect(subject="id_back", note="有效期限反光，请重拍")],
    )


def escalation(task: Task) -> EscalateTaskRequest:
    """Quotes a claimed task, to have somebody of a higher level decide."""
    return EscalateTaskRequest(
        request_id=request_id(),
        task_id=task.task_id,
        fence=task.fence,
        purpose="用途存疑，请上级审核",
    )


async def approve_whole(caller: Caller, task: Task) -> Task:
    """Approves a claimed task of any scene, every item of its checklist looked at."""
    checklist = (await look_at(caller, task)).checklist
    request = approval(task)
    del request.findings[:]
    request.findings.extend(ChecklistFinding(item_id=i.item_id, passed=True) for i in checklist)
    return (await caller.authorization.ApproveTask(request)).task


def asking(task: Task, *subjects: str) -> RequestSupplementRequest:
    """Quotes a claimed task, to have more evidence of some subjects."""
    return RequestSupplementRequest(
        request_id=request_id(),
        task_id=task.task_id,
        revision=task.revision,
        fence=task.fence,
        content_hash=task.content_hash,
        messages_seen=task.messages,
        items=[SupplementItem(subject=subject, note="请补拍清晰影像") for subject in subjects],
    )


async def ask(caller: Caller, task: Task, *subjects: str) -> Task:
    """Asks for more evidence of some subjects."""
    return (await caller.authorization.RequestSupplement(asking(task, *subjects))).task


def supplying(
    application: Application, message_id: str = "", text: str = ""
) -> SupplyEvidenceRequest:
    """Quotes an application as the teller sees it, to supply what he uploaded."""
    return SupplyEvidenceRequest(
        request_id=request_id(),
        task_id=application.task_id,
        etag=application.etag,
        message_id=message_id,
        text=text,
    )


async def supply(
    caller: Caller, application: Application, message_id: str = "", text: str = ""
) -> Task:
    """Supplies what was uploaded for an application, in answer to a message."""
    request = supplying(application, message_id, text)
    return (await caller.authorization.SupplyEvidence(request)).task


def saying(task: Task, text: str, *, fence: int = 0, picture: str = "") -> PostTaskMessageRequest:
    """Speaks in a task: as the holder of a claim with its fence, as the maker without one."""
    return PostTaskMessageRequest(
        request_id=request_id(),
        task_id=task.task_id,
        fence=fence,
        text=text,
        picture_kind=picture,
    )


async def question(
    caller: Caller, task: Task, text: str, *, picture: str = ""
) -> PostTaskMessageResponse:
    """Asks the maker something, perhaps for a picture."""
    return await caller.authorization.PostTaskMessage(
        saying(task, text, fence=task.fence, picture=picture)
    )


async def answer(caller: Caller, task: Task, text: str) -> PostTaskMessageResponse:
    """Tells the authoriser something."""
    return await caller.authorization.PostTaskMessage(saying(task, text))


async def listen(
    caller: Caller, task: Task, *, page_size: int = 0, page_token: str = ""
) -> ListTaskMessagesResponse:
    """Reads what was said."""
    return await caller.authorization.ListTaskMessages(
        ListTaskMessagesRequest(task_id=task.task_id, page_size=page_size, page_token=page_token)
    )


async def approve(caller: Caller, task: Task) -> Task:
    """Approves a claimed task."""
    return (await caller.authorization.ApproveTask(approval(task))).task


async def send_back(caller: Caller, task: Task) -> Task:
    """Returns a claimed task to its maker."""
    return (await caller.authorization.ReturnTask(sending_back(task))).task


async def reassign(supervisor: Caller, task_id: str, to_staff_id: str = "") -> Task:
    """Has a supervisor give a task to somebody, or back to the queue."""
    response = await supervisor.authorization.ReassignTask(
        ReassignTaskRequest(
            request_id=request_id(), task_id=task_id, to_staff_id=to_staff_id, purpose="调配"
        )
    )
    return response.task


async def start_break(caller: Caller) -> None:
    """Goes for a break."""
    await caller.identity.StartBreak(StartBreakRequest(request_id=request_id()))


async def end_break(caller: Caller) -> None:
    """Comes back from a break."""
    await caller.identity.EndBreak(EndBreakRequest(request_id=request_id()))


async def start_shift(caller: Caller) -> None:
    """Comes to work."""
    await caller.identity.StartShift(StartShiftRequest(request_id=request_id()))


async def end_shift(caller: Caller) -> None:
    """Goes home."""
    await caller.identity.EndShift(EndShiftRequest(request_id=request_id()))
