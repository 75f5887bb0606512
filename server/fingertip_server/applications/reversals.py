"""Requests the undoing of what was executed, and changes what was requested."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import select, tuple_

from fingertip.applications.v1.content_pb2 import ApplicationContent, ReversalContent
from fingertip_server.applications import (
    customers,
    filling,
    reversal_rules,
    rules,
    standing,
    store,
)
from fingertip_server.applications.reversal_rules import State, Step
from fingertip_server.applications.tables import Application, Reversal
from fingertip_server.authorization import tasks
from fingertip_server.authorization.tasks import TaskDraft
from fingertip_server.packs.schema_forms import REVERSAL_SCENE
from fingertip_server.rpc.call import Call

SUBJECT = "reversal"
WAITS_NOTE = "冲正等待授权中心审核。"

# Its content is frozen when it is requested: there is no second.
REVISION = 1

_REVERSALS = select(Reversal).execution_options(populate_existing=True)


def find(call: Call, reversal_id: UUID) -> Reversal | None:
    """Returns a reversal."""
    return call.session.scalars(_REVERSALS.where(Reversal.reversal_id == reversal_id)).one_or_none()


def lock(call: Call, reversal_id: UUID) -> tuple[Reversal, Application] | None:
    """Returns a reversal and what it undoes, locked: first the application, then the reversal."""
    found = find(call, reversal_id)
    if found is None:
        return None
    application = store.lock(call, found.application_id)
    if application is None:
        raise rules.no_application()
    reversal = call.session.scalars(
        _REVERSALS.where(Reversal.reversal_id == reversal_id).with_for_update(key_share=True)
    ).one()
    return reversal, application


def page(
    call: Call,
    application_id: UUID | None,
    states: Collection[str],
    after: tuple[datetime, UUID] | None,
    size: int,
) -> Sequence[Reversal]:
    """Returns reversals of the caller's branch, newest first."""
    key = tuple_(Reversal.create_time, Reversal.reversal_id)
    statement = select(Reversal).where(Reversal.branch_id == call.principal.branch_id)
    if application_id is not None:
        statement = statement.where(Reversal.application_id == application_id)
    if states:
        statement = statement.where(Reversal.state.in_(states))
    if after is not None:
        statement = statement.where(key < after)
    newest_first = (Reversal.create_time.desc(), Reversal.reversal_id.desc())
    return call.session.scalars(statement.order_by(*newest_first).limit(size)).all()


def content(call: Call, reversal: Reversal) -> bytes:
    """Returns the bytes of what is authorised and executed."""
    return call.protection.open_bytes(Reversal.content, reversal.reversal_id, reversal.content)


def request(call: Call, application: Application, reason: str) -> Reversal:
    """Freezes what is to be undone of a locked application, and opens the task about it."""
    executed = application.execute_time
    if executed is None or call.principal.person_id is None:
        raise rules.no_application()
    policies = call.bank.policies
    window = policies.duration("applications.reversal_window")
    zone = call.bank.time_zone(application.branch_id)
    reversal_rules.require_in_time(executed, window, call.now, zone)
    reversal_id = uuid4()
    frozen = _content(call, application, reversal_id, reason)
    content_hash = hashlib.sha256(frozen).digest()
    former = find(call, application.reversal_id) if application.reversal_id else None
    opened = tasks.open_task(
        call,
        TaskDraft(
            subject_kind=SUBJECT,
            subject_id=reversal_id,
            revision=REVISION,
            content_hash=content_hash,
            scene=call.bank.scene(REVERSAL_SCENE),
            branch_id=application.branch_id,
            maker_id=call.principal.id,
            maker_person_id=call.principal.person_id,
            customer_id=application.customer_id,
            tier_rank=customers.applicant(call, application.customer_id).tier_rank,
            is_waiting=rules.is_waiting(
                executed, policies.duration("applications.customer_waits"), call.now
            ),
            previous_task_id=former.task_id if former and former.state == State.RETURNED else None,
            # Whoever made what is undone took part in it: else two tellers could undo each other's.
            barred=(application.maker_person_id, *standing.staff_of(call, application)),
        ),
    )
    reversal = Reversal(
        reversal_id=reversal_id,
        application_id=application.application_id,
        branch_id=application.branch_id,
        customer_id=application.customer_id,
        journey_id=application.journey_id,
        maker_id=call.principal.id,
        state=State.REQUESTED,
        version=1,
        reason=reason,
        content=call.protection.seal(Reversal.content, reversal_id, frozen),
        content_hash=content_hash,
        task_id=opened.task_id,
        state_note=opened.park_reason or WAITS_NOTE,
        defects=[],
        core_reference="",
        create_time=call.now,
    )
    call.session.add(reversal)
    application.reversal_id = reversal_id
    show(application, reversal)
    return reversal


def step(reversal: Reversal, application: Application, what: Step, note: str = "") -> None:
    """Takes a locked reversal a step further, and shows it. Raises REVERSAL_STATE."""
    reversal.state = reversal_rules.after(State(reversal.state), what)
    say(reversal, application, note)


def say(reversal: Reversal, application: Application, note: str) -> None:
    """Changes what is said of a locked reversal, and shows it."""
    reversal.state_note = note
    reversal.version += 1
    show(application, reversal)


def show(application: Application, reversal: Reversal) -> None:
    """Has the application tell how its reversal goes."""
    application.is_reversing = reversal.state in reversal_rules.OPEN
    application.state_note = reversal.state_note


def withdraw(call: Call, reversal: Reversal, application: Application) -> None:
    """Ends a locked reversal before anybody decided, and the task about it."""
    step(reversal, application, Step.WITHDRAW)
    tasks.withdraw(call, SUBJECT, reversal.reversal_id)


def _content(call: Call, application: Application, reversal_id: UUID, reason: str) -> bytes:
    """Returns the bytes of what is authorised and executed: stored, and never made again."""
    stored = store.content(call, application.application_id, application.revision)
    executed = ApplicationContent.FromString(stored)
    execute_time = Timestamp()
    if application.execute_time is not None:
        execute_time.FromDatetime(application.execute_time)
    undone = rules.operation_id(application.application_id, application.revision)
    return ReversalContent(
        reversal_id=str(reversal_id),
        work_kind=call.bank.scene(REVERSAL_SCENE).work_kind,
        branch_id=application.branch_id,
        maker_id=call.principal.id,
        customer_number=executed.customer_number,
        reason=reason,
        application_id=str(application.application_id),
        revision=application.revision,
        undone_work_kind=executed.work_kind,
        undone_operation_id=str(undone),
        undone_core_reference=application.core_reference,
        undone_content_hash=application.content_hash or b"",
        account_number=filling.account_number(call, application),
        execute_time=execute_time,
        undone_maker_id=application.maker_id,
    ).SerializeToString(deterministic=True)
