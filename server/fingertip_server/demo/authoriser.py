"""An authoriser's desk in the centre: gets a task pushed, looks at all of it, decides."""

from contextlib import aclosing

from fingertip.authorization.v1.authorization_service_pb2 import (
    ApproveTaskRequest,
    ApproveTaskResponse,
    ClaimNextTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    ReleaseTaskRequest,
    ReturnTaskRequest,
)
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_client import tracing
from fingertip_client.mirror import Mirror
from fingertip_client.refusal import Refused
from fingertip_client.request_ids import new_request_id
from fingertip_client.watch import Snapshot, watch
from fingertip_server.demo import examination, party
from fingertip_server.demo.party import Party


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
        examination.shown,
    )
    for difference in shown.differences:
        desk.reporter.tell("与退回前相比", "，".join(each.kind for each in difference.attachments))
    findings, defects = await examination.examine(desk, shown)
    if defects:
        await desk.reporter.timed(
            "退回，注明缺陷",
            desk.caller.authorization.ReturnTask(
                ReturnTaskRequest(
                    request_id=new_request_id(),
                    task_id=task.task_id,
                    revision=shown.task.revision,
                    fence=task.fence,
                    content_hash=examination.hash_of(shown),
                    defects=defects,
                )
            ),
            lambda _: "，".join(f"{each.subject}：{each.note}" for each in defects),
        )
        return
    await desk.reporter.timed(
        "批准，绑定所见内容",
        desk.caller.authorization.ApproveTask(
            ApproveTaskRequest(
                request_id=new_request_id(),
                task_id=task.task_id,
                revision=shown.task.revision,
                fence=task.fence,
                content_hash=examination.hash_of(shown),
                findings=findings,
            )
        ),
        _decided,
    )


def _decided(response: ApproveTaskResponse) -> str:
    task = response.task
    taken = task.decide_time.ToDatetime() - task.create_time.ToDatetime()
    return f"授权用时 {taken.total_seconds():.1f} 秒（自提交起）"


if __name__ == "__main__":
    party.play("centre-desk", "授权员", be_on_duty)
