"""The last statement of every transaction: answer, work, audit entry and events, in one.

Its parts feed each other, which fixes the order of locks: the idempotency key, the work items by
their keys, then the heads by topic. A position taken under a head's lock is visible only in the
order of commits, because the lock is held until then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID, uuid4

from sqlalchemy import Column, Connection

from fingertip_server.db.base import Base
from fingertip_server.db.hot import Hot
from fingertip_server.protection.types import Sealed
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.drafts import Announcement
from fingertip_server.rpc.entry import SUITE, Entry

_APPEND = Hot("""
WITH stored AS (
    INSERT INTO idempotency (scope, method, request_id, request_hash, answer)
    SELECT CAST(:scope AS text), CAST(:method AS text), CAST(:request_id AS uuid),
           CAST(:request_hash AS bytea), CAST(:answer AS bytea)
    WHERE CAST(:request_id AS uuid) IS NOT NULL
    RETURNING 1
), item AS (
    INSERT INTO work_item (work_item_id, kind, operation_id, has_effect, subject_kind, subject_id,
        branch_id, deadline_at, dedupe_key, order_sealed, journey_id, traceparent)
    SELECT draft.*, CAST(:journey_id AS uuid), CAST(:traceparent AS text)
    FROM (SELECT count(*) FROM stored) AS first,
         unnest(CAST(:item_ids AS uuid[]), CAST(:item_kinds AS text[]),
            CAST(:item_operations AS uuid[]), CAST(:item_effects AS boolean[]),
            CAST(:item_subject_kinds AS text[]), CAST(:item_subjects AS text[]),
            CAST(:item_branches AS text[]), CAST(:item_deadlines AS timestamptz[]),
            CAST(:item_keys AS text[]), CAST(:item_orders AS bytea[])) AS draft
    ON CONFLICT (kind, dedupe_key) WHERE dedupe_key <> '' AND state IN ('READY', 'LEASED')
    DO NOTHING
    RETURNING 1
), head AS (
    SELECT h.topic, h.feed_position, h.chain_position, h.chain_link
    FROM (SELECT count(*) FROM stored) AS first, (SELECT count(*) FROM item) AS second,
         topic_head AS h
    WHERE h.topic = ANY(CAST(:topics AS text[]))
    ORDER BY h.topic
    FOR NO KEY UPDATE OF h
), stamp AS (
    SELECT fingertip_now() AS now, locked.head_count
    FROM (SELECT count(*) AS head_count FROM head) AS locked
), link AS (
    SELECT head.topic, head.chain_position + 1 AS position, stamp.now,
           sha256(head.chain_link || int8send(head.chain_position + 1)
               || int8send((extract(epoch FROM stamp.now) * 1000000)::bigint)
               || CAST(:digest AS bytea)) AS link
    FROM head, stamp
    WHERE head.topic = CAST(:chain AS text)
), entry AS (
    INSERT INTO audit_entry (chain, position, time, actor_kind, actor_id, actor_name, device_id,
        action, outcome, reason, object_kind, object_id, object_state, journey_id, purpose,
        commitment, second_person_id, second_person_name, suite, digest, link)
    SELECT link.topic, link.position, link.now, CAST(:actor_kind AS text),
        CAST(:actor_id AS text), CAST(:actor_name AS text), CAST(:device_id AS text),
        CAST(:action AS text), CAST(:outcome AS text), CAST(:reason AS text),
        CAST(:object_kind AS text), CAST(:object_id AS text), CAST(:object_state AS text),
        CAST(:journey_id AS uuid), CAST(:purpose AS text), CAST(:commitment AS bytea),
        CAST(:second_person_id AS text), CAST(:second_person_name AS text),
        CAST(:suite AS text), CAST(:digest AS bytea), link.link
    FROM link
), fed AS (
    INSERT INTO feed_event (topic, position, ordinal, event_id, kind, payload, journey_id,
        traceparent, audience_permission, audience_skill, audience_staff, audience_on_shift,
        created_at)
    SELECT head.topic, head.feed_position + 1, e.ordinal, e.event_id, e.kind, e.payload,
        CAST(:journey_id AS uuid), CAST(:traceparent AS text), e.permission, e.skill,
        string_to_array(e.staff, ','), e.on_shift, stamp.now
    FROM stamp, unnest(CAST(:event_topics AS text[]), CAST(:event_ids AS uuid[]),
        CAST(:event_kinds AS text[]), CAST(:event_payloads AS bytea[]),
        CAST(:event_permissions AS text[]), CAST(:event_skills AS text[]),
        CAST(:event_staff AS text[]), CAST(:event_shifts AS boolean[]))
        WITH ORDINALITY AS e (topic, event_id, kind, payload, permission, skill, staff, on_shift,
            ordinal)
    JOIN head USING (topic)
), moved AS (
    UPDATE topic_head AS h
    SET feed_position = head.feed_position + (head.topic = ANY(CAST(:event_topics AS text[])))::int,
        chain_position = coalesce(link.position, head.chain_position),
        chain_link = coalesce(link.link, head.chain_link)
    FROM head LEFT JOIN link USING (topic)
    WHERE h.topic = head.topic
)
SELECT head_count FROM stamp
""")


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer to be kept under the caller's request_id. `answer` is sealed."""

    scope: str
    method: str
    request_id: UUID
    request_hash: bytes
    answer: bytes


