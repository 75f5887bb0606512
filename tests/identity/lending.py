"""How a leader lends his authority, for tests."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from fingertip.identity.v1.delegation_pb2 import Delegation
from fingertip.identity.v1.identity_service_pb2 import (
    DelegateAuthorityRequest,
    ListDelegationsRequest,
    RevokeDelegationRequest,
)
from fingertip_client.caller import Caller
from fingertip_client.request_ids import new_request_id


def lending(
    delegate_id: str = "100104",
    *,
    level: int = 2,
    hours: float = 1,
    skills: Sequence[str] = ("account_opening",),
    scene_codes: Sequence[str] = (),
) -> DelegateAuthorityRequest:
    """Asks to lend authority, by default for opening accounts and for an hour."""
    request = DelegateAuthorityRequest(
        request_id=new_request_id(),
        delegate_id=delegate_id,
        level=level,
        purpose="主任外出",
        skills=skills,
        scene_codes=scene_codes,
    )
    request.expire_time.FromDatetime(datetime.now(UTC) + timedelta(hours=hours))
    return request


async def lend(caller: Caller, request: DelegateAuthorityRequest) -> Delegation:
    """Lends."""
    return (await caller.identity.DelegateAuthority(request)).delegation


async def revoke(caller: Caller, delegation: Delegation) -> Delegation:
    """Takes back."""
    response = await caller.identity.RevokeDelegation(
        RevokeDelegationRequest(
            request_id=new_request_id(),
            delegation_id=delegation.delegation_id,
            purpose="主任已返岗",
        )
    )
    return response.delegation


async def listed(caller: Caller, *, with_ended: bool = False) -> list[Delegation]:
    """Lists what the caller's unit lends."""
    response = await caller.identity.ListDelegations(ListDelegationsRequest(with_ended=with_ended))
    return list(response.delegations)
