"""What the register's answers make of an application, whenever they come."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from fingertip.applications.v1.identity_pb2 import IdentityOutcome
from fingertip.fulfilment.v1.work_item_pb2 import WorkResult
from fingertip_server.applications import (
    attachment_rules,
    changes,
    content_types,
    filling,
    identities,
    identity_rules,
    inquiries,
    persons,
    rules,
    store,
    uploads,
)
from fingertip_server.applications.identity_rules import Outcome
from fingertip_server.applications.persons import Party
from fingertip_server.applications.tables import Application, ApplicationIdentity
from fingertip_server.fulfilment.hooks import Completion, Item
from fingertip_server.rpc.call import Call

RECHECK = "applications.recheck_identity"

_PHOTO_TYPES = frozenset({content_types.JPEG, content_types.PNG})


def look_again_later(
    call: Call, application: Application, rows: Iterable[ApplicationIdentity]
) -> None:
    """Has the register asked again, when it could not be asked about somebody (事后补核查)."""
    if any(row.outcome == Outcome.NOT_CHECKED for row in rows):
        wait = call.bank.policies.duration("identity_check.recheck_after")
        call.start_timer(RECHECK, application.application_id, call.now + wait)


def recheck(call: Call, application_id: str) -> None:
    """Asks the register about whom it could not be asked before.

    What is being filled in is its maker's to ask about, and what came to nothing nobody's.
    """
    application = store.lock(call, UUID(application_id))
    if application is None or application.state not in rules.RECHECKED:
        return
    call.home = application.branch_id
    call.journey_id = application.journey_id
    unchecked = {
        row.party
        for row in store.identities(call.session, application.application_id)
        if row.outcome == Outcome.NOT_CHECKED
    }
    for person in persons.of(filling.read(call, application)):
        if person.party in unchecked:
            identities.ask(call, application, person)
    if unchecked:
        changes.changed(call, application)
        call.record("application", application_id, application.state)


def _done(call: Call, item: Item, result: WorkResult) -> None:
    application, row = _asked(call, item)
    if application is None or row is None:
        return
    checked = result.checked_identity
    outcome = IdentityOutcome.Name(checked.outcome).removeprefix("IDENTITY_OUTCOME_")
    if checked.photo:
        row.photo_id = _photo(call, application, Party(row.party), checked.photo)
    _answer(call, application, row, Outcome(outcome))


def _failed(call: Call, item: Item, failure_code: str) -> None:  # noqa: ARG001 - the hook's
    application, row = _asked(call, item)
    if application is not None and row is not None:
        _answer(call, application, row, Outcome.NOT_CHECKED)


def _answer(
    call: Call, application: Application, row: ApplicationIdentity, outcome: Outcome
) -> None:
    row.outcome = outcome
    row.answered_at = call.now
    if not identity_rules.is_unresolved(outcome):
        if outcome != Outcome.NOT_CHECKED:
            row.unhindered_at = None
    elif row.unhindered_at is None:
        row.unhindered_at = identity_rules.unhindered_at(
            call.now,
            call.bank.time_zone(application.branch_id),
            call.bank.calendar,
            call.bank.policies.count("identity_check.police_working_days"),
        )
    if application.state not in rules.EDITABLE:
        call.flush()
        rows = store.identities(call.session, application.application_id)
        look_again_later(call, application, rows)
    changes.changed(call, application)


def _photo(call: Call, application: Application, party: Party, photo: bytes) -> UUID:
    content_type = content_types.detect(photo)
    if content_type not in _PHOTO_TYPES:
        raise attachment_rules.wrong_type(content_type)
    kind = identities.photo_kind(party)
    return uploads.add_whole(call, application, kind, content_type, photo)


def _bar(call: Call, item: Item) -> str:
    """Asks nothing about the persons of what came to nothing: there is no purpose any more."""
    application = store.find(call, UUID(item.subject_id))
    is_over = application is None or application.state in rules.UNDONE
    return inquiries.APPLICATION_ENDED if is_over else ""


def _asked(call: Call, item: Item) -> tuple[Application | None, ApplicationIdentity | None]:
    """Returns what was asked about, locked; no row when it was asked anew or is somebody else."""
    application = store.lock(call, UUID(item.subject_id))
    if application is None:
        return None, None
    rows = store.identities(call.session, application.application_id)
    row = next((row for row in rows if row.operation_id == item.operation_id), None)
    return application, row


COMPLETIONS: Mapping[str, Completion] = {
    identities.CHECK: Completion(
        expected_result="checked_identity", done=_done, failed=_failed, bar=_bar
    )
}
