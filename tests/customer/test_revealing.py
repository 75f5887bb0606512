"""Showing one field whole, for a reason."""

from uuid import uuid4

import pytest

from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip.customer.v1.customer_service_pb2 import RevealFieldRequest
from tests.customer.master import changed, customer_id, ordinary, sync, wang
from tests.world import World, refused


def _reveal(owner: object, field: RevealFieldRequest.Field.ValueType) -> RevealFieldRequest:
    return RevealFieldRequest(
        customer_id=str(owner),
        field=field,
        purpose="核对客户手机号",
        journey_id="5b0f2d4e-0d6a-4b6e-9b39-0d7a3e9c8f11",
    )


@pytest.mark.parametrize("name", ["name", "resident_id", "mobile", "address"])
async def test_a_field_is_shown_whole_and_the_journal_says_why(world: World, name: str) -> None:
    await sync(world, wang())
    owner = await customer_id(world, wang())
    request = _reveal(owner, RevealFieldRequest.Field.Value(f"FIELD_{name.upper()}"))
    revealed = await world.teller.customer.RevealField(request)
    assert revealed.value == getattr(wang(), name)
    listed = await world.auditor.audit.ListEntries(
        ListEntriesRequest(chain="0101", journey_id=request.journey_id)
    )
    [entry] = listed.entries
    assert entry.action == "customer.v1.CustomerService/RevealField"
    assert (entry.object_kind, entry.object_id) == (f"customer.{name}", str(owner))
    assert entry.purpose == "核对客户手机号"
    assert revealed.value not in str(entry)


async def test_what_the_bank_does_not_have_cannot_be_revealed(world: World) -> None:
    record = changed(ordinary(), mobile="")
    await sync(world, record)
    owner = await customer_id(world, record)
    with refused("FIELD_EMPTY") as refusal:
        await world.teller.customer.RevealField(_reveal(owner, RevealFieldRequest.FIELD_MOBILE))
    assert refusal.value.metadata == {"field": "mobile"}


async def test_nothing_is_revealed_of_nobody(world: World) -> None:
    with refused("CUSTOMER_NOT_FOUND"):
        await world.teller.customer.RevealField(_reveal(uuid4(), RevealFieldRequest.FIELD_NAME))


async def test_nothing_is_revealed_without_a_purpose(world: World) -> None:
    request = _reveal(uuid4(), RevealFieldRequest.FIELD_NAME)
    request.purpose = ""
    with refused("INVALID_REQUEST") as refusal:
        await world.teller.customer.RevealField(request)
    assert [violation.field for violation in refusal.value.violations] == ["purpose"]


@pytest.mark.parametrize("role", ["lobby_manager", "authoriser", "auditor", "crm_adapter"])
async def test_who_need_not_know_sees_masks_only(world: World, role: str) -> None:
    caller = getattr(world, role)
    with refused("PERMISSION_MISSING"):
        await caller.customer.RevealField(_reveal(uuid4(), RevealFieldRequest.FIELD_NAME))
