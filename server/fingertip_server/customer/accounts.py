"""How many accounts of a class a person has with the bank, whoever he is to it, and its limits.

A person is found by his document: several customers with the same number are one person. What the
master reports of them counts, and the slots of applications that are under way or of which the
master does not know yet. Whoever takes a slot holds the person's row until his commit, so that two
branches never count at the same time.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import text

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.customer import directory, messages
from fingertip_server.customer.tables import CustomerAccount
from fingertip_server.customer.values import IdentifierKind
from fingertip_server.packs.schema_policies import Policies
from fingertip_server.rpc.call import Call

LIMITS: Mapping[str, str] = MappingProxyType(
    {
        "class_one": "accounts.class_one_max",
        "class_two": "accounts.class_two_max",
        "class_three": "accounts.class_three_max",
    }
)

# In one order for all, so that two who want the same never wait for each other.
_HOLD = text(
    "INSERT INTO account_holder AS h (person)"
    " SELECT key FROM unnest(CAST(:keys AS bytea[])) AS k (key) ORDER BY key"
    " ON CONFLICT (person) DO UPDATE SET person = h.person"
)
# The customers of a person: those with his document, and the one who applies.
_CUSTOMERS = text(
    "SELECT customer_id FROM customer_identifier WHERE kind = 'resident_id' AND blind = :person"
    " UNION SELECT CAST(:customer_id AS uuid)"
)
# An account that was opened here and is reported too counts once.
_COUNT = text("""
WITH reported AS (
    SELECT DISTINCT blind, account_class FROM customer_account
    WHERE customer_id = ANY(CAST(:customers AS uuid[]))
), taken AS (
    SELECT s.account_class FROM account_slot AS s
    WHERE (s.person = :person OR s.application_id = ANY(CAST(:applications AS uuid[])))
        AND s.application_id <> CAST(:application_id AS uuid)
        AND NOT EXISTS (SELECT FROM reported AS r WHERE r.blind = s.blind)
)
SELECT account_class FROM reported UNION ALL SELECT account_class FROM taken
""")
_RELEASE = text("DELETE FROM account_slot WHERE application_id = :application_id")
_TAKE = text("""
INSERT INTO account_slot (application_id, person, account_class, number)
SELECT CAST(:application_id AS uuid), :person, CAST(:account_class AS text), min(free.number)
FROM generate_series(1, 1000) AS free (number)
WHERE NOT EXISTS (
    SELECT FROM account_slot AS s
    WHERE s.person = :person AND s.account_class = CAST(:account_class AS text)
        AND s.number = free.number)
""")
_SLOT = text(
    "SELECT account_class FROM account_slot"
    " WHERE application_id = :application_id AND person = :person"
)
_KEEP = text("UPDATE account_slot SET blind = :blind WHERE application_id = :application_id")
_FORGET_REPORTED = text(
    "DELETE FROM account_slot AS s WHERE s.application_id = :application_id"
    " AND EXISTS (SELECT FROM customer_account AS a WHERE a.blind = s.blind)"
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may be several customers of the bank.

    `keys` are all by which he takes places: of the customers that the master knows no number of,
    one application may be by an identity card and the next by a passport.
    """

    key: bytes
    customer_ids: tuple[UUID, ...]
    keys: tuple[bytes, ...]


def person(call: Call, customer_id: UUID, document_number: str) -> Person:
    """Returns who a customer is: by the master's document, else by the one given, else himself."""
    return call.once(
        ("person", customer_id, document_number),
        lambda: _person(call, customer_id, document_number),
    )


def _person(call: Call, customer_id: UUID, document_number: str) -> Person:
    facts = directory.by_id(call, customer_id)
    known = messages.customer(facts, call.protection).resident_id if facts is not None else ""
    number = known or document_number or _as_customer(customer_id)
    key = _key(call, number)
    rows = call.connection.execute(_CUSTOMERS, {"person": key, "customer_id": customer_id})
    customer_ids = tuple(sorted(rows.scalars()))
    as_customers = [_key(call, _as_customer(each)) for each in customer_ids]
    return Person(key, customer_ids, tuple(sorted({key, *as_customers})))


def hold(call: Call, who: Person) -> None:
    """Has whoever else takes a place for a person wait for this transaction's end."""
    call.flush()
    call.connection.execute(_HOLD, {"keys": list(who.keys)})


def others(
    call: Call, who: Person, application_id: UUID, applications: Collection[UUID]
) -> Counter[str]:
    """Counts a person's accounts by class, without the one that an application is for.

    `applications` are those of his customers, by whichever document their places were taken.
    """
    rows = call.connection.execute(
        _COUNT,
        {
            "person": who.key,
            "customers": list(who.customer_ids),
            "application_id": application_id,
            "applications": list(applications),
        },
    )
    return Counter(rows.scalars())


def is_full(counted: Counter[str], account_class: str, policies: Policies) -> bool:
    """Tells whether a person with so many accounts may not have one more of a class."""
    return counted[account_class] >= policies.count(LIMITS[account_class])


def take(
    call: Call,
    who: Person,
    application_id: UUID,
    account_class: str,
    applications: Collection[UUID],
) -> None:
    """Takes a slot for an application of a person who is held, or keeps the one that it has.

    Raises ACCOUNT_LIMIT. `applications` as in `others`, read since he is held.
    """
    counted = others(call, who, application_id, applications)
    if is_full(counted, account_class, call.bank.policies):
        raise full(account_class, call.bank.policies)
    former = taken(call, who, application_id)
    if former == account_class:
        return
    if former or application_id in applications:
        release(call, application_id)
    slot = {
        "application_id": application_id,
        "person": who.key,
        "account_class": account_class,
    }
    call.connection.execute(_TAKE, slot)


def taken(call: Call, who: Person, application_id: UUID) -> str:
    """Returns the class of the slot that an application has for a person; "" for none."""
    slot = {"application_id": application_id, "person": who.key}
    return call.connection.execute(_SLOT, slot).scalar_one_or_none() or ""


def release(call: Call, application_id: UUID) -> None:
    """Gives up the slot of an application of which nothing came, if it has one."""
    call.connection.execute(_RELEASE, {"application_id": application_id})


def keep(call: Call, application_id: UUID, account_number: str) -> None:
    """Says which account a slot became. It goes as soon as the master reports that account."""
    blind = call.protection.blind(CustomerAccount.blind, account_number)
    call.connection.execute(_KEEP, {"application_id": application_id, "blind": blind})
    call.connection.execute(_FORGET_REPORTED, {"application_id": application_id})


def _as_customer(customer_id: UUID) -> str:
    """Returns what somebody is found by whose document nobody knows."""
    return f"customer {customer_id}"


def _key(call: Call, number: str) -> bytes:
    return directory.identifier(call, IdentifierKind.RESIDENT_ID, number).blind


def full(account_class: str, policies: Policies) -> errors.InvalidState:
    """Returns the refusal for one account too many."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_ACCOUNT_LIMIT,
        "The person has as many accounts of this class as he may have.",
        account_class=account_class,
        limit=str(policies.count(LIMITS[account_class])),
    )
