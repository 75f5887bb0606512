"""Restrictive measures against customers: what holds, imposed, lifted."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select

from fingertip.customer.v1.restriction_pb2 import CustomerChanged, Restriction
from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.customer.tables import CustomerRestriction
from fingertip_server.packs.schema_policies import Policies
from fingertip_server.protection import Protection
from fingertip_server.rpc import fields
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.drafts import Audience

LISTED_MAX = 100
AUDIENCE = Audience(permission="customer.view")


class Measure(StrEnum):
    """What a restriction does, called as the contract calls it."""

    UNSPECIFIED = "UNSPECIFIED"
    REFUSE = "REFUSE"
    ENHANCE = "ENHANCE"


def row_of(customer_id: UUID, code: str) -> str:
    """Names a restriction's row, for its seal."""
    return f"{customer_id}/{code}"


def live(call: Call, customer_ids: Sequence[UUID]) -> Sequence[CustomerRestriction]:
    """Returns what holds against any of the customers, oldest first."""
    statement = (
        select(CustomerRestriction)
        .where(
            CustomerRestriction.customer_id.in_(customer_ids),
            CustomerRestriction.lift_time.is_(None),
        )
        .order_by(CustomerRestriction.impose_time, CustomerRestriction.restriction_id)
        .limit(LISTED_MAX)
    )
    # Whoever asks may be in the middle of changing something else.
    with call.session.no_autoflush:
        return call.session.scalars(statement).all()


def strictest(rows: Iterable[CustomerRestriction], policies: Policies) -> Measure | None:
    """Returns the measure that counts; where the restriction names none the policy decides."""
    refuses = policies.flag("accounts.restriction_refuses")
    by_policy = Measure.REFUSE if refuses else Measure.ENHANCE
    measures = {
        by_policy if row.measure == Measure.UNSPECIFIED else Measure(row.measure) for row in rows
    }
    if Measure.REFUSE in measures:
        return Measure.REFUSE
    return Measure.ENHANCE if measures else None


def impose(
    call: Call, customer_id: UUID, code: str, measure: str, reason: str, appeal_route: str
) -> CustomerRestriction:
    """Imposes a restriction of the caller's. Raises RESTRICTION_STATE where one holds already."""
    row = CustomerRestriction(
        customer_id=customer_id,
        code=code,
        measure=measure,
        reason=call.protection.seal(CustomerRestriction.reason, row_of(customer_id, code), reason),
        appeal_route=appeal_route,
        is_banks_own=False,
        imposed_by=call.principal.id,
        impose_time=call.now,
        lifted_by="",
    )
    call.session.add(row)
    call.flush()
    return row


def lift(call: Call, restriction_id: UUID) -> CustomerRestriction:
    """Lifts a restriction that staff imposed. Raises RESTRICTION_NOT_FOUND or RESTRICTION_STATE."""
    row = call.session.scalars(
        select(CustomerRestriction)
        .where(CustomerRestriction.restriction_id == restriction_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise errors.NotFound(
            ErrorReason.ERROR_REASON_RESTRICTION_NOT_FOUND, "There is no such restriction."
        )
    if row.lift_time is not None:
        raise wrong_state("LIFTED")
    if row.is_banks_own:
        raise wrong_state("BANKS_OWN")
    row.lift_time = call.now
    row.lifted_by = call.principal.id
    call.flush()
    return row


def announce(call: Call, customer_id: UUID) -> None:
    """Tells the caller's branch that a customer's restrictions have changed."""
    rows = CustomerRestriction
    count = func.count() + func.count(rows.lift_time)
    version = call.session.scalars(select(count).where(rows.customer_id == customer_id)).one()
    news = CustomerChanged(
        customer_id=str(customer_id), kind=CustomerChanged.KIND_RESTRICTIONS, version=version
    )
    call.publish(news, AUDIENCE)


def message(row: CustomerRestriction, protection: Protection) -> Restriction:
    """Returns a restriction with its reason."""
    return Restriction(
        restriction_id=str(row.restriction_id),
        customer_id=str(row.customer_id),
        restriction_code=row.code,
        measure=Restriction.Measure.Value(f"MEASURE_{row.measure}"),
        reason=protection.open(
            CustomerRestriction.reason, row_of(row.customer_id, row.code), row.reason
        ),
        appeal_route=row.appeal_route,
        banks_own=row.is_banks_own,
        imposed_by=row.imposed_by,
        impose_time=fields.instant(row.impose_time),
        lift_time=fields.instant(row.lift_time),
    )


def wrong_state(state: str = "IMPOSED") -> errors.InvalidState:
    """Returns the refusal of what the restriction's state does not allow."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_RESTRICTION_STATE,
        "The restriction's state does not allow this.",
        state=state,
    )
