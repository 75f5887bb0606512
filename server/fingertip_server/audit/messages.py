"""Audit rows as the contract shows them."""

from fingertip.audit.v1.audit_entry_pb2 import Actor, AuditEntry
from fingertip_server.audit.journal import EntryRow


def entry(row: EntryRow) -> AuditEntry:
    """Returns the entry of a row."""
    message = AuditEntry(
        chain=row.chain,
        position=row.position,
        actor=Actor(
            kind=_kind(row.actor_kind),
            actor_id=row.actor_id,
            display_name=row.actor_name,
            device_id=row.device_id,
        ),
        action=row.action,
        outcome=AuditEntry.Outcome.Value(f"OUTCOME_{row.outcome}"),
        reason=row.reason,
        object_kind=row.object_kind,
        object_id=row.object_id,
        object_state=row.object_state,
        journey_id=str(row.journey_id or ""),
        purpose=row.purpose,
        commitment=row.commitment,
        link=row.link,
    )
    message.time.FromDatetime(row.time)
    if row.second_person_id:
        message.second_person.kind = Actor.KIND_STAFF
        message.second_person.actor_id = row.second_person_id
        message.second_person.display_name = row.second_person_name
    return message


def _kind(kind: str) -> Actor.Kind.ValueType:
    return Actor.KIND_UNSPECIFIED if kind == "PUBLIC" else Actor.Kind.Value(f"KIND_{kind}")
