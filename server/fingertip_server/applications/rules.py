"""The rules of an application's life: who may do what to it in which state."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID, uuid5

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.applications.faults import Fault


class State(StrEnum):
    """The states of an application, called as the contract calls them."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    RETURNED = "RETURNED"
    APPROVED = "APPROVED"
    EXECUTED = "EXECUTED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    EXECUTION_UNKNOWN = "EXECUTION_UNKNOWN"
    EXECUTION_FAILED = "EXECUTION_FAILED"
    REVERSED = "REVERSED"
    SUPPLEMENT_REQUESTED = "SUPPLEMENT_REQUESTED"


class Step(StrEnum):
    """What happens to an application."""

    EDIT = "edit"
    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    APPROVE = "approve"
    REJECT = "reject"
    RETURN = "return"
    EXPIRE = "expire"
    ASK = "ask"
    ADD = "add"
    SUPPLY = "supply"
    EXECUTE = "execute"
    LOSE_SIGHT = "lose_sight"
    FAIL = "fail"
    RECALL = "recall"
    REVERSE = "reverse"


_AFTER: Mapping[tuple[State, Step], State] = MappingProxyType(
    {
        (State.DRAFT, Step.EDIT): State.DRAFT,
        (State.RETURNED, Step.EDIT): State.RETURNED,
        (State.DRAFT, Step.SUBMIT): State.SUBMITTED,
        (State.RETURNED, Step.SUBMIT): State.SUBMITTED,
        (State.DRAFT, Step.WITHDRAW): State.WITHDRAWN,
        (State.RETURNED, Step.WITHDRAW): State.WITHDRAWN,
        (State.SUBMITTED, Step.WITHDRAW): State.WITHDRAWN,
        (State.DRAFT, Step.EXPIRE): State.EXPIRED,
        (State.RETURNED, Step.EXPIRE): State.EXPIRED,
        (State.SUBMITTED, Step.EXPIRE): State.EXPIRED,
        (State.SUBMITTED, Step.APPROVE): State.APPROVED,
        (State.SUBMITTED, Step.REJECT): State.REJECTED,
        (State.SUBMITTED, Step.RETURN): State.RETURNED,
        # An authoriser asks for more evidence, which is added and then supplied.
        (State.SUBMITTED, Step.ASK): State.SUPPLEMENT_REQUESTED,
        (State.SUPPLEMENT_REQUESTED, Step.ADD): State.SUPPLEMENT_REQUESTED,
        (State.SUBMITTED, Step.ADD): State.SUBMITTED,
        (State.SUBMITTED, Step.SUPPLY): State.SUBMITTED,
        (State.SUPPLEMENT_REQUESTED, Step.SUPPLY): State.SUBMITTED,
        (State.SUPPLEMENT_REQUESTED, Step.WITHDRAW): State.WITHDRAWN,
        (State.SUPPLEMENT_REQUESTED, Step.EXPIRE): State.EXPIRED,
        # What the bank did is believed whenever it is told, also after an operator had to look.
        (State.APPROVED, Step.EXECUTE): State.EXECUTED,
        (State.EXECUTION_UNKNOWN, Step.EXECUTE): State.EXECUTED,
        (State.EXECUTION_FAILED, Step.EXECUTE): State.EXECUTED,
        (State.APPROVED, Step.LOSE_SIGHT): State.EXECUTION_UNKNOWN,
        (State.EXECUTION_UNKNOWN, Step.LOSE_SIGHT): State.EXECUTION_UNKNOWN,
        (State.EXECUTION_FAILED, Step.LOSE_SIGHT): State.EXECUTION_UNKNOWN,
        (State.APPROVED, Step.FAIL): State.EXECUTION_FAILED,
        # Nothing was executed: it may be mended, and is authorised anew.
        (State.APPROVED, Step.RECALL): State.RETURNED,
        (State.EXECUTION_UNKNOWN, Step.FAIL): State.EXECUTION_FAILED,
        (State.EXECUTION_FAILED, Step.FAIL): State.EXECUTION_FAILED,
        (State.EXECUTED, Step.REVERSE): State.REVERSED,
    }
)

# Those of whom something is still to be expected, besides the drafts, which concern their maker.
PENDING = frozenset(
    {
        State.SUBMITTED,
        State.SUPPLEMENT_REQUESTED,
        State.RETURNED,
        State.APPROVED,
        State.EXECUTION_UNKNOWN,
    }
)
EDITABLE = frozenset({State.DRAFT, State.RETURNED})
# Those about which there is an open task.
UNDECIDED = frozenset({State.SUBMITTED, State.SUPPLEMENT_REQUESTED})
# An approval is good for these: what the bank did not do yet, as far as anybody knows.
EXECUTABLE = frozenset({State.APPROVED, State.EXECUTION_UNKNOWN, State.EXECUTION_FAILED})
FINAL = frozenset({State.EXECUTED, State.REJECTED, State.WITHDRAWN, State.EXPIRED, State.REVERSED})
# Whose persons' identities are looked at again, when the register could not be asked before.
RECHECKED = (
    frozenset(State)
    - EDITABLE
    - {State.REJECTED, State.WITHDRAWN, State.EXPIRED, State.EXECUTION_FAILED}
)

