"""Tasks as the contract shows them."""

from collections.abc import Iterable
from datetime import datetime

from fingertip.authorization.v1 import task_pb2
from fingertip_server.authorization import anchors
from fingertip_server.authorization.anchors import Anchored
from fingertip_server.authorization.tables import Task, TaskDecision
from fingertip_server.rpc import fields


def task(row: Task) -> task_pb2.Task:
    """Returns the task as it is now."""
    return task_pb2.Task(
        task_id=str(row.task_id),
        scene_code=row.scene_code,
        centre_id=row.centre_id,
        branch_id=row.branch_id,
        skill=row.skill,
        state=task_pb2.Task.State.Value(f"STATE_{row.state}"),
        subject_kind=row.subject_kind,
        subject_id=str(row.subject_id),
        revision=row.revision,
        content_hash=row.content_hash,
        fence=row.fence,
        authoriser_id=row.holder or "",
        maker_id=row.maker_id,
        park_reason=row.park_reason,
        previous_task_id=fields.text(row.previous_task_id),
        journey_id=fields.text(row.journey_id),
        create_time=fields.instant(row.create_time),
        expire_time=fields.instant(row.expire_time),
        lease_expire_time=fields.instant(row.lease_until),
        decide_time=fields.instant(row.decide_time),
        version=row.version,
        level=row.level,
        reenter_amount=row.reenter_amount,
        steps_required=row.steps_required,
        steps_done=row.steps_done,
        offered_to=row.offered_to or "",
        offer_expire_time=fields.instant(row.offered_until),
        reminded_time=fields.instant(_later(row.reminded_time, row.claim_reminded_time)),
        escalated_time=fields.instant(row.escalated_time),
        escalated_to=row.escalated_to,
        claim_time=fields.instant(row.claim_time),
        end_note=row.end_note,
        messages=row.messages,
    )


def checklist(row: Task) -> list[task_pb2.ChecklistItem]:
    """Returns what is to be checked, in the order of the scene."""
    return [
        task_pb2.ChecklistItem(item_id=item_id, text=text, evidence_keys=keys)
        for item_id, text, keys in row.checklist
    ]


def defects(anchored: Iterable[Anchored]) -> list[task_pb2.TaskDefect]:
    """Returns what the authoriser wants corrected."""
    return [
        task_pb2.TaskDefect(subject=each.subject, note=each.note, anchor=anchors.value(each.anchor))
        for each in anchored
    ]


def step(row: TaskDecision) -> task_pb2.TaskStep:
    """Returns who decided what in a step."""
    return task_pb2.TaskStep(
        step=row.step,
        outcome=task_pb2.Task.State.Value(f"STATE_{row.outcome}"),
        authoriser_id=row.checker_id,
        device_id=fields.text(row.checker_device_id),
        note=row.note,
        decide_time=fields.instant(row.decide_time),
        delegation_id=fields.text(row.delegation_id),
        on_site=row.on_site,
    )


def supplement_items(anchored: Iterable[Anchored]) -> list[task_pb2.SupplementItem]:
    """Returns what evidence the authoriser asks for."""
    return [
        task_pb2.SupplementItem(
            subject=each.subject, note=each.note, anchor=anchors.value(each.anchor)
        )
        for each in anchored
    ]


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each is not None), default=None)
