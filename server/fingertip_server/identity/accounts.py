"""The part of an account that signing in works with: its password, attempts and lock."""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Connection, bindparam, case, func, insert, or_, select, update

from fingertip_server.identity.directory import IS_ACTIVE
from fingertip_server.identity.rules import Account
from fingertip_server.identity.tables import Staff, StaffCredential

# The count need not survive a crash of the database; waiting for the disk would tell by its time
# that the account exists.
_COUNT = (
    update(Staff)
    .where(
        Staff.staff_id == bindparam("the_staff_id"),
        or_(
            Staff.locked_until <= func.fingertip_now(),
            Staff.locked_until.is_(None) & (Staff.failed_attempts < bindparam("attempts_max")),
        ),
    )
    .values(
        failed_attempts=case((Staff.locked_until.is_(None), Staff.failed_attempts + 1), else_=1),
        locked_until=None,
    )
    .returning(func.set_config("synchronous_commit", "off", True))
)
_PASSWORD = (
    select(Staff.staff_id, StaffCredential.password_hash)
    .outerjoin(
        StaffCredential,
        (StaffCredential.staff_id == Staff.staff_id) & StaffCredential.replaced_at.is_(None),
    )
    .where(Staff.staff_id == bindparam("the_staff_id"))
)
_LOCK = (
    select(Staff.staff_id, IS_ACTIVE, Staff.failed_attempts, Staff.locked_until)
    .where(Staff.staff_id == bindparam("the_staff_id"))
    .with_for_update(key_share=True)
)
_SET_LOCK = (
    update(Staff)
    .where(Staff.staff_id == bindparam("the_staff_id"))
    .values(
        failed_attempts=bindparam("new_failed_attempts"), locked_until=bindparam("new_locked_until")
    )
)
_SET_STATE = (
    update(Staff)
    .where(Staff.staff_id == bindparam("the_staff_id"), Staff.is_listed)
    .values(state=bindparam("new_state"))
    .returning(Staff.staff_id)
)
_FORMER = select(StaffCredential.password_hash).where(
    StaffCredential.staff_id == bindparam("the_staff_id")
)
_REPLACE = (
    update(StaffCredential)
    .where(
        StaffCredential.staff_id == bindparam("the_staff_id"),
        StaffCredential.replaced_at.is_(None),
    )
    .values(replaced_at=func.fingertip_now())
)
_WITHOUT_PASSWORD = (
    select(Staff.staff_id)
    .where(
        IS_ACTIVE,
        ~select(StaffCredential.credential_id)
        .where(StaffCredential.staff_id == Staff.staff_id)
        .exists(),
    )
    .order_by(Staff.staff_id)
)


@dataclass(frozen=True, slots=True)
class Counted:
    """What an attempt to sign in found: whether there was one left, and the hash to be met."""

    is_known: bool
    is_counted: bool
    password_hash: str | None


def count_attempt(connection: Connection, staff_id: str, attempts_max: int) -> Counted:
    """Takes one of the account's attempts, if one is left, before its password is looked at.

    So attempts that come together cannot outrun the count. A success gives all of them back.
    """
    parameters = {"the_staff_id": staff_id, "attempts_max": attempts_max}
    is_counted = connection.execute(_COUNT, parameters).one_or_none() is not None
    found = connection.execute(_PASSWORD, {"the_staff_id": staff_id}).one_or_none()
    return Counted(found is not None, is_counted, found.password_hash if found else None)


def lock(connection: Connection, staff_id: str) -> Account | None:
    """Returns the account, locked until the transaction ends."""
    row = connection.execute(_LOCK, {"the_staff_id": staff_id}).one_or_none()
    return Account(*row) if row else None


def set_lock(
    connection: Connection, staff_id: str, *, failed_attempts: int, locked_until: datetime | None
) -> None:
    """Says how many attempts failed since the last success, and until when none is admitted."""
    connection.execute(
        _SET_LOCK,
        {
            "the_staff_id": staff_id,
            "new_failed_attempts": failed_attempts,
            "new_locked_until": locked_until,
        },
    )


def set_state(connection: Connection, staff_id: str, state: str) -> bool:
    """Suspends or re-admits an account, and says whether the active pack lists it."""
    parameters = {"the_staff_id": staff_id, "new_state": state}
    return connection.execute(_SET_STATE, parameters).one_or_none() is not None


def former_hashes(connection: Connection, staff_id: str) -> list[str]:
    """Returns the hashes of all passwords that the account ever had."""
    return list(connection.execute(_FORMER, {"the_staff_id": staff_id}).scalars())


def replace_password(connection: Connection, staff_id: str, password_hash: str) -> None:
    """Gives the account a password instead of the one it has, if any."""
    connection.execute(_REPLACE, {"the_staff_id": staff_id})
    connection.execute(
        insert(StaffCredential),
        {"credential_id": uuid4(), "staff_id": staff_id, "password_hash": password_hash},
    )


def without_password(connection: Connection) -> list[str]:
    """Returns the staff numbers of those who cannot sign in because they have no password yet."""
    return list(connection.execute(_WITHOUT_PASSWORD).scalars())
