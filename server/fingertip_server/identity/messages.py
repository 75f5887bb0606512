"""Turns rows into what the contract shows."""

from datetime import datetime

from fingertip.identity.v1.delegation_pb2 import Delegation
from fingertip.identity.v1.device_pb2 import Device
from fingertip.identity.v1.staff_pb2 import Staff, StaffSession
from fingertip_server.identity.delegations import DelegationRow
from fingertip_server.identity.devices import DeviceRow
from fingertip_server.identity.directory import StaffRow
from fingertip_server.identity.sessions import Session
from fingertip_server.packs.bank import Bank


def staff(row: StaffRow) -> Staff:
    """Returns an account."""
    return Staff(
        staff_id=row.staff_id,
        person_id=str(row.person_id),
        display_name=row.display_name,
        branch_id=row.branch_id,
        roles=row.roles,
        skills=row.skills,
        state=Staff.STATE_ACTIVE if row.is_active else Staff.STATE_SUSPENDED,
        on_shift=row.on_shift,
        on_break=row.on_break,
        level=row.level,
        effective_level=row.effective_level,
    )


def session(signed_in: Session, row: StaffRow, bank: Bank) -> StaffSession:
    """Returns a session of the account."""
    message = StaffSession(
        session_id=str(signed_in.session_id),
        staff=staff(row),
        device_id=str(signed_in.device_id),
        permissions=sorted(bank.permissions(row.roles)),
        idle_seconds_max=int(bank.policies.duration("identity.session_idle").total_seconds()),
    )
    message.expire_time.FromDatetime(signed_in.expires_at)
    return message


def delegation(row: DelegationRow, now: datetime) -> Delegation:
    """Returns a delegation as it is now."""
    state = Delegation.STATE_IN_FORCE if now < row.expires_at else Delegation.STATE_EXPIRED
    message = Delegation(
        delegation_id=str(row.delegation_id),
        branch_id=row.branch_id,
        delegator_id=row.delegator_id,
        delegate_id=row.delegate_id,
        level=row.level,
        scene_codes=row.scene_codes,
        skills=row.skills,
        purpose=row.purpose,
        state=state,
    )
    message.create_time.FromDatetime(row.created_at)
    message.expire_time.FromDatetime(row.expires_at)
    if row.revoked_at is not None:
        message.state = Delegation.STATE_REVOKED
        message.revoke_time.FromDatetime(row.revoked_at)
    return message


def device(row: DeviceRow) -> Device:
    """Returns a device."""
    message = Device(
        device_id=str(row.device_id),
        kind=Device.Kind.Value(f"KIND_{row.kind}"),
        state=Device.State.Value(f"STATE_{row.state}"),
        display_name=row.display_name,
        branch_id=row.branch_id,
        work_kinds=row.work_kinds,
    )
    message.enrol_time.FromDatetime(row.enrolled_at)
    if row.revoked_at is not None:
        message.revoke_time.FromDatetime(row.revoked_at)
    return message


def kind_name(kind: Device.Kind.ValueType) -> str:
    """Returns a kind of device as the database names it, for example "TABLET"."""
    return Device.Kind.Name(kind).removeprefix("KIND_")
