"""What happens to tasks by time."""

from collections.abc import Callable, Mapping
from uuid import UUID

from fingertip_server.authorization import changes, review, service_level
from fingertip_server.authorization.rules import OPEN, State
from fingertip_server.rpc.call import Call


def lapse_claim(call: Call, subject: str) -> None:
    """Gives a task back whose claim was not renewed; it keeps its rank.

    The subject is "task/fence". Renewing a claim does not move its timer, so that it costs one
    statement: the timer looks again.
    """
    task_id, _, fence = subject.partition("/")
    task = changes.lock(call, UUID(task_id))
    if task is None or task.state != State.CLAIMED or task.fence != int(fence):
        return
    if task.lease_until is not None and task.lease_until > call.now:
        call.start_timer(changes.LAPSE_CLAIM, subject, task.lease_until)
        return
    changes.settle(call, task)
    call.record("task", task_id, task.state)


def expire_task(call: Call, task_id: str) -> None:
    """Ends a task that nobody decided in time."""
    task = changes.lock(call, UUID(task_id))
    if task is None or task.state not in OPEN:
        return
    if task.expire_time > call.now:
        call.start_timer(changes.EXPIRE_TASK, task_id, task.expire_time)
        return
    changes.expire(call, task)
    call.record("task", task_id, task.state)


TIMERS: Mapping[str, Callable[[Call, str], None]] = {
    changes.EXPIRE_TASK: expire_task,
    changes.LAPSE_CLAIM: lapse_claim,
    changes.REVIEW_CENTRE: review.review_centre,
    changes.REVIEW_PARKED: review.review_centre,
    changes.REVIEW_TASK: review.review_task,
    changes.TAKE_BACK: review.take_back,
    changes.OFFER_AGAIN: review.offer_again,
    changes.TELL_FORMER_CENTRE: review.tell_former_centre,
    **service_level.TIMERS,
}
