"""Rows of the feed, and who may see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import Connection, Row, text

from fingertip.events.v1.event_pb2 import Event
from fingertip_server.rpc.call import INVALIDATED
from fingertip_server.rpc.drafts import RESOURCE_FIELDS, Announced, Audience
from fingertip_server.rpc.principal import Principal

SECURITY = "security"

_READ = text("""
SELECT position, event_id, kind, payload, journey_id, traceparent, audience_permission,
       audience_skill, audience_staff, audience_on_shift, created_at
FROM feed_event
WHERE topic = :topic AND position > :after
ORDER BY position, ordinal
LIMIT :row_count
""")
_HEAD = text(
    "SELECT feed_position, feed_floor, fingertip_now() AS now FROM topic_head WHERE topic = :topic"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """An event with its audience."""

    event: Event
    audience: Audience
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Commit:
    """What one transaction appended to a topic."""

    position: int
    time: datetime
    seen: tuple[Seen, ...]
    # Subjects of the security topic.
    invalidated: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """Where a topic ends, and from where on it is kept."""

    position: int
    floor: int


def may_see(viewer: Principal, audience: Audience) -> bool:
    """Says whether an event with this audience is for the viewer."""
    if viewer.id in audience.staff:
        return True
    if audience.permission and audience.permission not in viewer.permissions:
        return False
    if audience.skill and audience.skill not in viewer.skills:
        return False
    if audience.on_shift and not viewer.on_shift:
        return False
    # Listed staff alone, with nothing else asked for, is an audience of just them.
    return not audience.staff or bool(audience.permission or audience.skill or audience.on_shift)


def head(connection: Connection, topic: str) -> tuple[Head, datetime]:
    """Returns where the topic ends, and the database's time."""
    row = connection.execute(_HEAD, {"topic": topic}).one()
    return Head(row.feed_position, row.feed_floor), row.now


def read(connection: Connection, topic: str, after: int, row_count: int) -> list[Commit]:
    """Returns the commits after a position, whole ones only, about `row_count` events of them."""
    rows = connection.execute(_READ, {"topic": topic, "after": after, "row_count": row_count}).all()
    commits: list[Commit] = []
    start = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or rows[end].position != rows[start].position:
            commits.append(_commit(rows[start:end]))
            start = end
    if len(rows) == row_count and len(commits) > 1:
        # The last one may be cut.
        commits.pop()
    return commits


def _commit(rows: Sequence[Row[Any]]) -> Commit:
    known = set(RESOURCE_FIELDS.values())
    return Commit(
        position=rows[0].position,
        time=rows[0].created_at,
        seen=tuple(_seen(row) for row in rows if row.kind in known),
        invalidated=tuple(row.payload.decode() for row in rows if row.kind == INVALIDATED),
    )


def _seen(row: Row[Any]) -> Seen:
    event = Event.FromString(row.payload)
    event.event_id = str(row.event_id)
    event.journey_id = str(row.journey_id) if isinstance(row.journey_id, UUID) else ""
    event.traceparent = row.traceparent
    event.time.FromDatetime(row.created_at)
    audience = Audience(
        row.audience_permission,
        row.audience_skill,
        tuple(row.audience_staff),
        row.audience_on_shift,
    )
    return Seen(event, audience, len(row.payload))


def snapshot_event(announced: Announced, time: Timestamp) -> Event:
    """Returns a resource of a snapshot as an event."""
    event = Event(time=time)
    getattr(event, RESOURCE_FIELDS[type(announced.resource)]).CopyFrom(announced.resource)
    return event
