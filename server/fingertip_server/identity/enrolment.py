"""Lets a device be enrolled. Shared by the administrator's call and the operator's command."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from fingertip_server.identity import devices, tokens
from fingertip_server.rpc.call import Call


@dataclass(frozen=True, slots=True)
class Invitation:
    """A device that may be enrolled with the code, which is told this once."""

    device_id: UUID
    code: str
    expires_at: datetime


def invite(
    call: Call, *, kind: str, branch_id: str, display_name: str, work_kinds: Sequence[str]
) -> Invitation:
    """Makes a code for a new device. Raises BRANCH_NOT_FOUND."""
    call.bank.branch(branch_id)
    invitation = _made(call, uuid4())
    devices.invite(
        call.connection,
        device_id=invitation.device_id,
        code_hash=code_hash(call, invitation.code),
        kind=kind,
        display_name=display_name,
        branch_id=branch_id,
        work_kinds=work_kinds,
        expires_at=invitation.expires_at,
    )
    call.home = branch_id
    call.record("device", invitation.device_id, "INVITED")
    return invitation


def invite_again(call: Call, device_id: UUID) -> Invitation | None:
    """Makes another code for the device and voids the former; None when that was used."""
    invitation = _made(call, device_id)
    is_unused = devices.renew_code(
        call.connection, device_id, code_hash(call, invitation.code), invitation.expires_at
    )
    return invitation if is_unused else None


def code_hash(call: Call, typed: str) -> bytes:
    """Returns what the database knows of a code."""
    return call.protection.token_hash(tokens.normalise_code(typed))


def _made(call: Call, device_id: UUID) -> Invitation:
    lifetime = call.bank.policies.duration("identity.enrolment_code_lifetime")
    return Invitation(device_id, tokens.new_enrolment_code(), call.now + lifetime)
