"""Tells other domains about staff."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, bindparam, exists, func, or_, select

from fingertip_server.identity import delegations
from fingertip_server.identity.tables import Shift, Staff


@dataclass(frozen=True, slots=True)
class StaffRow:
    """An account as it is now. `is_active` says whether it may sign in.

    `effective_level` is the highest level, own or lent, in whatever scope.
    """

    staff_id: str
    person_id: UUID
    display_name: str
    branch_id: str
    roles: tuple[str, ...]
    skills: tuple[str, ...]
    customer_id: UUID | None
    is_active: bool
    on_shift: bool
    on_break: bool
    level: int
    effective_level: int


IS_ACTIVE: ColumnElement[bool] = Staff.is_listed & (Staff.state == "ACTIVE")
_IS_OPEN_SHIFT = (Shift.staff_id == Staff.staff_id) & Shift.ended_at.is_(None)
_OPEN_SHIFT = select(Shift.shift_id).where(_IS_OPEN_SHIFT).correlate(Staff)
ON_SHIFT: ColumnElement[bool] = exists(_OPEN_SHIFT)
ON_BREAK: ColumnElement[bool] = exists(_OPEN_SHIFT.where(Shift.break_since.is_not(None)))
# In the order of StaffRow's fields.
STAFF = select(
    Staff.staff_id,
    Staff.person_id,
    Staff.display_name,
    Staff.branch_id,
    Staff.roles,
    Staff.skills,
    Staff.customer_id,
    IS_ACTIVE.label("is_active"),
    ON_SHIFT.label("on_shift"),
    ON_BREAK.label("on_break"),
    Staff.level,
    func.greatest(Staff.level, delegations.level_lent()).label("effective_level"),
)
_ONE = STAFF.where(Staff.staff_id == bindparam("the_staff_id"))
_PAGE = (
    STAFF.where(Staff.staff_id > bindparam("after"))
    .order_by(Staff.staff_id)
    .limit(bindparam("size"))
)
# By who is on shift there: a unit may have many more.
_ON_SHIFT_IN_UNIT = (
    STAFF.join(Shift, _IS_OPEN_SHIFT)
    .where(
        Shift.branch_id == bindparam("the_branch_id"),
        Staff.branch_id == bindparam("the_branch_id"),
        IS_ACTIVE,
    )
    .order_by(Staff.staff_id)
)
_HIGHEST_LEVEL = select(func.max(Staff.level)).where(
    Staff.branch_id == bindparam("the_branch_id"), IS_ACTIVE
)
_PAGE_OF_UNIT = _PAGE.where(Staff.branch_id == bindparam("the_branch_id"))


def highest_level(connection: Connection, branch_id: str) -> int:
    """Returns the highest level that anybody of a unit has himself, at work or not."""
    highest = connection.execute(_HIGHEST_LEVEL, {"the_branch_id": branch_id}).scalar_one()
    return highest or 0


def staff(connection: Connection, staff_id: str) -> StaffRow | None:
    """Returns an account by its staff number."""
    rows = _read(connection, _ONE, the_staff_id=staff_id)
    return rows[0] if rows else None


def on_shift(connection: Connection, branch_id: str) -> list[StaffRow]:
    """Returns who is on shift in a unit, on a break or not, by staff number."""
    return _read(connection, _ON_SHIFT_IN_UNIT, the_branch_id=branch_id)


def persons_of(connection: Connection, customer_ids: Collection[UUID]) -> tuple[UUID, ...]:
    """Returns which persons of the staff are these customers of the bank, or relatives of theirs.

    Whatever the state of their accounts is.
    """
    are_they = Staff.customer_id.in_(customer_ids)
    are_relatives = Staff.relatives.overlap(list(customer_ids))
    found = connection.execute(select(Staff.person_id).where(or_(are_they, are_relatives)))
    return tuple(sorted(set(found.scalars())))


def page(connection: Connection, branch_id: str, after: str, size: int) -> list[StaffRow]:
    """Returns accounts by staff number, of one unit or with an empty `branch_id` of all."""
    if not branch_id:
        return _read(connection, _PAGE, after=after, size=size)
    return _read(connection, _PAGE_OF_UNIT, the_branch_id=branch_id, after=after, size=size)


def _read(
    connection: Connection,
    statement: Select[
        str, UUID, str, str, list[str], list[str], UUID | None, bool, bool, bool, int, int
    ],
    **parameters: object,
) -> list[StaffRow]:
    return [
        StaffRow(
            staff_id=row.staff_id,
            person_id=row.person_id,
            display_name=row.display_name,
            branch_id=row.branch_id,
            roles=tuple(row.roles),
            skills=tuple(row.skills),
            customer_id=row.customer_id,
            is_active=row.is_active,
            on_shift=row.on_shift,
            on_break=row.on_break,
            level=row.level,
            effective_level=row.effective_level,
        )
        for row in connection.execute(statement, parameters)
    ]
