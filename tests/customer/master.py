"""A customer master to synchronise from: the people of the demo bank, who do not exist."""

from collections.abc import Sequence
from functools import cache
from uuid import UUID

from fingertip.customer.v1.customer_service_pb2 import (
    CustomerRecord,
    LookUpCustomerRequest,
    SyncCustomersRequest,
    SyncCustomersResponse,
)
from fingertip_client.request_ids import new_request_id
from fingertip_server.packs import synthetic
from tests.world import World, read_demo


@cache
def people(count: int = 40) -> tuple[CustomerRecord, ...]:
    """Returns the first customers of the master; the very first is Ms Wang of the story."""
    made = synthetic.customers(synthetic.population_of(read_demo()), count)
    return tuple(
        CustomerRecord(
            customer_number=person.customer_number,
            version=1,
            name=person.name,
            resident_id=person.resident_id,
            mobile=person.mobile,
            address=person.address,
            card_numbers=person.card_numbers,
            tier_code=person.tier_code,
            home_branch_id=person.home_branch_id,
            relationship_manager_id=person.relationship_manager_id,
        )
        for person in made
    )


def wang() -> CustomerRecord:
    """Returns Ms Wang: of the highest tier, a customer of 100106 in branch 0101."""
    return changed(people()[0])


def ordinary() -> CustomerRecord:
    """Returns somebody with a card in whom no lobby takes interest."""
    return changed(next(p for p in people() if p.tier_code == "standard" and p.card_numbers))


def changed(record: CustomerRecord, **values: object) -> CustomerRecord:
    """Returns a copy of a record with other values."""
    copy = CustomerRecord()
    copy.CopyFrom(record)
    for name, value in values.items():
        if isinstance(value, list):
            del getattr(copy, name)[:]
            getattr(copy, name).extend(value)
        else:
            setattr(copy, name, value)
    return copy


def batch(
    records: Sequence[CustomerRecord],
    *,
    previous: str = "",
    position: str = "1",
    source: str = "crm",
) -> SyncCustomersRequest:
    """Returns a batch that was never sent before."""
    return SyncCustomersRequest(
        request_id=new_request_id(),
        source=source,
        previous_position=previous,
        position=position,
        records=records,
    )


async def sync(world: World, *records: CustomerRecord) -> SyncCustomersResponse:
    """Takes records over, whatever was taken over before."""
    answer: SyncCustomersResponse = await world.crm_adapter.customer.SyncCustomers(batch(records))
    return answer


async def customer_id(world: World, record: CustomerRecord) -> UUID:
    """Returns the id of a customer who was taken over."""
    found = await world.teller.customer.LookUpCustomer(
        LookUpCustomerRequest(resident_id=record.resident_id)
    )
    [customer] = found.customers
    return UUID(customer.customer_id)
