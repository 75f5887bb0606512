"""Finds out whose credentials came with a call, in one statement."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select

from fingertip_server.identity.directory import IS_ACTIVE, ON_BREAK, ON_SHIFT
from fingertip_server.identity.rules import DEVICE_PERMISSIONS
from fingertip_server.identity.tables import Device, Staff, StaffSession
from fingertip_server.packs.bank import Bank
from fingertip_server.rpc.principal import Principal, PrincipalKind


@dataclass(frozen=True, slots=True)
class Found:
    """A caller as the database has him, at the instant `now`.

    Instants are seconds since 1970. The last three are those of a session; a device has none.
    """

    principal: Principal
    now_seconds: float
    session_id: UUID | None = None
    expires_seconds: float = 0.0
    last_used_seconds: float = 0.0


_NOW = func.fingertip_now().label("now")
_DEVICE = select(
    _NOW,
    Device.device_id,
    Device.kind,
    Device.display_name,
    Device.branch_id,
    Device.work_kinds,
).where(Device.credential_hash == bindparam("the_device_hash"), Device.state == "ENROLLED")
_STAFF = (
    select(
        _NOW,
        StaffSession.session_id,
        StaffSession.device_id,
        StaffSession.expires_at,
        StaffSession.last_used_at,
        Staff.staff_id,
        Staff.person_id,
        Staff.display_name,
        Staff.branch_id,
        Staff.roles,
        Staff.skills,
        Staff.level,
        Staff.customer_id,
        ON_SHIFT.label("on_shift"),
        ON_BREAK.label("on_break"),
    )
    .join(Device, Device.device_id == StaffSession.device_id)
    .join(Staff, Staff.staff_id == StaffSession.staff_id)
    .where(
        StaffSession.token_hash == bindparam("the_token_hash"),
        StaffSession.ended_at.is_(None),
        Device.credential_hash == bindparam("the_device_hash"),
        Device.state == "ENROLLED",
        IS_ACTIVE,
    )
)


def find_device(connection: Connection, device_hash: bytes) -> Found | None:
    """Returns the enrolled device with this credential."""
    row = connection.execute(_DEVICE, {"the_device_hash": device_hash}).one_or_none()
    if row is None:
        return None
    is_adapter = row.kind == "ADAPTER"
    principal = Principal(
        kind=PrincipalKind.ADAPTER if is_adapter else PrincipalKind.DEVICE,
        id=str(row.device_id),
        display_name=row.display_name,
        branch_id=row.branch_id,
        permissions=DEVICE_PERMISSIONS[row.kind],
        device_id=row.device_id,
        work_kinds=frozenset(row.work_kinds),
    )
    return Found(principal, row.now.timestamp())


def find_staff(
    connection: Connection, device_hash: bytes, token_hash: bytes, bank: Bank
) -> Found | None:
    """Returns the member of staff whose session this is, on the device with this credential.

    The session was not ended; whether it expired or idled is not decided here.
    """
    row = connection.execute(
        _STAFF, {"the_device_hash": device_hash, "the_token_hash": token_hash}
    ).one_or_none()
    if row is None:
        return None
    principal = Principal(
        kind=PrincipalKind.STAFF,
        id=row.staff_id,
        display_name=row.display_name,
        branch_id=row.branch_id,
        permissions=bank.permissions(row.roles),
        roles=frozenset(row.roles),
        skills=frozenset(row.skills),
        level=row.level,
        on_shift=row.on_shift,
        on_break=row.on_break,
        person_id=row.person_id,
        customer_id=row.customer_id,
        device_id=row.device_id,
        session_id=row.session_id,
    )
    return Found(
        principal,
        row.now.timestamp(),
        row.session_id,
        row.expires_at.timestamp(),
        row.last_used_at.timestamp(),
    )
