"""Authority that is lent (转授权): to whom, for what, until when.

Only one's own level can be lent, so that nobody lends on what was lent to him. A delegation counts
while it is neither over nor revoked, and both are still admitted and of one unit; it gives at most
the level that the lender has now.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Uuid,
    bindparam,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from fingertip_server.db.base import NOW
from fingertip_server.identity.tables import Delegation, Staff
from fingertip_server.rpc.call import Call

LAPSE = "identity.lapse_delegation"

_Delegator, _Delegate = aliased(Staff, name="delegator"), aliased(Staff, name="delegate")
_LEVEL: ColumnElement[int] = func.least(Delegation.level, _Delegator.level)
_IS_OPEN = Delegation.revoked_at.is_(None) & (Delegation.expires_at > NOW)
_IN_FORCE = (
    select(
        Delegation.delegation_id,
        Delegation.delegate_id,
        Delegation.delegate_person_id,
        Delegation.delegator_person_id,
        _Delegator.customer_id.label("delegator_customer_id"),
        _LEVEL.label("level"),
        Delegation.scene_codes,
        Delegation.skills,
        Delegation.expires_at,
    )
    .join(_Delegator, _Delegator.staff_id == Delegation.delegator_id)
    .join(_Delegate, _Delegate.staff_id == Delegation.delegate_id)
    .where(
        _IS_OPEN,
        _Delegator.is_listed,
        _Delegator.state == "ACTIVE",
        _Delegator.branch_id == Delegation.branch_id,
        _Delegate.branch_id == Delegation.branch_id,
    )
    .order_by(Delegation.created_at, Delegation.delegation_id)
)
_OF_PERSONS = _IN_FORCE.where(
    Delegation.delegate_person_id == func.any(bindparam("person_ids", type_=ARRAY(Uuid())))
)
# Whoever revokes it waits for who decides by it, and the other way round.
_HOLD = _IN_FORCE.where(Delegation.delegation_id == bindparam("the_delegation_id")).with_for_update(
    read=True, of=Delegation
)
_COLUMNS = (
    Delegation.delegation_id,
    Delegation.branch_id,
    Delegation.delegator_id,
    Delegation.delegate_id,
    Delegation.level,
    Delegation.scene_codes,
    Delegation.skills,
    Delegation.purpose,
    Delegation.created_at,
    Delegation.expires_at,
    Delegation.revoked_at,
)
_LOCK = (
    select(*_COLUMNS)
    .where(Delegation.delegation_id == bindparam("the_delegation_id"))
    .with_for_update(key_share=True)
)
_REVOKE = (
    update(Delegation)
    .where(Delegation.delegation_id == bindparam("the_delegation_id"))
    .values(revoked_at=NOW, revoked_by=bindparam("the_staff_id"))
)
_PAGE = (
    select(*_COLUMNS)
    .where(
        Delegation.branch_id == bindparam("the_branch_id"),
        or_(bindparam("with_ended"), _IS_OPEN),
    )
    .order_by(Delegation.created_at.desc(), Delegation.delegation_id.desc())
    .limit(bindparam("size"))
)


@dataclass(frozen=True, slots=True)
class InForce:
    """A delegation as far as a decision depends on it."""

    delegation_id: UUID
    delegate_id: str
    delegate_person_id: UUID
    delegator_person_id: UUID
    delegator_customer_id: UUID | None
    level: int
    scene_codes: Sequence[str]
    skills: Sequence[str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DelegationRow:
    """A delegation as it is shown."""

    delegation_id: UUID
    branch_id: str
    delegator_id: str
    delegate_id: str
    level: int
    scene_codes: Sequence[str]
    skills: Sequence[str]
    purpose: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to lend."""

    level: int
    scene_codes: Sequence[str]
    skills: Sequence[str]
    expires_at: datetime
    purpose: str


def level_lent() -> ScalarSelect[int]:
    """Returns the highest level lent to an account of a statement on `staff`, in whatever scope."""
    return (
        select(func.max(_LEVEL))
        .join_from(Delegation, _Delegator, _Delegator.staff_id == Delegation.delegator_id)
        .where(
            Delegation.delegate_id == Staff.staff_id,
            _IS_OPEN,
            _Delegator.is_listed,
            _Delegator.state == "ACTIVE",
            _Delegator.branch_id == Delegation.branch_id,
            Staff.branch_id == Delegation.branch_id,
        )
        .correlate(Staff)
        .scalar_subquery()
    )


def in_force(connection: Connection, person_ids: Collection[UUID]) -> list[InForce]:
    """Returns what is lent to some persons now, under whichever of their accounts."""
    rows = connection.execute(_OF_PERSONS, {"person_ids": list(person_ids)})
    return [InForce(*row) for row in rows]


def hold(connection: Connection, delegation_id: UUID) -> InForce | None:
    """Returns a delegation that is in force, which it stays until the transaction ends."""
    row = connection.execute(_HOLD, {"the_delegation_id": delegation_id}).one_or_none()
    return InForce(*row) if row else None


def make(call: Call, draft: Draft, *, delegate_id: str, delegate_person_id: UUID) -> DelegationRow:
    """Lends the caller's authority to somebody of his unit, who may have it."""
    delegation_id = uuid4()
    call.connection.execute(
        insert(Delegation),
        {
            "delegation_id": delegation_id,
            "branch_id": call.principal.branch_id,
            "delegator_id": call.principal.id,
            "delegator_person_id": call.principal.person_id,
            "delegate_id": delegate_id,
            "delegate_person_id": delegate_person_id,
            "level": draft.level,
            "scene_codes": list(draft.scene_codes),
            "skills": list(draft.skills),
            "purpose": draft.purpose,
            "created_at": call.now,
            "expires_at": draft.expires_at,
        },
    )
    call.start_timer(LAPSE, delegation_id, draft.expires_at)
    return _made(call, delegation_id)


def lock(connection: Connection, delegation_id: UUID) -> DelegationRow | None:
    """Returns a delegation, locked until the transaction ends."""
    row = connection.execute(_LOCK, {"the_delegation_id": delegation_id}).one_or_none()
    return DelegationRow(*row) if row else None


def revoke(call: Call, delegation_id: UUID) -> DelegationRow:
    """Revokes a delegation that is locked."""
    parameters = {"the_delegation_id": delegation_id, "the_staff_id": call.principal.id}
    call.connection.execute(_REVOKE, parameters)
    return _made(call, delegation_id)


def page(
    connection: Connection,
    branch_id: str,
    after: tuple[datetime, UUID] | None,
    size: int,
    *,
    with_ended: bool,
) -> list[DelegationRow]:
    """Returns the delegations of a unit, newest first."""
    statement = _PAGE
    if after is not None:
        key = tuple_(Delegation.created_at, Delegation.delegation_id)
        statement = statement.where(key < after)
    parameters = {"the_branch_id": branch_id, "with_ended": with_ended, "size": size}
    return [DelegationRow(*row) for row in connection.execute(statement, parameters)]


def _made(call: Call, delegation_id: UUID) -> DelegationRow:
    row = lock(call.connection, delegation_id)
    if row is None:
        raise LookupError(f"There is no delegation {delegation_id}, but it was made.")
    return row
