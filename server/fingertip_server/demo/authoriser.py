"""An authoriser's desk in the centre: gets a task pushed, looks at all of it, decides."""

import hashlib
from contextlib import aclosing

from fingertip.applications.v1.application_pb2 import Sighting
from fingertip.applications.v1.applications_service_pb2 import ReadAttachmentRequest
from fingertip.applications.v1.content_pb2 import ApplicationContent, SignedForm
from fingertip.authorization.v1.authorization_service_pb2 import (
    ApproveTaskRequest,
    ApproveTaskResponse,
    ClaimNextTaskRequest,
    GetTaskRequest,
    GetTaskResponse,
    ListTasksRequest,
    ReleaseTaskRequest,
)
from fingertip.authorization.v1.task_pb2 import ChecklistFinding, Task
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_client import tracing
from fingertip_client.mirror import Mirror
from fingertip_client.refusal import Refused
from fingertip_client.request_ids import new_request_id
from fingertip_client.watch import Snapshot, watch
from fingertip_server.demo import party
from fingertip_server.demo.party import Failed, Party


async def be_on_duty(desk: Party) -> None:
    """Watches the centre until told to leave, and decides what waits there."""
    await _give_back(desk)
    mirror = Mirror()
    request = WatchRequest(centre_id=desk.staff.branch_id)
    async with aclosing(watch(desk.caller, request)) as steps:
        async for step in steps:
            events = mirror.apply(step)
            if isinstance(step, Snapshot):
                desk.ready("到岗，等待推送授权任务")
            # What is offered to a colleague first is announced to all.
            mine = {"", desk.staff.staff_id}
            queued = [
                event
                for event in events
                if event.task.state == Task.STATE_QUEUED and event.task.offered_to in mine
            ]
            if queued:
                with tracing.acting_on(queued[0]):
                    await _take_next(desk)


async def _give_back(desk: Party) -> None:
    """Releases what he held when he was last interrupted; nobody holds two tasks."""
    listed = await desk.caller.authorization.ListTasks(
        ListTasksRequest(states=[Task.STATE_CLAIMED])
    )
    for task in listed.tasks:
        if task.authoriser_id == desk.staff.staff_id:
            await desk.caller.authorization.ReleaseTask(
                ReleaseTaskRequest(
                    request_id=new_request_id(),
                    task_id=task.task_id,
                    fence=task.fence,
                    purpose="工作台曾中断，重新排队",
                )
            )


async def _take_next(desk: Party) -> None:
    try:
        claimed = await desk.reporter.timed(
            "领取授权任务",
            desk.caller.authorization.ClaimNextTask(
                ClaimNextTaskRequest(request_id=new_request_id())
            ),
            lambda response: f"{response.task.scene_code}，第{response.task.revision}次提交",
        )
    except Refused as refused:
        if refused.reason != "NO_TASK_WAITING":
            raise
        # A colleague was quicker.
        return
    # Not always the one that was announced.
    with tracing.in_journey(claimed.task.journey_id):
        await _decide(desk, claimed.task)


async def _decide(desk: Party, task: Task) -> None:
    shown = await desk.reporter.timed(
        "调阅授权内容",
        desk.caller.authorization.GetTask(GetTaskRequest(task_id=task.task_id)),
        lambda response: f"内容摘要 {response.task.content_hash.hex()[:12]}，{_verified(response)}",
    )
    content = ApplicationContent.FromString(shown.content)
    seen = {answer.field_key for answer in SignedForm.FromString(content.signed_form).answers}
    for evidence in content.evidence:
        await _look_at(desk, evidence)
        seen.add(evidence.kind)
    for sighting in content.sightings:
        kind = Sighting.Kind.Name(sighting.kind).removeprefix("KIND_").lower()
        seen.add(f"sighting.{kind}")
    # Some of it is asked for only of some: what is missing of the rest could not be submitted.
    findings = [
        ChecklistFinding(item_id=item.item_id, passed=not seen.isdisjoint(item.evidence_keys))
        for item in shown.checklist
    ]
    passed = sum(finding.passed for finding in findings)
    desk.reporter.tell("逐项核对清单", f"{passed}/{len(findings)} 项相符")
    await desk.reporter.timed(
        "批准，绑定所见内容",
        desk.caller.authorization.ApproveTask(
            ApproveTaskRequest(
                request_id=new_request_id(),
                task_id=task.task_id,
                revision=shown.task.revision,
                fence=task.fence,
                content_hash=hashlib.sha256(shown.content).digest(),
                findings=findings,
            )
        ),
        _decided,
    )


def _verified(response: GetTaskResponse) -> str:
    """Says that the bytes shown are those that the task is about; raises Failed otherwise."""
    if hashlib.sha256(response.content).digest() != response.task.content_hash:
        raise Failed("The content is not what its hash says.")
    content = ApplicationContent.FromString(response.content)
    if hashlib.sha256(content.signed_form).digest() != content.form_hash:
        raise Failed("The form is not the one that the customer signed.")
    return "与任务及客户所签一致"


async def _look_at(desk: Party, evidence: ApplicationContent.Evidence) -> None:
    """Reads an image piece by piece and compares it with the content; raises Failed."""
    image = b""
    while len(image) < evidence.size_bytes:
        request = ReadAttachmentRequest(attachment_id=evidence.attachment_id, offset=len(image))
        response = await desk.caller.applications.ReadAttachment(request)
        if not response.piece:
            break
        image += response.piece
    if hashlib.sha256(image).digest() != evidence.sha256:
        raise Failed(f"{evidence.kind} is not the image that was submitted.")
    desk.reporter.tell("查看影像", f"{evidence.kind}，{len(image) // 1024} KiB，摘要相符")


def _decided(response: ApproveTaskResponse) -> str:
    task = response.task
    taken = task.decide_time.ToDatetime() - task.create_time.ToDatetime()
    return f"授权用时 {taken.total_seconds():.1f} 秒（自提交起）"


if __name__ == "__main__":
    party.play("centre-desk", "授权员", be_on_duty)
