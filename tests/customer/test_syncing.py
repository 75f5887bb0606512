"""Taking the bank's customer master over, batch by batch."""

import asyncio

import pytest

from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip.customer.v1.customer_service_pb2 import (
    CustomerRecord,
    GetCustomerViewRequest,
    LookUpCustomerRequest,
)
from tests.conftest import Database
from tests.customer.bank import answer_views
from tests.customer.master import batch, changed, customer_id, ordinary, people, sync, wang
from tests.world import World, refused


async def test_batches_follow_each_other(world: World) -> None:
    adapter = world.crm_adapter.customer
    one = await adapter.SyncCustomers(batch(people()[:20], position="20"))
    assert (one.position, one.changed_count, one.unchanged_count) == ("20", 20, 0)
    two = await adapter.SyncCustomers(batch(people()[20:], previous="20", position="40"))
    assert (two.position, two.changed_count, two.unchanged_count) == ("40", 20, 0)


async def test_the_same_batch_again_gets_the_same_answer(world: World, database: Database) -> None:
    request = batch(people())
    adapter = world.crm_adapter.customer
    answers = await asyncio.gather(*(adapter.SyncCustomers(request) for _ in range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0].changed_count == len(people())
    [row] = await database.as_application("SELECT count(*), max(version) FROM customer")
    assert tuple(row) == (len(people()), 1)


async def test_another_batch_under_the_same_id_is_refused(world: World) -> None:
    request = batch(people()[:1])
    await world.crm_adapter.customer.SyncCustomers(request)
    request.position = "2"
    with refused("REQUEST_ID_REUSED"):
        await world.crm_adapter.customer.SyncCustomers(request)


async def test_a_batch_out_of_place_changes_nothing_and_is_told_where_to_go_on(
    world: World, database: Database
) -> None:
    adapter = world.crm_adapter.customer
    await adapter.SyncCustomers(batch(people()[:1], position="1"))
    with refused("SYNC_POSITION_MISMATCH") as refusal:
        await adapter.SyncCustomers(batch(people()[1:], previous="2", position="3"))
    assert refusal.value.metadata == {"position": "1"}
    [row] = await database.as_application("SELECT count(*) FROM customer")
    assert row["count"] == 1


async def test_each_source_has_a_place_of_its_own(world: World) -> None:
    adapter = world.crm_adapter.customer
    await adapter.SyncCustomers(batch(people()[:1], position="1"))
    await adapter.SyncCustomers(batch(people()[1:2], position="x", source="core"))
    await adapter.SyncCustomers(batch(people()[2:3], previous="1", position="2"))
    await adapter.SyncCustomers(batch(people()[3:4], previous="x", position="y", source="core"))


async def test_starting_anew_changes_nothing_that_is_known(world: World) -> None:
    await sync(world, *people())
    newer = changed(people()[5], version=2, tier_code="gold")
    again = await sync(world, *people()[:5], newer, *people()[6:])
    assert (again.changed_count, again.unchanged_count) == (1, len(people()) - 1)


async def test_an_older_record_changes_nothing(world: World) -> None:
    await sync(world, changed(wang(), version=3))
    for version in (3, 2):
        answer = await sync(world, changed(wang(), version=version, name="王小明"))
        assert (answer.changed_count, answer.unchanged_count) == (0, 1)
    found = await world.teller.customer.LookUpCustomer(
        LookUpCustomerRequest(resident_id=wang().resident_id)
    )
    assert [customer.name for customer in found.customers] == ["王**"]


async def test_a_newer_record_replaces_what_the_customer_is_found_by(world: World) -> None:
    await sync(world, wang())
    moved = changed(wang(), version=2, card_numbers=["6225881414207430"], mobile="13812345678")
    await sync(world, moved)
    look_up = world.teller.customer.LookUpCustomer
    for gone in (
        LookUpCustomerRequest(card_number=wang().card_numbers[0]),
        LookUpCustomerRequest(mobile=wang().mobile),
    ):
        assert not (await look_up(gone)).customers
    for there in (
        LookUpCustomerRequest(card_number="6225881414207430"),
        LookUpCustomerRequest(mobile="13812345678"),
        LookUpCustomerRequest(resident_id=wang().resident_id),
    ):
        assert len((await look_up(there)).customers) == 1


async def test_of_a_customer_twice_in_a_batch_the_newest_counts(world: World) -> None:
    older, newer = changed(wang(), tier_code="gold"), changed(wang(), version=2)
    answer = await sync(world, newer, older)
    assert (answer.changed_count, answer.unchanged_count) == (1, 1)
    found = await world.teller.customer.LookUpCustomer(
        LookUpCustomerRequest(resident_id=wang().resident_id)
    )
    assert [customer.tier_code for customer in found.customers] == ["private"]


async def test_of_a_customer_who_left_nothing_personal_stays(
    world: World, database: Database
) -> None:
    await sync(world, wang(), ordinary())
    owner = await customer_id(world, wang())
    view = GetCustomerViewRequest(customer_id=str(owner))
    await asyncio.gather(world.teller.customer.GetCustomerView(view), answer_views(world))
    farewell = CustomerRecord(
        customer_number=wang().customer_number, version=2, deleted=True, name="王若兰"
    )
    answer = await sync(world, farewell)
    assert answer.changed_count == 1

    [row] = await database.as_application(
        "SELECT * FROM customer WHERE customer_number = $1", wang().customer_number
    )
    assert row["is_deleted"]
    personal = ("name", "resident_id", "mobile", "address")
    assert [row[column] for column in personal] == [None] * 4
    for table in ("customer_identifier", "customer_section", "customer_section_asker"):
        [left] = await database.as_application(
            f"SELECT count(*) FROM {table} WHERE customer_id = $1",  # noqa: S608 - named above
            owner,
        )
        assert left["count"] == 0, table
    found = await world.teller.customer.LookUpCustomer(
        LookUpCustomerRequest(card_number=wang().card_numbers[0])
    )
    assert not found.customers
    with refused("CUSTOMER_NOT_FOUND"):
        await world.teller.customer.GetCustomerView(view)


async def test_a_customer_who_comes_back_is_found_again(world: World) -> None:
    await sync(world, wang())
    gone = CustomerRecord(customer_number=wang().customer_number, version=2, deleted=True)
    await sync(world, gone)
    assert (await sync(world, wang())).changed_count == 0
    assert (await sync(world, changed(wang(), version=3))).changed_count == 1
    await customer_id(world, wang())


async def test_nothing_personal_is_stored_to_be_read(world: World, database: Database) -> None:
    await sync(world, wang())
    [row] = await database.as_application("SELECT * FROM customer")
    [answer] = await database.as_application(
        "SELECT answer FROM idempotency WHERE method LIKE '%SyncCustomers'"
    )
    stored = b"".join(v if isinstance(v, bytes) else str(v).encode() for v in [*row, *answer])
    for value in (wang().name, wang().resident_id, wang().mobile, wang().address):
        assert value.encode() not in stored


async def test_a_batch_is_journalled(world: World) -> None:
    await sync(world, wang())
    listed = await world.auditor.audit.ListEntries(ListEntriesRequest(chain="0000"))
    [entry] = [e for e in listed.entries if e.action.endswith("/SyncCustomers")]
    assert (entry.object_kind, entry.object_id) == ("sync_source", "crm")


@pytest.mark.parametrize("role", ["teller", "ticket_machine", "security_admin"])
async def test_only_an_adapter_brings_customers(world: World, role: str) -> None:
    caller = getattr(world, role)
    with refused("PERMISSION_MISSING"):
        await caller.customer.SyncCustomers(batch([wang()]))


async def test_a_batch_has_a_limit(world: World) -> None:
    with refused("INVALID_REQUEST") as refusal:
        await world.crm_adapter.customer.SyncCustomers(batch([wang()] * 501))
    assert [violation.field for violation in refusal.value.violations] == ["records"]
