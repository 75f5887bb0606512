"""Pure decisions about customers."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum

from fingertip.customer.v1.customer_service_pb2 import CustomerRecord
from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.customer.values import IdentifierKind, SectionPlan
from fingertip_server.identifiers import phone, text
from fingertip_server.identifiers.faults import IdentifierFault
from fingertip_server.packs.schema_policies import Policies

# Every part of a view, in the order of the contract's SectionKind, with the kind of work that
# fills it.
SECTION_WORK = (
    ("PROFILE", "crm.view"),
    ("HOLDINGS", "core.view"),
    ("TRANSACTIONS", "core.view"),
    ("PREFERENCES", "crm.view"),
    ("INTENTIONS", "crm.view"),
)


class Freshness(StrEnum):
    """How far a part of a view can be trusted."""

    FRESH = "FRESH"
    STALE = "STALE"
    UNAVAILABLE = "UNAVAILABLE"


def section_plans(policies: Policies) -> tuple[SectionPlan, ...]:
    """Returns every part of a view with its time to live."""
    return tuple(
        SectionPlan(kind, work_kind, policies.duration(f"customer.{kind.lower()}_ttl"))
        for kind, work_kind in SECTION_WORK
    )


def freshness(as_of: datetime | None, now: datetime, ttl: timedelta) -> Freshness:
    """Tells how far a part can be trusted that the bank gave at `as_of`, None for never."""
    if as_of is None:
        return Freshness.UNAVAILABLE
    return Freshness.FRESH if now - as_of < ttl else Freshness.STALE


def identifier_key(kind: IdentifierKind, value: str) -> str:
    """Returns the one spelling under which a card, document or phone is found.

    A phone from elsewhere than mainland China is found by its digits as they are written.
    """
    key = text.to_compact(value).upper()
    if kind is IdentifierKind.MOBILE:
        with suppress(IdentifierFault):
            key = phone.normalise(value)
    return f"{kind}:{key}"


def check_follows(stored: str, previous: str) -> None:
    """Raises SYNC_POSITION_MISMATCH unless a batch follows the last one applied.

    An empty `previous` starts the source anew, whatever is stored.
    """
    if previous and previous != stored:
        raise errors.Conflict(
            ErrorReason.ERROR_REASON_SYNC_POSITION_MISMATCH,
            "The batch does not follow the last one applied.",
            position=stored,
        )


def newest_of_each(records: Iterable[CustomerRecord]) -> Sequence[CustomerRecord]:
    """Returns of each customer the record with the highest version, by customer number.

    The order is the same in every batch, so that two batches lock rows in the same order.
    """
    newest: dict[str, CustomerRecord] = {}
    for record in records:
        known = newest.get(record.customer_number)
        if known is None or record.version > known.version:
            newest[record.customer_number] = record
    return [newest[number] for number in sorted(newest)]
