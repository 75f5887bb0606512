"""What the authoriser and the maker say to each other about what a task is about.

The conversation belongs to the subject and goes on in the tasks that follow. Each message is linked
to the one before it, so that the last link binds all that was said.
"""

import hashlib
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID, uuid4

from google.protobuf.timestamp_pb2 import Timestamp

from fingertip.authorization.v1.task_message_pb2 import TaskMessage
from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.authorization import anchors, changes, rules, store, tables, tasks
from fingertip_server.authorization.tables import Task
from fingertip_server.rpc.call import Call

Side: TypeAlias = TaskMessage.Side.ValueType

_HIDDEN = "****"


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody says: the kind of picture that he asks for, or whose question he answers."""

    text: str
    picture_kind: str = ""
    answered_message_id: str = ""


def lock_for_speaker(call: Call, task_id: str, fence: int) -> tuple[Task, Side]:
    """Locks a task in which the caller may speak now, and tells for which side.

    Raises TASK_NOT_FOUND for others' tasks, NOT_THE_MAKER for his colleagues and LEASE_LOST for
    whoever does not hold the claim, TASK_EXPIRED and TASK_STATE when it is over.
    """
    unit = call.principal.branch_id
    task = changes.lock(call, UUID(task_id), of_branch=unit)
    if task is not None:
        call.home = task.branch_id
        rules.require_maker(task.maker_id, call.principal.id)
        rules.require_open(tasks.held(task), call.now)
        return task, TaskMessage.SIDE_BRANCH
    task = changes.lock(call, UUID(task_id), of_centre=unit)
    if task is None:
        raise rules.no_task()
    rules.require_open(tasks.held(task), call.now)
    if not rules.holds(tasks.held(task), call.principal.id, call.now) or fence != task.fence:
        raise rules.lease_lost(task.fence)
    return task, TaskMessage.SIDE_CENTRE


def post(call: Call, task: Task, side: Side, words: Words) -> TaskMessage:
    """Says something in a locked task, and has both sides told. The claim stays as it is.

    Raises MESSAGE_LIMIT, and ANCHOR_UNKNOWN for a picture that cannot be asked for.
    """
    limit = call.bank.policies.count("authorization.messages_max")
    if task.messages >= limit:
        raise errors.LimitReached(
            ErrorReason.ERROR_REASON_MESSAGE_LIMIT, "All has been said.", limit=str(limit)
        )
    askable = changes.names_of(call, task).askable if side == TaskMessage.SIDE_CENTRE else ()
    if words.picture_kind and words.picture_kind not in askable:
        raise anchors.unknown(words.picture_kind, "picture_kind")
    message = append(call, task, side, words, revision=task.revision)
    task.version += 1
    call.flush()
    changes.announce(call, task)
    changes.decisions_of(call, task).dialogue.told(call, changes.subject_of(task), message)
    return message


def append(
    call: Call,
    task: Task,
    side: Side,
    words: Words,
    *,
    revision: int,
) -> TaskMessage:
    """Keeps what is said in a locked task, for ever; tells nobody."""
    post_time = Timestamp()
    post_time.FromDatetime(call.now)
    task.messages += 1
    message = TaskMessage(
        message_id=str(uuid4()),
        task_id=str(task.task_id),
        number=task.messages,
        side=side,
        staff_id=call.principal.id,
        text=words.text,
        picture_kind=words.picture_kind,
        answered_message_id=words.answered_message_id,
        revision=revision,
        post_time=post_time,
    )
    content = message.SerializeToString(deterministic=True)
    former = store.last_link(call, task.subject_kind, task.subject_id)
    call.session.add(
        tables.TaskMessage(
            message_id=UUID(message.message_id),
            task_id=task.task_id,
            subject_kind=task.subject_kind,
            subject_id=task.subject_id,
            number=message.number,
            staff_id=message.staff_id,
            content=call.protection.seal(tables.TaskMessage.content, message.message_id, content),
            link=hashlib.sha256((former or b"") + content).digest(),
            post_time=call.now,
        )
    )
    call.flush()
    return message


def require_seen(call: Call, task: Task, seen: int) -> None:
    """Raises MESSAGES_UNSEEN when others than the caller have said something since."""
    if task.messages > seen and store.others_said(call, task, seen):
        raise errors.Conflict(
            ErrorReason.ERROR_REASON_MESSAGES_UNSEEN,
            "Somebody has said something since.",
            messages=str(task.messages),
        )


def read(call: Call, task: Task, after: int, limit: int) -> list[TaskMessage]:
    """Returns messages in their order; to others than those who speak without what they say."""
    whole = task.maker_id == call.principal.id or _has_decided_or_holds(call, task)
    found = []
    for row in store.messages(call, task, after, limit):
        content = call.protection.open_bytes(
            tables.TaskMessage.content, row.message_id, row.content
        )
        message = TaskMessage.FromString(content)
        if message.text and not whole:
            message.text = _HIDDEN
        found.append(message)
    return found


def _has_decided_or_holds(call: Call, task: Task) -> bool:
    if task.state in rules.OPEN:
        return rules.holds(tasks.held(task), call.principal.id, call.now)
    return task.holder == call.principal.id
