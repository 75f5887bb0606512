"""The one way in which anybody decides about a task, whoever he is and wherever he stands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from google.type.money_pb2 import Money

from fingertip.authorization.v1.task_pb2 import ChecklistFinding
from fingertip_server.authorization import (
    amounts,
    anchors,
    changes,
    eligibility,
    routing,
    rules,
    store,
)
from fingertip_server.authorization.anchors import Anchored
from fingertip_server.authorization.hooks import Decided
from fingertip_server.authorization.rules import Authority, Person, State
from fingertip_server.authorization.tables import Task, TaskDecision
from fingertip_server.rpc.call import Call


@dataclass(frozen=True, slots=True)
class Checker:
    """Who decides: an account, its person, by what authority, and on which device.

    On site the device is the maker's, beside whom he stands.
    """

    staff_id: str
    person: Person
    authority: Authority
    device_id: UUID | None
    on_site: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What he decides."""

    outcome: State
    note: str = ""
    defects: Sequence[Anchored] = ()
    passed_items: Sequence[str] = ()


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
        takers = [checker.person, checker.authority.lender]
        park_reason = eligibility.reason_to_park(
            call.connection, call.bank, task, *(taker.person_id for taker in takers if taker)
        )
    decided = store.decide(
        call,
        _decision(task, checker, verdict, is_final=is_final),
        authority_ends=checker.authority.expires_at,
        park_reason=park_reason,
    )
    if decided is None:
        raise rules.lease_lost(task.fence)
    if decided.state == State.QUEUED:
        routing.offer(call, decided, not_to=checker.staff_id)
        call.flush()
    changes.announce(call, decided)
    call.record("task", decided.task_id, decided.state)
    _tell_owner(call, decided, verdict)
    if is_final:
        _tell_others(call, decided, checker, verdict)
    return decided


def decide_on_site(call: Call, task: Task, checker: Checker, verdict: Verdict) -> Task:
    """Decides about a locked task that waits for a second person on site, and tells its owner.

    The journal names the maker, who calls, and in its purpose the second person. Raises
    TASK_EXPIRED when the deadline passed since the task was looked at.
    """
    decided = store.decide_on_site(
        call,
        _decision(task, checker, verdict, is_final=True),
        authority_ends=checker.authority.expires_at,
    )
    if decided is None:
        raise rules.task_expired(task.expire_time)
    changes.announce(call, decided)
    call.record("task", decided.task_id, decided.state)
    _tell_owner(call, decided, verdict)
    _tell_others(call, decided, checker, verdict)
    return decided


def require_checklist(task: Task, findings: Iterable[ChecklistFinding]) -> list[str]:
    """Returns the items that passed. Raises CHECKLIST_INCOMPLETE unless all of the task's did.

    What is said to have passed and to have failed did not; what the task does not ask is not kept.
    """
    said = list(findings)
    failed = {finding.item_id for finding in said if not finding.passed}
    passed = {finding.item_id for finding in said if finding.passed} - failed
    items = [item_id for item_id, _, _ in task.checklist]
    rules.require_checklist(items, passed)
    return items


def require_amount(call: Call, task: Task, typed: Money | None) -> None:
    """Raises AMOUNT_MISMATCH unless the amount was typed once more, where it has to be."""
    rules.require_amount(
        amounts.of_task(call, task),
        amounts.of_message(typed, call.bank.pack.bank.currency) if typed is not None else None,
        is_asked=task.reenter_amount,
    )


def facts_of(
    call: Call, task: Task, *, checker_id: str, checker_person_id: UUID, verdict: Verdict
) -> Decided:
    """Returns what others are told of a task about which the last word was said."""
    return Decided(
        subject=changes.subject_of(task),
        scene_code=task.scene_code,
        centre_id=_overseer(call, task),
        branch_id=task.branch_id,
        skill=task.skill,
        maker_id=task.maker_id,
        maker_person_id=task.maker_person_id,
        customer_id=task.customer_id,
        outcome=verdict.outcome,
        checker_id=checker_id,
        checker_person_id=checker_person_id,
        note=verdict.note,
        defects=verdict.defects,
    )


def _tell_others(call: Call, task: Task, checker: Checker, verdict: Verdict) -> None:
    person_id = checker.person.person_id
    decided = facts_of(
        call, task, checker_id=checker.staff_id, checker_person_id=person_id, verdict=verdict
    )
    for tell in call.hooks.decided:
        tell(call, decided)


def _overseer(call: Call, task: Task) -> str:
    """Returns the centre that looks after what was decided: on site the first of the scene."""
    if task.centre_id != task.branch_id:
        return task.centre_id
    return call.bank.scene(task.scene_code).centres[0]


def _decision(task: Task, checker: Checker, verdict: Verdict, *, is_final: bool) -> TaskDecision:
    lender = checker.authority.lender
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
        delegation_id=checker.authority.delegation_id,
        lender_person_id=lender.person_id if lender else None,
        lender_customer_id=lender.customer_id if lender else None,
        on_site=checker.on_site,
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
