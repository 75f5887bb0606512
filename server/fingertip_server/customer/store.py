"""The statements on customers and their sections, built once."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from fingertip_server.customer.tables import (
    Customer,
    CustomerIdentifier,
    CustomerSection,
    CustomerSectionAsker,
)
from fingertip_server.customer.values import (
    Asked,
    CustomerFacts,
    Identifier,
    SectionPlan,
    StoredSection,
)
from fingertip_server.db.hot import Hot
from fingertip_server.protection import Sealed

FOUND_MAX = 10

# In the order of CustomerFacts' fields.
_FACTS = select(
    Customer.customer_id,
    Customer.customer_number,
    Customer.name,
    Customer.resident_id,
    Customer.mobile,
    Customer.address,
    Customer.tier_code,
    Customer.home_branch_id,
    Customer.relationship_manager_id,
).where(~Customer.is_deleted)
_BY_ID = _FACTS.where(Customer.customer_id == bindparam("the_customer_id"))
_BY_IDENTIFIER = (
    _FACTS.join(CustomerIdentifier, CustomerIdentifier.customer_id == Customer.customer_id)
    .where(
        CustomerIdentifier.kind == bindparam("the_kind"),
        CustomerIdentifier.blind == bindparam("the_blind"),
    )
    .order_by(Customer.customer_number)
    .limit(FOUND_MAX)
)
# Held against a deletion, so that nothing personal is stored after it.
_HOLD = (
    select(Customer.customer_id)
    .where(Customer.customer_id == bindparam("the_customer_id"), ~Customer.is_deleted)
    .with_for_update(read=True)
)
_SECTIONS = text(
    "SELECT kind, version, as_of, content FROM customer_section"
    " WHERE customer_id = :customer_id AND version > 0"
).columns(content=CustomerSection.content.type)

# Asks for what is past its time to live, unless this topic waits for it already. The section's row
# is locked until the asker is committed: the answer, which locks it too, then finds every asker.
_ASK = Hot("""
WITH clock AS MATERIALIZED (
    SELECT fingertip_now() AS now
), due AS MATERIALIZED (
    SELECT plan.kind, clock.now, clock.now - plan.ttl AS stale_since, c.customer_number
    FROM clock
    JOIN customer AS c ON c.customer_id = CAST(:customer_id AS uuid) AND NOT c.is_deleted
    CROSS JOIN unnest(CAST(:kinds AS text[]), CAST(:ttls AS interval[])) AS plan (kind, ttl)
    LEFT JOIN customer_section AS s
        ON s.customer_id = CAST(:customer_id AS uuid) AND s.kind = plan.kind
    LEFT JOIN customer_section_asker AS a
        ON a.customer_id = CAST(:customer_id AS uuid) AND a.kind = plan.kind
        AND a.topic = CAST(:topic AS text)
        AND a.asked_at > clock.now - CAST(:patience AS interval)
    WHERE (s.as_of IS NULL OR s.as_of <= clock.now - plan.ttl) AND a.kind IS NULL
), locked AS (
    INSERT INTO customer_section AS s (customer_id, kind)
    SELECT CAST(:customer_id AS uuid), kind FROM due ORDER BY kind
    ON CONFLICT (customer_id, kind) DO UPDATE SET version = s.version
    WHERE s.as_of IS NULL
        OR s.as_of <= (SELECT stale_since FROM due WHERE due.kind = excluded.kind)
    RETURNING kind
), asker AS (
    INSERT INTO customer_section_asker AS a (customer_id, kind, topic, asked_at)
    SELECT CAST(:customer_id AS uuid), locked.kind, CAST(:topic AS text), clock.now
    FROM locked, clock
    ON CONFLICT (customer_id, kind, topic) DO UPDATE SET asked_at = excluded.asked_at
)
SELECT kind, customer_number, now FROM locked JOIN due USING (kind)
""")

_KEEP_SECTION = (
    insert(CustomerSection)
    .values(
        customer_id=bindparam("the_customer_id"),
        kind=bindparam("the_kind"),
        version=1,
        as_of=func.fingertip_now(),
        content=bindparam("the_content"),
    )
    .on_conflict_do_update(
        index_elements=["customer_id", "kind"],
        set_={
            "version": CustomerSection.version + 1,
            "as_of": func.fingertip_now(),
            "content": bindparam("the_content"),
        },
    )
    .returning(CustomerSection.version)
)
_LOCK_SECTION = (
    select(CustomerSection.version)
    .where(
        CustomerSection.customer_id == bindparam("the_customer_id"),
        CustomerSection.kind == bindparam("the_kind"),
    )
    .with_for_update(key_share=True)
)
_TAKE_ASKERS = (
    delete(CustomerSectionAsker)
    .where(
        CustomerSectionAsker.customer_id == bindparam("the_customer_id"),
        CustomerSectionAsker.kind == bindparam("the_kind"),
    )
    .returning(CustomerSectionAsker.topic)
)


def customer(connection: Connection, customer_id: UUID) -> CustomerFacts | None:
    """Returns a customer who is not deleted."""
    row = connection.execute(_BY_ID, {"the_customer_id": customer_id}).one_or_none()
    return CustomerFacts(*row) if row else None


def customers(connection: Connection, identifier: Identifier) -> list[CustomerFacts]:
    """Returns the customers found by an identifier, at most `FOUND_MAX`."""
    wanted = {"the_kind": identifier.kind.value, "the_blind": identifier.blind}
    return [CustomerFacts(*row) for row in connection.execute(_BY_IDENTIFIER, wanted)]


def sections(connection: Connection, customer_id: UUID) -> dict[str, StoredSection]:
    """Returns what was received of a customer's view, by kind."""
    rows = connection.execute(_SECTIONS, {"customer_id": customer_id})
    return {row.kind: StoredSection(*row) for row in rows}


def ask(
    connection: Connection,
    customer_id: UUID,
    topic: str,
    plans: Sequence[SectionPlan],
    patience: timedelta,
) -> list[Asked]:
    """Returns what the bank is to be asked for, and notes who waits for it."""
    asked = _ASK.all(
        connection,
        {
            "customer_id": customer_id,
            "topic": topic,
            "kinds": [plan.kind for plan in plans],
            "ttls": [plan.ttl for plan in plans],
            "patience": patience,
        },
    )
    return [Asked(*row) for row in asked]


def hold_customer(connection: Connection, customer_id: UUID) -> bool:
    """Keeps a customer from being deleted until the commit; False when he is deleted already."""
    return connection.execute(_HOLD, {"the_customer_id": customer_id}).first() is not None


def keep_section(connection: Connection, customer_id: UUID, kind: str, content: Sealed) -> int:
    """Stores what the bank gave, and returns its version."""
    section = {"the_customer_id": customer_id, "the_kind": kind, "the_content": content}
    return connection.execute(_KEEP_SECTION, section).scalar_one()


def lock_section(connection: Connection, customer_id: UUID, kind: str) -> int:
    """Locks a section that was asked for, and returns its version; 0 when it is gone."""
    section = {"the_customer_id": customer_id, "the_kind": kind}
    return connection.execute(_LOCK_SECTION, section).scalar_one_or_none() or 0


def take_askers(connection: Connection, customer_id: UUID, kind: str) -> set[str]:
    """Returns the topics that wait for a section, and forgets them."""
    section = {"the_customer_id": customer_id, "the_kind": kind}
    return set(connection.execute(_TAKE_ASKERS, section).scalars())
