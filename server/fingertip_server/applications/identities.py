"""Asks the police's register about the persons of an application (联网核查)."""

from collections.abc import Iterable
from datetime import datetime
from uuid import uuid4

from fingertip.fulfilment.v1.work_item_pb2 import CheckIdentityOrder, WorkOrder
from fingertip_server.applications import (
    decisions,
    filling,
    identity_faults,
    persons,
    rules,
    store,
    uploads,
)
from fingertip_server.applications.identity_rules import Outcome
from fingertip_server.applications.persons import Party, Person
from fingertip_server.applications.tables import Application, ApplicationIdentity
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.drafts import WorkItemDraft

CHECK = "police.check_identity"

_PHOTOS = {Party.APPLICANT: "police_photo"}
_PROXYS_PHOTO = "proxy_police_photo"


def check(call: Call, application: Application) -> bool:
    """Asks about each person who was not asked about lately. Returns whether anything changed.

    What the register said of the same person for another application lately is taken over. Raises
    IDENTITY_DATA_MISSING before anybody is asked about.
    """
    read = filling.read(call, application)
    if not read.form.identity_check:
        return False
    people = persons.of(read)
    for person in people:
        if not person.is_complete:
            raise rules.identity_data_missing(person.party)
    known = {row.party: row for row in store.identities(call.session, application.application_id)}
    is_changed = False
    for person in people:
        row = known.get(person.party)
        if person.resident_id and (row is None or not _is_recent(call, row)):
            _take_over_or_ask(call, application, person)
            is_changed = True
    return is_changed


def forget_changed(call: Call, application: Application, before: Iterable[Person]) -> None:
    """Forgets what was said of persons who are others by now, with their photos and proofs."""
    people = {person.party: person for person in persons.of(filling.read(call, application))}
    for former in before:
        person = people.get(former.party)
        if former.is_complete and (person is None or _blind(call, person) != _blind(call, former)):
            # A proof of who he was is none of who he is.
            kind = identity_faults.proof(former.party)
            store.forget_sighting(call, application.application_id, kind)
    for row in store.identities(call.session, application.application_id):
        person = people.get(Party(row.party))
        if person is None or _blind(call, person) != row.person:
            uploads.put_aside(call, application, photo_kind(Party(row.party)))
            call.session.delete(row)
    call.flush()


def ask(call: Call, application: Application, person: Person) -> None:
    """Has an adapter ask the register, in the place of what it said before.

    The days in which the police answer go on: 银发〔2007〕345号 counts them from the first answer.
    """
    operation_id = uuid4()
    rows = store.identities(call.session, application.application_id)
    who = _blind(call, person)
    former = next((r for r in rows if (r.party, r.person) == (person.party, who)), None)
    _keep(
        call,
        application,
        person,
        operation_id=operation_id,
        asked_at=call.now,
        unhindered_at=former.unhindered_at if former is not None else None,
    )
    call.enqueue(
        WorkItemDraft(
            kind=CHECK,
            subject_kind=decisions.SUBJECT,
            subject_id=str(application.application_id),
            order=WorkOrder(
                check_identity=CheckIdentityOrder(
                    name=person.name, document_number=person.resident_id
                )
            ),
            branch_id=application.branch_id,
            operation_id=operation_id,
            deadline=call.now + call.bank.policies.duration("identity_check.patience"),
        )
    )


def photo_kind(party: Party) -> str:
    """Returns the kind of the attachment that is the register's photo of a person."""
    return _PHOTOS.get(party, _PROXYS_PHOTO)


def _take_over_or_ask(call: Call, application: Application, person: Person) -> None:
    since = call.now - call.bank.policies.duration("identity_check.answer_ttl")
    said = store.said_of(call, _blind(call, person), since)
    if said is None:
        ask(call, application, person)
        return
    photo_id = said.photo_id
    if photo_id is not None:
        photo = store.whole(call, photo_id)
        kind = photo_kind(person.party)
        photo_id = uploads.add_whole(call, application, kind, photo.content_type, photo.content)
    _keep(
        call,
        application,
        person,
        operation_id=uuid4(),
        asked_at=said.asked_at,
        outcome=said.outcome,
        answered_at=said.answered_at,
        unhindered_at=said.unhindered_at,
        photo_id=photo_id,
    )


def _keep(call: Call, application: Application, person: Person, **values: object) -> None:
    row = ApplicationIdentity(
        application_id=application.application_id,
        party=person.party,
        person=_blind(call, person),
        **{"outcome": None, "answered_at": None, "unhindered_at": None, "photo_id": None, **values},
    )
    call.session.merge(row)
    call.flush()


def _is_recent(call: Call, row: ApplicationIdentity) -> bool:
    """Tells whether the register need not be asked again."""
    policies = call.bank.policies
    if row.outcome is None:
        return row.asked_at + policies.duration("identity_check.patience") > call.now
    return row.outcome != Outcome.NOT_CHECKED and _is_fresh(call, row.answered_at)


def _is_fresh(call: Call, answered_at: datetime | None) -> bool:
    ttl = call.bank.policies.duration("identity_check.answer_ttl")
    return answered_at is not None and answered_at + ttl > call.now


def _blind(call: Call, person: Person) -> bytes:
    return call.protection.blind(ApplicationIdentity.person, f"{person.resident_id}/{person.name}")
