"""Reads and proves chains of the journal."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, tuple_

from fingertip_server.audit.tables import AuditEntry
from fingertip_server.rpc.entry import DIGESTS, Entry
from fingertip_server.rpc.tables import TopicHead

_ENTRY = AuditEntry.__table__
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_JOURNEY_STEPS_MAX = 1_000

EntryRow = Row[Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a verification found. `broken_position` is 0 when everything fits."""

    verified_count: int
    broken_position: int
    sentence: str
    next_position: int


def has_chain(connection: Connection, chain: str) -> bool:
    """Says whether there is such a chain."""
    head = select(TopicHead.topic).where(TopicHead.topic == chain)
    return connection.execute(head).one_or_none() is not None


def newest(
    connection: Connection, chain: str, *, before: int | None, journey_id: UUID | None, limit: int
) -> Sequence[EntryRow]:
    """Returns entries of a chain, newest first, below a position where one is given."""
    statement = select(_ENTRY).where(_ENTRY.c.chain == chain)
    if before is not None:
        statement = statement.where(_ENTRY.c.position < before)
    if journey_id is not None:
        statement = statement.where(_ENTRY.c.journey_id == journey_id)
    return connection.execute(statement.order_by(_ENTRY.c.position.desc()).limit(limit)).all()


def journey(connection: Connection, journey_id: UUID) -> Sequence[EntryRow]:
    """Returns the entries of a journey over all chains, oldest first, at most 1,000."""
    order = tuple_(_ENTRY.c.time, _ENTRY.c.chain, _ENTRY.c.position)
    statement = select(_ENTRY).where(_ENTRY.c.journey_id == journey_id).order_by(order)
    return connection.execute(statement.limit(_JOURNEY_STEPS_MAX)).all()


def verify(connection: Connection, chain: str, first_position: int, count: int) -> Finding:
    """Computes links anew from `first_position` on, for at most `count` entries.

    Where the chain ends within them, the end is compared with the topic's head, so that a cut
    tail is found as long as the head is true. What is appended meanwhile is left to the next time.
    """
    head = connection.execute(
        select(TopicHead.chain_position, TopicHead.chain_link).where(TopicHead.topic == chain)
    ).one()
    if first_position > head.chain_position:
        return Finding(0, 0, "", 0)
    previous = b"" if first_position == 1 else _link(connection, chain, first_position - 1)
    if previous is None:
        return Finding(0, first_position - 1, "The entry is missing.", 0)
    rows = connection.execute(
        select(_ENTRY)
        .where(
            _ENTRY.c.chain == chain,
            _ENTRY.c.position.between(first_position, head.chain_position),
        )
        .order_by(_ENTRY.c.position)
        .limit(count)
    ).all()
    expected = first_position
    for row in rows:
        if row.position != expected:
            return Finding(expected - first_position, expected, "The entry is missing.", 0)
        if sentence := _fault(row, previous):
            return Finding(expected - first_position, expected, sentence, 0)
        previous = row.link
        expected += 1
    if len(rows) == count and expected <= head.chain_position:
        return Finding(len(rows), 0, "", expected)
    if head.chain_position != expected - 1:
        return Finding(len(rows), expected, "The chain's head says that there is more.", 0)
    if head.chain_link != previous:
        return Finding(len(rows), expected - 1, "The chain's head has another link.", 0)
    return Finding(len(rows), 0, "", 0)


def _link(connection: Connection, chain: str, position: int) -> bytes | None:
    found: bytes | None = connection.execute(
        select(_ENTRY.c.link).where(_ENTRY.c.chain == chain, _ENTRY.c.position == position)
    ).scalar_one_or_none()
    return found


def _fault(row: EntryRow, previous: bytes) -> str:
    if row.suite not in DIGESTS:
        return "The entry names an unknown suite."
    if _entry(row).digest(row.suite) != row.digest:
        return "The entry was changed: its digest does not fit."
    microseconds = (row.time - _EPOCH) // timedelta(microseconds=1)
    linked = (
        previous
        + row.position.to_bytes(8, "big", signed=True)
        + microseconds.to_bytes(8, "big", signed=True)
        + row.digest
    )
    # The link is always SHA-256: the database computes it, and knows no other.
    if hashlib.sha256(linked).digest() != row.link:
        return "The link does not fit the entry before it."
    return ""


def _entry(row: EntryRow) -> Entry:
    return Entry(
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        device_id=row.device_id,
        action=row.action,
        outcome=row.outcome,
        reason=row.reason,
        object_kind=row.object_kind,
        object_id=row.object_id,
        object_state=row.object_state,
        journey_id=row.journey_id,
        purpose=row.purpose,
        commitment=row.commitment,
        second_person_id=row.second_person_id,
        second_person_name=row.second_person_name,
    )
