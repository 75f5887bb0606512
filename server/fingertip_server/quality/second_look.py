"""Second looks: which of the approved tasks are drawn, and what comes of a look.

The draw is the HMAC of the task's id under a key of the ring: nobody who submits or approves can
foresee it, and an auditor who has the ring can repeat it, also for the tasks that were not drawn.
"""

from uuid import UUID

from fingertip_server.authorization import tasks
from fingertip_server.authorization.hooks import Decided
from fingertip_server.authorization.tasks import Closed
from fingertip_server.quality import error_file, rules, store
from fingertip_server.quality.tables import SecondLook
from fingertip_server.rpc.call import Call

_PURPOSE = "second_look"
# What precedes the HMAC in what is signed: suite and key version.
_HEADER_BYTES = 3
_OPEN, _AGREED, _ERROR = "OPEN", "AGREED", "ERROR"
_APPROVED = "APPROVED"


def of_decision(call: Call, decided: Decided) -> None:
    """Draws for a task that was approved."""
    if decided.outcome != _APPROVED:
        return
    share = call.bank.policies.count("quality.second_look_share")
    task_id = decided.subject.task_id
    signed = call.protection.sign(_PURPOSE, task_id.bytes)
    proof = signed[: -len(task_id.bytes)]
    drawn = rules.draw(proof[_HEADER_BYTES:])
    if drawn >= share:
        return
    call.session.add(
        SecondLook(
            task_id=task_id,
            state=_OPEN,
            scene_code=decided.scene_code,
            skill=decided.skill,
            centre_id=decided.centre_id,
            branch_id=decided.branch_id,
            maker_id=decided.maker_id,
            maker_person_id=decided.maker_person_id,
            draw=drawn,
            share_per_mille=share,
            proof=proof,
            create_time=call.now,
        )
    )


def admitted(call: Call, row: SecondLook | None) -> tuple[SecondLook, Closed]:
    """Returns a second look with its task, when the caller may take it now.

    Raises TASK_NOT_FOUND outside of his centre and skills, TASK_STATE when it is over, NOT_ON_SHIFT
    and FOUR_EYES.
    """
    principal = call.principal
    if row is None or row.centre_id != principal.branch_id or row.skill not in principal.skills:
        raise rules.no_second_look()
    if row.state != _OPEN:
        raise rules.already_reviewed(row.state)
    if not tasks.is_on_shift(call):
        raise rules.not_on_shift()
    closed = tasks.closed(call, row.task_id)
    call.journey_id = closed.journey_id
    person = _person(call)
    rules.require_reviewer(person, row.maker_person_id, closed.checkers)
    rules.require_no_customer(principal.customer_id, closed.decided.customer_id)
    return row, closed


def review(call: Call, row: SecondLook, closed: Closed, details: list[list[str]]) -> None:
    """Ends a locked second look, and makes an entry of the error file of what is wrong."""
    row.state = _ERROR if details else _AGREED
    row.reviewer_id = call.principal.id
    row.reviewer_person_id = _person(call)
    row.review_time = call.now
    if details:
        error_file.raise_entry(
            call,
            closed.decided,
            source=error_file.SECOND_LOOK,
            raised_by=call.principal.id,
            raised_person_id=_person(call),
            details=details,
            was_executed=closed.was_executed,
        )


def locked(call: Call, task_id: str) -> SecondLook | None:
    """Returns a second look with its task's subject and itself locked, in this order."""
    tasks.lock_subject(call, UUID(task_id))
    return store.lock_second_look(call, UUID(task_id))


def may_see_evidence(call: Call, task_id: UUID) -> bool:
    """Tells whether the caller may look at the evidence of a task that was drawn."""
    row = store.find_second_look(call, task_id)
    if row is None or row.centre_id != call.principal.branch_id or row.state != _OPEN:
        return False
    closed = tasks.closed(call, task_id)
    is_outsider = _person(call) not in {row.maker_person_id, *closed.checkers}
    is_customer = call.principal.customer_id == closed.decided.customer_id
    return row.skill in call.principal.skills and is_outsider and not is_customer


def _person(call: Call) -> UUID:
    if call.principal.person_id is None:
        raise TypeError("Only a member of staff looks.")
    return call.principal.person_id
