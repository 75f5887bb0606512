"""Decisions about identities. Pure: what they need to know is given to them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors

# What devices may call is fixed by what they are; a bank pack gives permissions to people only.
DEVICE_PERMISSIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "TABLET": frozenset({"identity.sign_in"}),
        "TICKET_MACHINE": frozenset({"lobby.tickets.issue", "lobby.numbers.reserve"}),
        "ADAPTER": frozenset({"fulfilment.work", "customer.sync", "screening.sync"}),
    }
)

PASSWORD_LENGTH_MIN = 8
# As the contract has it.
PASSWORD_LENGTH_MAX = 128
_DIFFERENT_CHARACTERS_MIN = 5


@dataclass(frozen=True, slots=True)
class Account:
    """What signing in looks at."""

    staff_id: str
    is_active: bool
    failed_attempts: int
    locked_until: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to sign in, before its transaction.

    `is_counted` is false when the account had no attempt left, or does not exist; its password was
    not looked at then. `matches` says whether it was the password of the account.
    """

    is_counted: bool
    matches: bool


@dataclass(frozen=True, slots=True)
class Delegable:
    """What somebody wants to lend, and to whom. `own_level` is the lender's."""

    delegator_person_id: UUID | None
    own_level: int
    delegate_person_id: UUID
    delegate_is_active: bool
    level: int
    expires_at: datetime
    scope_exists: bool


def check_sign_in(
    account: Account | None, attempt: Attempt, *, now: datetime, lock_out: timedelta
) -> Account:
    """Returns the account when the attempt opens it.

    Raises LOCKED_OUT, right password or not, while the account is locked; otherwise
    WRONG_CREDENTIALS, which says the same of a wrong number, a wrong password, an account without
    password and a suspended one.
    """
    if account is not None:
        if account.locked_until is not None and account.locked_until > now:
            raise _locked_out(account.locked_until)
        if not attempt.is_counted:
            raise _locked_out(now + lock_out)
        if attempt.matches and account.is_active:
            return account
    raise errors.Unauthenticated(
        ErrorReason.ERROR_REASON_WRONG_CREDENTIALS, "Staff number or password is wrong."
    )


def lock_until(
    account: Account, *, now: datetime, attempts_max: int, lock_out: timedelta
) -> datetime | None:
    """Returns until when a refused attempt locks the account, or None when it does not."""
    if account.failed_attempts < attempts_max or account.locked_until is not None:
        return None
    return now + lock_out


def check_password(staff_id: str, password: str) -> None:
    """Raises PASSWORD_NOT_ACCEPTED for a password that is easily guessed.

    A password has 8 to 128 characters, at least five different ones, and does not hold the staff
    number.
    """
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise password_not_accepted("A password has 8 to 128 characters.", "length")
    if len(set(password)) < _DIFFERENT_CHARACTERS_MIN:
        raise password_not_accepted("A password has five different characters.", "variety")
    if staff_id.casefold() in password.casefold():
        raise password_not_accepted("A password does not hold the staff number.", "staff_number")


def password_not_accepted(message: str, rule: str) -> errors.InvalidState:
    """Returns the refusal of a new password by one of the rules."""
    return errors.InvalidState(ErrorReason.ERROR_REASON_PASSWORD_NOT_ACCEPTED, message, rule=rule)


def is_session_over(
    now_seconds: float, *, expires_seconds: float, last_used_seconds: float, idle_seconds: float
) -> bool:
    """Says whether a session expired or idled, by instants in seconds since 1970."""
    return now_seconds >= expires_seconds or now_seconds - last_used_seconds >= idle_seconds


def unit_to_list(own: str, *, is_head_office: bool, wanted: str) -> str:
    """Returns the unit of which the caller is shown staff; empty means all.

    The head office sees everybody, others see their own unit. Raises OTHER_BRANCH.
    """
    if is_head_office or wanted == own:
        return wanted
    if wanted:
        raise other_branch()
    return own


