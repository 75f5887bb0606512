"""Devices and the codes with which they are enrolled, in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    Connection,
    Integer,
    Interval,
    Row,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from fingertip_server.db.base import NOW
from fingertip_server.identity.tables import Device, EnrolmentCode


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device as it is now."""

    device_id: UUID
    kind: str
    state: str
    display_name: str
    branch_id: str
    work_kinds: tuple[str, ...]
    enrolled_at: datetime
    revoked_at: datetime | None


_COLUMNS = (
    Device.device_id,
    Device.kind,
    Device.state,
    Device.display_name,
    Device.branch_id,
    Device.work_kinds,
    Device.enrolled_at,
    Device.revoked_at,
)
_LOCK = (
    select(*_COLUMNS)
    .where(Device.device_id == bindparam("the_device_id"))
    .with_for_update(key_share=True)
)
_ADMIT = insert(Device).returning(*_COLUMNS)
_RENEW_CREDENTIAL = (
    update(Device)
    .where(Device.device_id == bindparam("the_device_id"), Device.state == "ENROLLED")
    .values(credential_hash=bindparam("new_credential_hash"))
    .returning(*_COLUMNS)
)
_REVOKE = (
    update(Device)
    .where(Device.device_id == bindparam("the_device_id"))
    .values(state="REVOKED", revoked_at=func.fingertip_now())
    .returning(*_COLUMNS)
)
_FIRST_PAGE = (
    select(*_COLUMNS)
    .order_by(Device.enrolled_at.desc(), Device.device_id.desc())
    .limit(bindparam("size"))
)
_NEXT_PAGE = _FIRST_PAGE.where(
    tuple_(Device.enrolled_at, Device.device_id)
    < tuple_(bindparam("after_time"), bindparam("after_id"))
)
_OF_UNIT = Device.branch_id == bindparam("the_branch_id")

_RENEW_CODE = (
    update(EnrolmentCode)
    .where(EnrolmentCode.device_id == bindparam("the_device_id"), EnrolmentCode.used_at.is_(None))
    .values(code_hash=bindparam("new_code_hash"), expires_at=bindparam("new_expires_at"))
    .returning(EnrolmentCode.device_id)
)
_REDEEM = (
    update(EnrolmentCode)
    .where(
        EnrolmentCode.code_hash == bindparam("the_code_hash"),
        EnrolmentCode.used_at.is_(None),
        EnrolmentCode.expires_at > func.fingertip_now(),
    )
    .values(used_at=func.fingertip_now())
    .returning(
        EnrolmentCode.device_id,
        EnrolmentCode.kind,
        EnrolmentCode.display_name,
        EnrolmentCode.branch_id,
        EnrolmentCode.work_kinds,
    )
)
_IS_FRESH = select(EnrolmentCode.device_id).where(
    EnrolmentCode.device_id == bindparam("the_device_id"),
    EnrolmentCode.code_hash == bindparam("the_code_hash"),
    EnrolmentCode.expires_at > func.fingertip_now(),
)

_FORGET_CODES = delete(EnrolmentCode).where(
    EnrolmentCode.device_id.in_(
        select(EnrolmentCode.device_id)
        .where(EnrolmentCode.expires_at < NOW - bindparam("kept", type_=Interval))
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)
    )
)


def invite(  # noqa: PLR0913 - what is known of a device before it exists
    connection: Connection,
    *,
    device_id: UUID,
    code_hash: bytes,
    kind: str,
    display_name: str,
    branch_id: str,
    work_kinds: Sequence[str],
    expires_at: datetime,
) -> None:
    """Lets one device be enrolled with a code until it expires."""
    connection.execute(
        insert(EnrolmentCode),
        {
            "device_id": device_id,
            "code_hash": code_hash,
            "kind": kind,
            "display_name": display_name,
            "branch_id": branch_id,
            "work_kinds": list(work_kinds),
            "expires_at": expires_at,
        },
    )


def renew_code(
    connection: Connection, device_id: UUID, code_hash: bytes, expires_at: datetime
) -> bool:
    """Puts a code in the place of the one before, and says whether that was still unused."""
    parameters = {
        "the_device_id": device_id,
        "new_code_hash": code_hash,
        "new_expires_at": expires_at,
    }
    return connection.execute(_RENEW_CODE, parameters).one_or_none() is not None


def forget_codes(connection: Connection, kept: timedelta, most: int) -> int:
    """Deletes codes that expired so long ago, at most so many, and returns how many."""
    return connection.execute(_FORGET_CODES, {"kept": kept, "most": most}).rowcount


def enrol(connection: Connection, code_hash: bytes, credential_hash: bytes) -> DeviceRow | None:
    """Uses a code up and returns the device, or None when the code is not valid.

    Of two who use one code together, the second waits for the first and finds it used.
    """
    invited = connection.execute(_REDEEM, {"the_code_hash": code_hash}).one_or_none()
    if invited is None:
        return None
    row = connection.execute(
        _ADMIT,
        {
            "device_id": invited.device_id,
            "kind": invited.kind,
            "display_name": invited.display_name,
            "branch_id": invited.branch_id,
            "work_kinds": invited.work_kinds,
            "credential_hash": credential_hash,
        },
    ).one()
    return _device(row)


def renew_credential(
    connection: Connection, device_id: UUID, code_hash: bytes, credential_hash: bytes
) -> DeviceRow | None:
    """Puts a credential in the place of the one before, as long as the device's code lasts."""
    fresh = {"the_device_id": device_id, "the_code_hash": code_hash}
    if connection.execute(_IS_FRESH, fresh).one_or_none() is None:
        return None
    parameters = {"the_device_id": device_id, "new_credential_hash": credential_hash}
    row = connection.execute(_RENEW_CREDENTIAL, parameters).one_or_none()
    return _device(row) if row else None


def lock(connection: Connection, device_id: UUID) -> DeviceRow | None:
    """Returns a device, locked until the transaction ends."""
    row = connection.execute(_LOCK, {"the_device_id": device_id}).one_or_none()
    return _device(row) if row else None


def revoke(connection: Connection, device_id: UUID) -> DeviceRow:
    """Revokes a device that exists and returns it."""
    return _device(connection.execute(_REVOKE, {"the_device_id": device_id}).one())


def page(
    connection: Connection, branch_id: str, after: tuple[datetime, UUID] | None, size: int
) -> list[DeviceRow]:
    """Returns devices, newest first, of one unit or with an empty `branch_id` of all."""
    parameters: dict[str, object] = {"size": size}
    statement = _FIRST_PAGE
    if after is not None:
        statement = _NEXT_PAGE
        parameters |= {"after_time": after[0], "after_id": after[1]}
    if branch_id:
        statement = statement.where(_OF_UNIT)
        parameters["the_branch_id"] = branch_id
    return [_device(row) for row in connection.execute(statement, parameters)]


def _device(
    row: Row[UUID, str, str, str, str, list[str], datetime, datetime | None],
) -> DeviceRow:
    return DeviceRow(
        device_id=row.device_id,
        kind=row.kind,
        state=row.state,
        display_name=row.display_name,
        branch_id=row.branch_id,
        work_kinds=tuple(row.work_kinds),
        enrolled_at=row.enrolled_at,
        revoked_at=row.revoked_at,
    )
