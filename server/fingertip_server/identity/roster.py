"""Makes units and staff those of a bank pack."""

from sqlalchemy import Connection, all_, bindparam, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert
from sqlalchemy.types import Text

from fingertip_server.identity.tables import Branch, Shift, Staff, StaffSession
from fingertip_server.packs.bank import customer_id
from fingertip_server.packs.schema import Pack
from fingertip_server.packs.schema_bank import StaffMember


def _upserting(table: type[Branch | Staff], key: str, *columns: str) -> Insert:
    adding = insert(table)
    given = {column: adding.excluded[column] for column in columns}
    return adding.on_conflict_do_update(index_elements=[key], set_=given)


_PUT_BRANCH = _upserting(Branch, "branch_id", "kind", "name", "time_zone")
# What people did themselves is not among it: their attempts to sign in, the administrator's word.
_PUT_STAFF = _upserting(
    Staff,
    "staff_id",
    "person_id",
    "display_name",
    "branch_id",
    "roles",
    "skills",
    "level",
    "customer_id",
    "relatives",
    "is_listed",
)
# Each unit has a feed and a chain of its own.
_PUT_HEADS = text(
    "INSERT INTO topic_head (topic) SELECT unnest(CAST(:topics AS text[])) ON CONFLICT DO NOTHING"
)
_STRIKE = (
    update(Staff)
    .where(Staff.is_listed, Staff.staff_id != all_(bindparam("listed", type_=ARRAY(Text()))))
    .values(is_listed=False)
)
_END_SESSIONS = (
    update(StaffSession)
    .where(
        StaffSession.ended_at.is_(None),
        StaffSession.staff_id.in_(select(Staff.staff_id).where(~Staff.is_listed)),
    )
    .values(ended_at=func.fingertip_now())
)
_END_SHIFTS = (
    update(Shift)
    .where(
        Shift.ended_at.is_(None),
        Shift.staff_id == Staff.staff_id,
        or_(~Staff.is_listed, Staff.branch_id != Shift.branch_id),
    )
    .values(ended_at=func.fingertip_now())
)


def replace(connection: Connection, pack: Pack) -> None:
    """Writes the pack's units and staff over those that are there.

    Staff whom the pack does not list may not sign in any more: their sessions and shifts end, and
    so do the shifts of those who are in another unit now. Passwords stay as they are.
    """
    branches = [
        {
            "branch_id": branch.code,
            "kind": branch.kind.value,
            "name": branch.name,
            "time_zone": pack.time_zone(branch).key,
        }
        for branch in pack.branches
    ]
    connection.execute(_PUT_BRANCH, branches)
    connection.execute(_PUT_HEADS, {"topics": [branch.code for branch in pack.branches]})
    connection.execute(_PUT_STAFF, [_row(pack, member) for member in pack.staff])
    connection.execute(_STRIKE, {"listed": [member.staff_number for member in pack.staff]})
    connection.execute(_END_SESSIONS)
    connection.execute(_END_SHIFTS)


def _row(pack: Pack, member: StaffMember) -> dict[str, object]:
    number = member.customer_number
    return {
        "staff_id": member.staff_number,
        "person_id": member.person_id,
        "display_name": member.name,
        "branch_id": member.branch,
        "roles": list(member.roles),
        "skills": list(member.skills),
        "level": member.level,
        "customer_id": customer_id(pack.bank.code, number) if number else None,
        "relatives": [customer_id(pack.bank.code, each) for each in member.relatives],
        "is_listed": True,
    }