def require_second_person(
    *,
    second_person_id: UUID,
    second_branch_id: str,
    second_permissions: Collection[str],
    caller_person_id: UUID | None,
    caller_branch_id: str,
    permission: str,
) -> None:
    """Raises unless it is another person, of the same branch, who may do this himself.

    FOUR_EYES for the caller under whatever account, OTHER_BRANCH and PERMISSION_MISSING.
    """
    if second_person_id == caller_person_id:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_FOUR_EYES,
            "The second person is somebody else.",
            rule="same_person",
        )
    if second_branch_id != caller_branch_id:
        raise errors.PermissionDenied(
            ErrorReason.ERROR_REASON_OTHER_BRANCH, "The second person is of another branch."
        )
    if permission not in second_permissions:
        raise errors.PermissionDenied(
            ErrorReason.ERROR_REASON_PERMISSION_MISSING,
            "The second person may not do this.",
            permission=permission,
        )


def require_delegable(wish: Delegable, *, now: datetime, lifetime_max: timedelta) -> None:
    """Raises DELEGATION_NOT_ALLOWED when authority cannot be lent like this.

    One's own level can be lent and no other: what was lent to oneself is not one's own.
    """
    if wish.delegate_person_id == wish.delegator_person_id:
        raise _not_delegable("same_person")
    if not wish.delegate_is_active:
        raise _not_delegable("state")
    if wish.level > wish.own_level:
        raise _not_delegable("level")
    if not now < wish.expires_at <= now + lifetime_max:
        raise _not_delegable("expire_time")
    if not wish.scope_exists:
        raise _not_delegable("scope")


def not_signed_in() -> errors.Unauthenticated:
    """Returns the refusal of a caller without a valid credential, whatever is wrong with it."""
    return errors.Unauthenticated(
        ErrorReason.ERROR_REASON_NOT_SIGNED_IN, "No valid credential came with the call."
    )


def enrolment_code_invalid() -> errors.Unauthenticated:
    """Returns the refusal of an enrolment code, whatever is wrong with it."""
    return errors.Unauthenticated(
        ErrorReason.ERROR_REASON_ENROLMENT_CODE_INVALID,
        "The enrolment code is unknown, used or expired.",
    )


def already_on_shift() -> errors.InvalidState:
    """Returns the refusal to start a second shift."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_ALREADY_ON_SHIFT, "The member of staff is on shift already."
    )


def not_on_shift() -> errors.InvalidState:
    """Returns the refusal to end a shift that is not there."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_NOT_ON_SHIFT, "The member of staff is not on shift."
    )


def on_break() -> errors.InvalidState:
    """Returns the refusal to somebody who is on a break."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_ON_BREAK, "The member of staff is on a break."
    )


def not_on_break() -> errors.InvalidState:
    """Returns the refusal to end a break that is not there."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_NOT_ON_BREAK, "The member of staff is not on a break."
    )


def staff_not_found() -> errors.NotFound:
    """Returns the refusal about an account that the bank pack does not list."""
    return errors.NotFound(
        ErrorReason.ERROR_REASON_STAFF_NOT_FOUND, "There is no such member of staff."
    )


def delegation_not_found() -> errors.NotFound:
    """Returns the refusal about a delegation that is not there, or not in the caller's unit."""
    return errors.NotFound(
        ErrorReason.ERROR_REASON_DELEGATION_NOT_FOUND, "There is no such delegation here."
    )


def other_branch() -> errors.PermissionDenied:
    """Returns the refusal about somebody of another unit."""
    return errors.PermissionDenied(
        ErrorReason.ERROR_REASON_OTHER_BRANCH, "These staff are of another branch or centre."
    )


def device_not_found() -> errors.NotFound:
    """Returns the refusal about a device that was never enrolled."""
    return errors.NotFound(ErrorReason.ERROR_REASON_DEVICE_NOT_FOUND, "There is no such device.")


def _not_delegable(rule: str) -> errors.InvalidState:
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_DELEGATION_NOT_ALLOWED,
        "Authority cannot be lent like this.",
        rule=rule,
    )


def _locked_out(until: datetime) -> errors.LimitReached:
    return errors.LimitReached(
        ErrorReason.ERROR_REASON_LOCKED_OUT,
        "Too many wrong passwords: the account is locked for a while.",
        retry_time=until.isoformat(timespec="seconds"),
    )
