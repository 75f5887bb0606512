"""The one way in which anybody decides about a task, whoever he is and wherever he stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from fingertip_server.authorization import anchors, changes, eligibility, routing, rules, store
from fingertip_server.authorization.anchors import Anchored
from fingertip_server.authorization.rules import Person, State
from fingertip_server.authorization.tables import Task, TaskDecision
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.principal import Principal


@dataclass(frozen=True, slots=True)
class Checker:
    """Who decides: an account, its person, and the device before him."""

    staff_id: str
    person: Person
    device_id: UUID | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What he decides."""

    outcome: State
    note: str = ""
    defects: Sequence[Anchored] = ()
    passed_items: Sequence[str] = ()


def person(principal: Principal) -> Person:
    """Returns the person who calls."""
    if principal.person_id is None:
        raise TypeError("Only a member of staff decides.")
    return Person(principal.person_id, principal.customer_id)


def decide(call: Call, task: Task, checker: Checker, verdict: Verdict) -> Task:
    """Takes a step of a locked task that may be decided about, and tells its owner.

    An approval that is not the last one has the task wait for the next person, who is somebody
    else: in the queue, or parked where nobody is there. Raises LEASE_LOST when the deadline or the
    lease's end passed since the task was looked at.
    """
    is_approval = verdict.outcome == State.APPROVED
    is_final = not is_approval or task.steps_done + 1 == task.steps_required
    park_reason = ""
    if not is_final:
        taker = checker.person.person_id
        park_reason = eligibility.reason_to_park(call.connection, call.bank, task, taker)
    decided = store.decide(
        call, _decision(task, checker, verdict, is_final=is_final), park_reason=park_reason
    )
    if decided is None:
        raise rules.lease_lost(task.fence)
    if decided.state == State.QUEUED:
        routing.offer(call, decided, not_to=checker.staff_id)
        call.flush()
    changes.announce(call, decided)
    call.record("task", decided.task_id, decided.state)
    _tell_owner(call, decided, verdict)
    return decided


def _decision(task: Task, checker: Checker, verdict: Verdict, *, is_final: bool) -> TaskDecision:
    return TaskDecision(
        task_id=task.task_id,
        revision=task.revision,
        step=task.steps_done + 1,
        is_final=is_final,
        outcome=verdict.outcome,
        subject_kind=task.subject_kind,
        subject_id=task.subject_id,
        content_hash=task.content_hash,
        fence=task.fence,
        maker_person_id=task.maker_person_id,
        customer_id=task.customer_id,
        checker_id=checker.staff_id,
        checker_person_id=checker.person.person_id,
        checker_customer_id=checker.person.customer_id,
        checker_device_id=checker.device_id,
        note=verdict.note,
        defects=anchors.to_stored(verdict.defects),
        passed_items=list(verdict.passed_items),
    )


def _tell_owner(call: Call, task: Task, verdict: Verdict) -> None:
    owner, subject = changes.decisions_of(call, task), changes.subject_of(task)
    match task.state:
        case State.APPROVED:
            owner.approved(call, subject)
        case State.REJECTED:
            owner.rejected(call, subject, verdict.note)
        case State.RETURNED:
            owner.returned(call, subject, verdict.defects)
        case State.PARKED:
            owner.parked(call, subject, task.park_reason)
            changes.watch_over_parked(call, task.centre_id)
        case _:
            owner.step_taken(call, subject, task.steps_done, task.steps_required)
