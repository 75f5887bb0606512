"""What the authoriser is shown of how a task's content came to be what it is."""

from fingertip.authorization.v1.task_pb2 import ContentDifference
from fingertip_server.authorization import changes, store
from fingertip_server.authorization.tables import Task
from fingertip_server.rpc.call import Call


def of(call: Call, task: Task, *, whole: bool) -> list[ContentDifference]:
    """Returns what each revision changed since the returned one, or since the task's first.

    Unless `whole`, nobody learns what an answer was or is.
    """
    difference = changes.decisions_of(call, task).dialogue.difference
    first = _base(call, task) + 1
    found = [
        difference(call, task.subject_id, revision) for revision in range(first, task.revision + 1)
    ]
    if not whole:
        for each in found:
            for field in each.fields:
                field.ClearField("former_value")
                field.ClearField("value")
    return found


def _base(call: Call, task: Task) -> int:
    """Returns the revision that was looked at before: the returned task's last."""
    previous = store.find(call, task.previous_task_id) if task.previous_task_id else None
    # A task that follows none was opened about its subject's first revision.
    return previous.revision if previous is not None else 1
