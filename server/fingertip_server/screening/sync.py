"""Takes over batches of a list, each in a handful of statements.

Of an entry nothing is kept but blind indexes of what it is recognised by.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from fingertip.screening.v1.screening_hit_pb2 import Effect
from fingertip.screening.v1.screening_service_pb2 import ScreeningEntry
from fingertip_server.protection import Protection
from fingertip_server.screening import rules
from fingertip_server.screening.tables import ScreeningKey

_LOCK_LIST = text(
    "INSERT INTO screening_list AS s (list_code, position) VALUES (:list_code, '')"
    " ON CONFLICT (list_code) DO UPDATE SET position = s.position RETURNING position"
)
_MOVE_LIST = text("UPDATE screening_list SET position = :position WHERE list_code = :list_code")
_STORE = text("""
INSERT INTO screening_entry AS e (list_code, entry_number, version, is_deleted, effect)
SELECT :list_code, * FROM unnest(CAST(:numbers AS text[]), CAST(:versions AS bigint[]),
    CAST(:deleted AS boolean[]), CAST(:effects AS text[]))
ON CONFLICT (list_code, entry_number) DO UPDATE
SET version = excluded.version, is_deleted = excluded.is_deleted, effect = excluded.effect
WHERE e.version < excluded.version
RETURNING e.entry_number
""")
_FORGET_KEYS = text(
    "DELETE FROM screening_key WHERE list_code = :list_code"
    " AND entry_number = ANY(CAST(:changed AS text[]))"
)
_STORE_KEYS = text("""
INSERT INTO screening_key (list_code, entry_number, means, blind)
SELECT :list_code, k.entry_number, k.means, k.blind
FROM unnest(CAST(:owners AS text[]), CAST(:means AS text[]), CAST(:blinds AS bytea[]))
    AS k (entry_number, means, blind)
WHERE k.entry_number = ANY(CAST(:changed AS text[]))
""")


@dataclass(slots=True)
class BlindBatch:
    """The entries of a batch in columns, with what each is recognised by."""

    numbers: list[str] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    deleted: list[bool] = field(default_factory=list)
    effects: list[str | None] = field(default_factory=list)
    # The keys of all of them, each with its owner.
    owners: list[str] = field(default_factory=list)
    means: list[str] = field(default_factory=list)
    blinds: list[bytes] = field(default_factory=list)


def blind(protection: Protection, entries: Sequence[ScreeningEntry]) -> BlindBatch:
    """Makes entries recognisable without saying who they are; takes time."""
    batch = BlindBatch()
    for entry in entries:
        batch.numbers.append(entry.entry_number)
        batch.versions.append(entry.version)
        batch.deleted.append(entry.deleted)
        if entry.deleted:
            batch.effects.append(None)
            continue
        batch.effects.append(Effect.Name(entry.effect).removeprefix("EFFECT_"))
        for means, key in rules.keys_of_entry(entry):
            batch.owners.append(entry.entry_number)
            batch.means.append(means)
            batch.blinds.append(protection.blind(ScreeningKey.blind, key))
    return batch


def lock_list(connection: Connection, list_code: str) -> str:
    """Locks a list until the commit and returns its position, empty for a new one."""
    position: str = connection.execute(_LOCK_LIST, {"list_code": list_code}).scalar_one()
    return position


def move_list(connection: Connection, list_code: str, position: str) -> None:
    """Remembers how far a list was taken over."""
    connection.execute(_MOVE_LIST, {"list_code": list_code, "position": position})


def store(connection: Connection, list_code: str, batch: BlindBatch) -> int:
    """Stores a batch and returns how many entries it changed."""
    entries = {
        "list_code": list_code,
        "numbers": batch.numbers,
        "versions": batch.versions,
        "deleted": batch.deleted,
        "effects": batch.effects,
    }
    changed = connection.execute(_STORE, entries).scalars().all()
    if changed:
        keys = {"owners": batch.owners, "means": batch.means, "blinds": batch.blinds}
        of_changed = {"list_code": list_code, "changed": changed}
        connection.execute(_FORGET_KEYS, of_changed)
        connection.execute(_STORE_KEYS, of_changed | keys)
    return len(changed)
