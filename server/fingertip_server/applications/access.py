"""Loads what a caller asks for, when it is his to see or to change."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.applications import attachment_rules, rules, store
from fingertip_server.applications.attachment_rules import COMPLETE
from fingertip_server.applications.rules import State, Step
from fingertip_server.applications.tables import Application, Attachment
from fingertip_server.audit import journal
from fingertip_server.authorization import tasks
from fingertip_server.quality import second_look
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.principal import Principal

AUDIT = "audit.read"
# Who may know that somebody stands on a list, beside the auditors.
_COMPLIANCE = "screening.review"
_HIT = ErrorReason.Name(ErrorReason.ERROR_REASON_SCREENING_HIT).removeprefix("ERROR_REASON_")


def own_branchs(call: Call, application_id: str) -> Application:
    """Returns an application of the caller's branch. Raises APPLICATION_NOT_FOUND."""
    return _entered(call, store.find(call, UUID(application_id)))


def own_branchs_locked(call: Call, application_id: str) -> Application:
    """Returns an application of the caller's branch, locked. Raises APPLICATION_NOT_FOUND."""
    return _entered(call, store.lock(call, UUID(application_id)))


def concerning(call: Call, application_id: str) -> Application:
    """Returns an application for its branch, the authoriser with the claim, and auditors.

    Raises APPLICATION_NOT_FOUND for everybody else.
    """
    application = store.find(call, UUID(application_id))
    if application is None or not (
        application.branch_id == call.principal.branch_id
        or AUDIT in call.principal.permissions
        or (application.task_id is not None and tasks.holds_claim(call, application.task_id))
    ):
        raise rules.no_application()
    call.journey_id = application.journey_id
    return application


def own(call: Call, application_id: str) -> Application:
    """Returns the caller's own application, locked. Raises NOT_THE_MAKER besides."""
    application = own_branchs_locked(call, application_id)
    rules.require_maker(application.maker_id, call.principal.id)
    return application


def editable(call: Call, application_id: str, etag: str | None = None) -> Application:
    """Returns the caller's own application, locked, when it may be changed as he last saw it.

    Raises APPLICATION_STATE and, where an etag is quoted, ETAG_MISMATCH besides.
    """
    application = own(call, application_id)
    rules.after(State(application.state), Step.EDIT)
    if etag is not None:
        errors.require_etag(application.version, etag)
    return application


def extensible(call: Call, application_id: str, etag: str | None = None) -> Application:
    """Returns the caller's own application, locked, when evidence may be added to it.

    That is one that may be changed, or one for which an authoriser asks for more: then only of the
    kinds asked for. Raises as `editable` does.
    """
    application = own(call, application_id)
    rules.after(State(application.state), Step.ADD if application.asked else Step.EDIT)
    if etag is not None:
        errors.require_etag(application.version, etag)
    return application


def own_attachment(call: Call, attachment_id: UUID) -> tuple[Attachment, Application]:
    """Returns an attachment of the caller's own application.

    Raises ATTACHMENT_NOT_FOUND outside of his branch and NOT_THE_MAKER within it.
    """
    found = store.attachment(call, attachment_id)
    if found is None or found[1].branch_id != call.principal.branch_id:
        raise attachment_rules.no_attachment()
    call.journey_id = found[1].journey_id
    rules.require_maker(found[1].maker_id, call.principal.id)
    return found


def seen_attachment(call: Call, attachment_id: UUID) -> Attachment:
    """Returns an attachment for the maker, his branch, or the authoriser with the claim.

    Raises ATTACHMENT_NOT_FOUND for everybody else.
    """
    found = store.attachment(call, attachment_id)
    if found is None:
        raise attachment_rules.no_attachment()
    attachment, application = found
    if application.branch_id != call.principal.branch_id and not (
        application.task_id is not None and _is_shown_to(call, application.task_id)
    ):
        raise attachment_rules.no_attachment()
    call.journey_id = application.journey_id
    return attachment


def in_use(
    call: Call, application: Application, attachment_id: str, kinds: Collection[str]
) -> Attachment:
    """Returns an application's complete attachment of one of some kinds.

    Raises ATTACHMENT_NOT_FOUND, also for one that was replaced.
    """
    attachment = call.session.get(Attachment, UUID(attachment_id))
    if (
        attachment is None
        or attachment.application_id != application.application_id
        or attachment.state != COMPLETE
        or attachment.is_replaced
        or attachment.kind not in kinds
    ):
        raise attachment_rules.no_attachment()
    return attachment


def may_know(principal: Principal, entry: journal.EntryRow) -> bool:
    """Tells whether somebody may know of a step: of what compliance found nobody else is told."""
    is_of_hit = entry.reason == _HIT or entry.object_kind == "screening_hit"
    return not is_of_hit or bool({AUDIT, _COMPLIANCE} & principal.permissions)


def today(call: Call, application: Application) -> date:
    """Returns the day in the application's branch."""
    return call.now.astimezone(call.bank.time_zone(application.branch_id)).date()


def _entered(call: Call, application: Application | None) -> Application:
    if application is None or application.branch_id != call.principal.branch_id:
        raise rules.no_application()
    call.journey_id = application.journey_id
    return application


def _is_shown_to(call: Call, task_id: UUID) -> bool:
    """Tells whether the caller decides about a task, or looks again at what was approved."""
    return tasks.holds_claim(call, task_id) or second_look.may_see_evidence(call, task_id)
