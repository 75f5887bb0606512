"""Entries of the error file: how they are made, told, answered and settled."""

from collections.abc import Callable, Mapping
from uuid import UUID, uuid4

from fingertip_server.authorization import tasks
from fingertip_server.authorization.hooks import Decided
from fingertip_server.packs.schema_bank import BranchKind
from fingertip_server.quality import messages, rules, store
from fingertip_server.quality.rules import Parts, State
from fingertip_server.quality.tables import ErrorEntry
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.drafts import Audience

_READ = Audience(permission="quality.errors.read")
_OPERATIONS = Audience(permission="fulfilment.operate")
_UNANSWERED = "quality.unanswered"
_TELL_OPERATIONS = "quality.tell_operations"

REJECTED, RETURNED, SECOND_LOOK = "REJECTED", "RETURNED", "SECOND_LOOK"


def raise_entry(
    call: Call,
    decided: Decided,
    *,
    source: str,
    raised_by: str,
    raised_person_id: UUID,
    details: list[list[str]],
    was_executed: bool = False,
) -> ErrorEntry:
    """Makes an entry about a task, which the branch may answer for a while, and tells both."""
    answer_within = call.bank.policies.duration("quality.error_answer")
    entry = ErrorEntry(
        error_entry_id=uuid4(),
        state=State.AT_BRANCH,
        source=source,
        category_code=rules.category(
            call.bank.pack.error_categories,
            [subject for subject, _ in details if subject],
            is_rejection=source == REJECTED,
        ),
        task_id=decided.subject.task_id,
        scene_code=decided.scene_code,
        branch_id=decided.branch_id,
        centre_id=decided.centre_id,
        journey_id=call.journey_id,
        maker_id=decided.maker_id,
        maker_person_id=decided.maker_person_id,
        raised_by=raised_by,
        raised_person_id=raised_person_id,
        details=details,
        was_executed=was_executed,
        is_disputed=False,
        create_time=call.now,
        answer_deadline=call.now + answer_within,
        version=1,
    )
    call.session.add(entry)
    call.flush()
    call.start_timer(_UNANSWERED, entry.error_entry_id, entry.answer_deadline)
    if was_executed:
        call.start_timer(_TELL_OPERATIONS, entry.error_entry_id, call.now)
    announce(call, entry)
    return entry


def of_decision(call: Call, decided: Decided) -> None:
    """Makes an entry of a task that was refused or sent back."""
    if decided.outcome == REJECTED:
        details = [["", decided.note]]
    elif decided.outcome == RETURNED:
        details = [[defect.subject, defect.note] for defect in decided.defects]
    else:
        return
    raise_entry(
        call,
        decided,
        source=decided.outcome,
        raised_by=decided.checker_id,
        raised_person_id=decided.checker_person_id,
        details=details,
    )


def locked(call: Call, error_entry_id: str) -> ErrorEntry:
    """Returns an entry of the caller's branch or centre, locked. Raises ERROR_ENTRY_NOT_FOUND."""
    entry = store.lock_entry(call, UUID(error_entry_id))
    if entry is None or call.principal.branch_id not in {entry.branch_id, entry.centre_id}:
        raise rules.no_entry()
    call.journey_id = entry.journey_id
    return entry


def parts(call: Call, entry: ErrorEntry) -> Parts:
    """Returns who has a part in an entry."""
    return Parts(
        entry.maker_person_id,
        entry.raised_person_id,
        entry.answered_person_id,
        tasks.checkers(call, entry.task_id),
    )


def changed(call: Call, entry: ErrorEntry) -> None:
    """Has a changed entry be told, to its branch and to its centre."""
    entry.version += 1
    call.flush()
    announce(call, entry)


def announce(call: Call, entry: ErrorEntry) -> None:
    """Announces an entry on its branch's and its centre's topics."""
    message = messages.entry(entry)
    for topic in sorted({entry.branch_id, entry.centre_id}):
        call.publish(message, _READ, topic=topic)


def unanswered(call: Call, error_entry_id: str) -> None:
    """Has the supervisor settle what the branch did not answer in time."""
    entry = store.lock_entry(call, UUID(error_entry_id))
    if entry is None or entry.state != State.AT_BRANCH:
        return
    call.home, call.journey_id = entry.centre_id, entry.journey_id
    entry.state = State.AT_SUPERVISOR
    changed(call, entry)
    call.record("error_entry", error_entry_id, entry.state)


def tell_operations(call: Call, error_entry_id: str) -> None:
    """Tells operations of an error in something that was executed."""
    entry = store.lock_entry(call, UUID(error_entry_id))
    offices = [each for each in call.bank.pack.branches if each.kind == BranchKind.HEAD_OFFICE]
    if entry is None or not offices:
        return
    call.home, call.journey_id = offices[0].code, entry.journey_id
    call.publish(messages.entry(entry), _OPERATIONS)
    call.record("error_entry", error_entry_id, "OPERATIONS_TOLD")


TIMERS: Mapping[str, Callable[[Call, str], None]] = {
    _UNANSWERED: unanswered,
    _TELL_OPERATIONS: tell_operations,
}
