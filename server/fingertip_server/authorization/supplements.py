"""More evidence in the same task: asked for by its authoriser, supplied by its maker."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from fingertip.authorization.v1.task_message_pb2 import TaskMessage
from fingertip_server.authorization import anchors, changes, conversation, rules, tasks
from fingertip_server.authorization.anchors import Anchored, Names
from fingertip_server.authorization.conversation import Words
from fingertip_server.authorization.hooks import Supply
from fingertip_server.authorization.rules import State
from fingertip_server.authorization.tables import Task, TaskSupplement
from fingertip_server.rpc.call import Call


def names_of(call: Call, task: Task) -> Names:
    """Returns what evidence may be asked for in a task, and about what."""
    names = changes.names_of(call, task)
    checklist = names.checklist if names.askable else {}
    return replace(names, checklist=checklist, fields=(), attachments=names.askable)


def request(call: Call, task: Task, items: list[Anchored], names: Names) -> None:
    """Takes a locked task from its authoriser until its maker has supplied what is asked for."""
    call.session.add(
        TaskSupplement(
            task_id=task.task_id,
            revision=task.revision,
            content_hash=task.content_hash,
            fence=task.fence,
            authoriser_id=call.principal.id,
            authoriser_person_id=call.principal.person_id,
            device_id=call.principal.device_id,
            items=anchors.to_stored(items),
        )
    )
    _expire_after(call, task, call.bank.policies.duration("authorization.supplement_deadline"))
    changes.give_up(call, task, State.SUPPLEMENT_REQUESTED)
    changes.decisions_of(call, task).dialogue.asked(call, changes.subject_of(task), items, names)


def lock_for_maker(call: Call, task_id: str) -> Task:
    """Locks the task of the caller's own, which goes on in his branch.

    Raises TASK_NOT_FOUND outside of the branch and NOT_THE_MAKER within it.
    """
    task = changes.lock(call, UUID(task_id), of_branch=call.principal.branch_id)
    if task is None:
        raise rules.no_task()
    call.home = task.branch_id
    rules.require_maker(task.maker_id, call.principal.id)
    return task


def supply(call: Call, task: Task, etag: str, words: Words) -> None:
    """Has a locked task be about the subject's next revision.

    One that waits for it goes back to its place. Where a message asked for a picture, who holds the
    claim goes on, and decides about what he has not seen yet.
    """
    waits = not words.answered_message_id
    if waits:
        rules.require_supplement_open(tasks.held(task), call.now)
    rules.require_open(tasks.held(task), call.now)
    subject = changes.subject_of(task)
    if words.text or not waits:
        # Said before the revision is frozen, so that it holds that, too.
        side = TaskMessage.SIDE_BRANCH
        conversation.append(call, task, side, words, revision=task.revision + 1)
    given = Supply(etag, words.answered_message_id, task.messages)
    frozen = changes.decisions_of(call, task).dialogue.supplied(call, subject, given)
    changes.begin_revision(task, frozen.revision, frozen.content_hash)
    if waits:
        _expire_after(call, task, call.bank.scene(task.scene_code).expires_after)
        # Meanwhile it was the maker who had it wait.
        task.waiting_since = call.now
        changes.settle(call, task)
        return
    task.version += 1
    call.flush()
    changes.announce(call, task)


def _expire_after(call: Call, task: Task, lifetime: timedelta) -> None:
    scene = call.bank.scene(task.scene_code)
    task.expire_time = tasks.deadline(call, scene, task.branch_id, lifetime)
    call.start_timer(changes.EXPIRE_TASK, task.task_id, task.expire_time)
