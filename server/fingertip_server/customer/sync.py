"""Takes over batches of the bank's customer master, each in a handful of statements.

What a batch costs depends on its own size alone: every statement finds its rows by primary keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection, text

from fingertip.customer.v1.customer_service_pb2 import CustomerRecord
from fingertip.customer.v1.restriction_pb2 import Restriction
from fingertip_server.customer import restrictions, rules
from fingertip_server.customer.tables import (
    Customer,
    CustomerAccount,
    CustomerIdentifier,
    CustomerRestriction,
)
from fingertip_server.customer.values import IdentifierKind
from fingertip_server.packs.bank import Bank
from fingertip_server.protection import Protection, Sealed

_LOCK_SOURCE = text(
    "INSERT INTO sync_source AS s (source, position) VALUES (:source, '')"
    " ON CONFLICT (source) DO UPDATE SET position = s.position RETURNING position"
)
_MOVE_SOURCE = text("UPDATE sync_source SET position = :position WHERE source = :source")
_VERSIONS = text(
    "SELECT customer_id, version FROM customer WHERE customer_id = ANY(CAST(:ids AS uuid[]))"
)
_STORE = text("""
INSERT INTO customer AS c (customer_id, customer_number, version, is_deleted, name, resident_id,
    mobile, address, tier_code, home_branch_id, relationship_manager_id)
SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:numbers AS text[]), CAST(:versions AS bigint[]),
    CAST(:deleted AS boolean[]), CAST(:names AS bytea[]), CAST(:resident_ids AS bytea[]),
    CAST(:mobiles AS bytea[]), CAST(:addresses AS bytea[]), CAST(:tiers AS text[]),
    CAST(:branches AS text[]), CAST(:managers AS text[]))
ON CONFLICT (customer_id) DO UPDATE
SET version = excluded.version, is_deleted = excluded.is_deleted, name = excluded.name,
    resident_id = excluded.resident_id, mobile = excluded.mobile, address = excluded.address,
    tier_code = excluded.tier_code, home_branch_id = excluded.home_branch_id,
    relationship_manager_id = excluded.relationship_manager_id
WHERE c.version < excluded.version
RETURNING c.customer_id
""")
# Only what differs is written: most changes of a customer leave his cards and phone alone. What he
# was found by is looked up customer by customer, each by the index: while a master is loaded for
# the first time, the planner knows no better than to read all of the table for every batch.
_IDENTIFY = text("""
WITH changed AS (
    SELECT unnest(CAST(:changed AS uuid[])) AS customer_id
), wanted AS (
    SELECT w.kind, w.blind, w.customer_id
    FROM unnest(CAST(:kinds AS text[]), CAST(:blinds AS bytea[]), CAST(:owners AS uuid[]))
        AS w (kind, blind, customer_id)
    JOIN changed USING (customer_id)
), gone AS (
    DELETE FROM customer_identifier WHERE ctid = ANY(ARRAY(
        SELECT i.ctid
        FROM changed CROSS JOIN LATERAL (
            SELECT ctid, kind, blind, customer_id FROM customer_identifier
            WHERE customer_id = changed.customer_id OFFSET 0
        ) AS i
        WHERE NOT EXISTS (
            SELECT FROM wanted AS w
            WHERE w.kind = i.kind AND w.blind = i.blind AND w.customer_id = i.customer_id)
    ))
)
INSERT INTO customer_identifier (kind, blind, customer_id)
SELECT kind, blind, customer_id FROM wanted ON CONFLICT DO NOTHING
""")
_ACCOUNTS = text("""
WITH changed AS (
    SELECT unnest(CAST(:changed AS uuid[])) AS customer_id
), wanted AS (
    SELECT w.customer_id, w.blind, w.account_class
    FROM unnest(CAST(:account_owners AS uuid[]), CAST(:account_blinds AS bytea[]),
        CAST(:account_classes AS text[])) AS w (customer_id, blind, account_class)
    JOIN changed USING (customer_id)
), gone AS (
    DELETE FROM customer_account WHERE ctid = ANY(ARRAY(
        SELECT a.ctid
        FROM changed CROSS JOIN LATERAL (
            SELECT ctid, customer_id, blind FROM customer_account
            WHERE customer_id = changed.customer_id OFFSET 0
        ) AS a
        WHERE NOT EXISTS (
            SELECT FROM wanted AS w WHERE w.customer_id = a.customer_id AND w.blind = a.blind)
    ))
    RETURNING blind
), known AS (
    -- What the master has once spoken of counts by its word alone, also when it is closed.
    DELETE FROM account_slot
    WHERE blind = ANY(ARRAY(SELECT blind FROM wanted UNION SELECT blind FROM gone))
)
INSERT INTO customer_account AS a (customer_id, blind, account_class)
SELECT customer_id, blind, account_class FROM wanted ORDER BY customer_id, blind
ON CONFLICT (customer_id, blind) DO UPDATE SET account_class = excluded.account_class
WHERE a.account_class <> excluded.account_class
""")
_RESTRICTIONS = text("""
WITH changed AS (
    SELECT unnest(CAST(:changed AS uuid[])) AS customer_id
), wanted AS (
    SELECT w.* FROM unnest(CAST(:restricted AS uuid[]), CAST(:codes AS text[]),
        CAST(:measures AS text[]), CAST(:reasons AS bytea[]), CAST(:appeals AS text[]))
        AS w (customer_id, code, measure, reason, appeal_route)
    JOIN changed USING (customer_id)
), lifted AS (
    UPDATE customer_restriction SET lift_time = fingertip_now() WHERE ctid = ANY(ARRAY(
        SELECT r.ctid
        FROM changed CROSS JOIN LATERAL (
            SELECT ctid, customer_id, code FROM customer_restriction
            WHERE customer_id = changed.customer_id AND is_banks_own AND lift_time IS NULL
            OFFSET 0
        ) AS r
        WHERE NOT EXISTS (
            SELECT FROM wanted AS w WHERE w.customer_id = r.customer_id AND w.code = r.code)
    ))
)
INSERT INTO customer_restriction AS r
    (customer_id, code, measure, reason, appeal_route, is_banks_own)