# Those of which nothing comes: what they held for the customer is free again.
UNDONE = frozenset({State.REJECTED, State.WITHDRAWN, State.EXPIRED, State.REVERSED})


def after(state: State, step: Step) -> State:
    """Returns the state that a step leads to. Raises APPLICATION_STATE where it leads nowhere."""
    following = _AFTER.get((state, step))
    if following is None:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_APPLICATION_STATE,
            "The application's state does not allow this.",
            state=state,
        )
    return following


def require_maker(maker_id: str, staff_id: str) -> None:
    """Raises NOT_THE_MAKER for anybody but the teller who started the application."""
    if staff_id != maker_id:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_NOT_THE_MAKER,
            "Only the teller who started the application may do this.",
        )


def require_signed(form_hash: bytes, quoted: bytes) -> None:
    """Raises FORM_HASH_MISMATCH when the customer saw something else than the form is now."""
    if quoted != form_hash:
        raise errors.Conflict(
            ErrorReason.ERROR_REASON_FORM_HASH_MISMATCH,
            "The customer signed another content.",
            form_hash=form_hash.hex(),
        )


def not_signed() -> errors.InvalidState:
    """Returns the refusal for an application that the customer has not signed as it is now."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_SIGNATURE_MISSING,
        "The customer has not signed what the application says now.",
    )


def signature_broken(links: Iterable[str]) -> errors.InvalidState:
    """Returns the refusal for a copy of what can no longer be proved."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_SIGNATURE_BROKEN,
        "What is stored is not what the customer signed.",
        links=",".join(links),
    )


def another_version(version: int) -> errors.Conflict:
    """Returns the refusal for what was prepared about an application that is another by now."""
    return errors.Conflict(
        ErrorReason.ERROR_REASON_ETAG_MISMATCH,
        "The application changed while it was signed. Read it again.",
        etag=str(version),
    )


def require_complete(faults: list[Fault]) -> None:
    """Raises APPLICATION_INCOMPLETE with every fault that hinders the submission."""
    hindering = [fault for fault in faults if fault.hinders]
    if hindering:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_APPLICATION_INCOMPLETE,
            "The application has faults.",
            violations=[errors.Violation(fault.subject, fault.note) for fault in hindering],
        )


def require_unchanged(content_hash: bytes, approved: bytes) -> None:
    """Raises CONTENT_CHANGED when something else than what was submitted is decided or done."""
    if content_hash != approved:
        raise content_changed(content_hash)


def is_waiting(last_seen: datetime | None, waits_for: timedelta, now: datetime) -> bool:
    """Tells whether the customer waits: a member of staff has seen him within `waits_for`."""
    return last_seen is not None and now - last_seen <= waits_for


def operation_id(application_id: UUID, revision: int) -> UUID:
    """Returns the bank's idempotency key for the execution of a revision: always the same."""
    return uuid5(application_id, str(revision))


def no_application() -> errors.NotFound:
    """Returns the refusal for an application that is not there, or not of the caller's branch."""
    return errors.NotFound(
        ErrorReason.ERROR_REASON_APPLICATION_NOT_FOUND, "There is no such application here."
    )


def no_receipt() -> errors.NotFound:
    """Returns the refusal for a receipt of what was not done."""
    return errors.NotFound(
        ErrorReason.ERROR_REASON_RECEIPT_NOT_FOUND, "There is no receipt of this."
    )


def identity_data_missing(party: str) -> errors.InvalidState:
    """Returns the refusal to ask the register about somebody whose name or number is not known."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_IDENTITY_DATA_MISSING,
        "Name and document number come first.",
        party=party,
    )


def id_taken() -> errors.AlreadyExists:
    """Returns the refusal for a client-made id that is used already."""
    return errors.AlreadyExists(ErrorReason.ERROR_REASON_APPLICATION_EXISTS, "The id is taken.")


def content_changed(content_hash: bytes) -> errors.Conflict:
    """Returns the refusal for a decision or an outcome that is about something else."""
    return errors.Conflict(
        ErrorReason.ERROR_REASON_CONTENT_CHANGED,
        "The content is another one.",
        content_hash=content_hash.hex(),
    )


def field_unknown(field_key: str, named_by: str) -> errors.InvalidArgument:
    """Returns the refusal for what the form does not ask for, with the request's field of it."""
    return errors.InvalidArgument(
        ErrorReason.ERROR_REASON_FIELD_UNKNOWN,
        "The form asks for no such thing.",
        violations=[errors.Violation(named_by, "must be one that the form has")],
        field_key=field_key,
    )