def append(
    connection: Connection,
    call: Call,
    *,
    entry: Entry | None,
    stored: StoredAnswer | None,
    traceparent: str,
) -> None:
    """Appends all that a call said. Raises what the database raises on a repeated request_id."""
    events = call.said.announcements
    chain = call.home if entry else None
    topics = sorted({event.topic for event in events} | ({chain} if chain else set()))
    if not topics and not stored and not call.said.items:
        return
    appended = _APPEND.first(
        connection,
        {
            **_stored_parameters(stored),
            **_entry_parameters(entry),
            **_item_parameters(call),
            **_event_parameters(events),
            "chain": chain,
            "topics": topics,
            "journey_id": call.journey_id,
            "traceparent": traceparent,
        },
    )
    if appended is None or appended.head_count != len(topics):
        raise LookupError(f"{call.method}: a topic of {topics} has no head")


def _stored_parameters(stored: StoredAnswer | None) -> dict[str, object]:
    return {
        "scope": stored.scope if stored else None,
        "method": stored.method if stored else None,
        "request_id": stored.request_id if stored else None,
        "request_hash": stored.request_hash if stored else None,
        "answer": stored.answer if stored else None,
    }


def _entry_parameters(entry: Entry | None) -> dict[str, object]:
    names = ("actor_kind", "actor_id", "actor_name", "device_id", "action", "outcome", "reason")
    more = ("object_kind", "object_id", "object_state", "purpose", "commitment")
    last = ("second_person_id", "second_person_name")
    parameters: dict[str, object] = {n: getattr(entry, n, None) for n in names + more + last}
    return parameters | {"suite": SUITE, "digest": entry.digest() if entry else None}


def _item_parameters(call: Call) -> dict[str, object]:
    # Sorted, so that two calls that draft the same items lock their keys in the same order.
    items = sorted(call.said.items, key=lambda item: (item.kind, item.dedupe_key))
    ids = [uuid4() for _ in items]
    return {
        "item_ids": ids,
        "item_kinds": [item.kind for item in items],
        "item_operations": [item.operation_id for item in items],
        "item_effects": [item.has_effect for item in items],
        "item_subject_kinds": [item.subject_kind for item in items],
        "item_subjects": [item.subject_id for item in items],
        "item_branches": [item.branch_id for item in items],
        "item_deadlines": [item.deadline for item in items],
        "item_keys": [item.dedupe_key for item in items],
        "item_orders": [
            call.protection.seal(_order_column(), key, item.order.SerializeToString())
            for key, item in zip(ids, items, strict=True)
        ],
    }


@cache
def _order_column() -> Column[Sealed]:
    # By name: the queue's table belongs to a domain, and the frame imports none.
    return Base.metadata.tables["work_item"].c.order_sealed


def _event_parameters(events: Sequence[Announcement]) -> dict[str, object]:
    return {
        "event_topics": [event.topic for event in events],
        "event_ids": [uuid4() for _ in events],
        "event_kinds": [event.kind for event in events],
        "event_payloads": [event.payload for event in events],
        "event_permissions": [event.audience.permission for event in events],
        "event_skills": [event.audience.skill for event in events],
        "event_staff": [",".join(event.audience.staff) for event in events],
        "event_shifts": [event.audience.on_shift for event in events],
    }