SELECT customer_id, code, measure, reason, appeal_route, true FROM wanted
ORDER BY customer_id, code
ON CONFLICT (customer_id, code, is_banks_own) WHERE lift_time IS NULL DO UPDATE
SET measure = excluded.measure, reason = excluded.reason, appeal_route = excluded.appeal_route
""")
_ERASE_VIEWS = text("""
WITH askers AS (
    DELETE FROM customer_section_asker WHERE customer_id = ANY(CAST(:deleted AS uuid[]))
), restrictions AS (
    DELETE FROM customer_restriction WHERE customer_id = ANY(CAST(:deleted AS uuid[]))
)
DELETE FROM customer_section WHERE customer_id = ANY(CAST(:deleted AS uuid[]))
""")


@dataclass(slots=True)
class SealedBatch:
    """The records of a batch that are new to us, in columns, with all that is personal sealed."""

    ids: list[UUID] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    deleted: list[bool] = field(default_factory=list)
    names: list[Sealed | None] = field(default_factory=list)
    resident_ids: list[Sealed | None] = field(default_factory=list)
    mobiles: list[Sealed | None] = field(default_factory=list)
    addresses: list[Sealed | None] = field(default_factory=list)
    tiers: list[str] = field(default_factory=list)
    branches: list[str] = field(default_factory=list)
    managers: list[str] = field(default_factory=list)
    # The identifiers of all of them, each with its owner.
    kinds: list[str] = field(default_factory=list)
    blinds: list[bytes] = field(default_factory=list)
    owners: list[UUID] = field(default_factory=list)
    # Their accounts, each with its owner.
    account_owners: list[UUID] = field(default_factory=list)
    account_blinds: list[bytes] = field(default_factory=list)
    account_classes: list[str] = field(default_factory=list)
    # The restrictions that the bank's own systems hold against them.
    restricted: list[UUID] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    measures: list[str] = field(default_factory=list)
    reasons: list[Sealed] = field(default_factory=list)
    appeals: list[str] = field(default_factory=list)


def lock_source(connection: Connection, source: str) -> str:
    """Locks a source until the commit and returns its position, empty for a new one."""
    position: str = connection.execute(_LOCK_SOURCE, {"source": source}).scalar_one()
    return position


def move_source(connection: Connection, source: str, position: str) -> None:
    """Remembers how far a source was taken over."""
    connection.execute(_MOVE_SOURCE, {"source": source, "position": position})


def known_versions(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, int]:
    """Returns which version we have of each customer."""
    rows = connection.execute(_VERSIONS, {"ids": ids})
    return {row.customer_id: row.version for row in rows}


def seal(protection: Protection, bank: Bank, records: Sequence[CustomerRecord]) -> SealedBatch:
    """Seals records, which takes time: to be done outside of the event loop."""
    batch = SealedBatch()
    for record in records:
        customer_id = bank.customer_id(record.customer_number)
        batch.ids.append(customer_id)
        batch.numbers.append(record.customer_number)
        batch.versions.append(record.version)
        batch.deleted.append(record.deleted)
        # Of a customer who is gone nothing is kept, whatever the record says.
        kept = CustomerRecord() if record.deleted else record
        _seal_person(protection, batch, customer_id, kept)
        _find_by(protection, batch, customer_id, kept)
        _limit_by(protection, batch, customer_id, kept)
    return batch


def store(connection: Connection, batch: SealedBatch) -> int:
    """Stores a batch and returns how many customers it changed."""
    changed = set(connection.execute(_STORE, _customer_columns(batch)).scalars())
    if not changed:
        return 0
    identifiers = {"kinds": batch.kinds, "blinds": batch.blinds, "owners": batch.owners}
    connection.execute(_IDENTIFY, identifiers | {"changed": list(changed)})
    connection.execute(_ACCOUNTS, _account_columns(batch) | {"changed": list(changed)})
    connection.execute(_RESTRICTIONS, _restriction_columns(batch) | {"changed": list(changed)})
    deleted = changed & {key for key, gone in zip(batch.ids, batch.deleted, strict=True) if gone}
    if deleted:
        connection.execute(_ERASE_VIEWS, {"deleted": list(deleted)})
    return len(changed)


def _seal_person(
    protection: Protection, batch: SealedBatch, customer_id: UUID, record: CustomerRecord
) -> None:
    for values, column, value in (
        (batch.names, Customer.name, record.name),
        (batch.resident_ids, Customer.resident_id, record.resident_id),
        (batch.mobiles, Customer.mobile, record.mobile),
        (batch.addresses, Customer.address, record.address),
    ):
        values.append(protection.seal(column, customer_id, value) if value else None)
    batch.tiers.append(record.tier_code)
    batch.branches.append(record.home_branch_id)
    batch.managers.append(record.relationship_manager_id)


def _find_by(
    protection: Protection, batch: SealedBatch, customer_id: UUID, record: CustomerRecord
) -> None:
    for kind, value in (
        *((IdentifierKind.CARD, number) for number in record.card_numbers),
        (IdentifierKind.RESIDENT_ID, record.resident_id),
        (IdentifierKind.MOBILE, record.mobile),
    ):
        if value:
            key = rules.identifier_key(kind, value)
            batch.kinds.append(kind.value)
            batch.blinds.append(protection.blind(CustomerIdentifier.blind, key))
            batch.owners.append(customer_id)


def _limit_by(
    protection: Protection, batch: SealedBatch, customer_id: UUID, record: CustomerRecord
) -> None:
    """Adds what limits what the customer may apply for, each account and each code once."""
    accounts = {each.account_number: each.account_class for each in record.accounts}
    for number, account_class in accounts.items():
        batch.account_owners.append(customer_id)
        batch.account_blinds.append(protection.blind(CustomerAccount.blind, number))
        batch.account_classes.append(account_class)
    for code, held in {each.restriction_code: each for each in record.restrictions}.items():
        row = restrictions.row_of(customer_id, code)
        batch.restricted.append(customer_id)
        batch.codes.append(code)
        batch.measures.append(Restriction.Measure.Name(held.measure).removeprefix("MEASURE_"))
        batch.reasons.append(protection.seal(CustomerRestriction.reason, row, held.reason))
        batch.appeals.append(held.appeal_route)


def _account_columns(batch: SealedBatch) -> dict[str, object]:
    return {
        "account_owners": batch.account_owners,
        "account_blinds": batch.account_blinds,
        "account_classes": batch.account_classes,
    }


def _restriction_columns(batch: SealedBatch) -> dict[str, object]:
    return {
        "restricted": batch.restricted,
        "codes": batch.codes,
        "measures": batch.measures,
        "reasons": batch.reasons,
        "appeals": batch.appeals,
    }


def _customer_columns(batch: SealedBatch) -> dict[str, object]:
    return {
        "ids": batch.ids,
        "numbers": batch.numbers,
        "versions": batch.versions,
        "deleted": batch.deleted,
        "names": batch.names,
        "resident_ids": batch.resident_ids,
        "mobiles": batch.mobiles,
        "addresses": batch.addresses,
        "tiers": batch.tiers,
        "branches": batch.branches,
        "managers": batch.managers,
    }
