"""A bank that answers what it is asked, by the adapters' own calls."""

import asyncio
from collections.abc import Iterable, Sequence

from google.protobuf.duration_pb2 import Duration
from google.type.money_pb2 import Money

from fingertip.customer.v1.customer_view_pb2 import (
    Holdings,
    Intentions,
    Preferences,
    Profile,
    SectionContent,
    SectionKind,
    Transactions,
)
from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    CompleteWorkItemRequest,
    FailWorkItemRequest,
    LeaseWorkItemsRequest,
)
from fingertip.fulfilment.v1.work_item_pb2 import LeasedWorkItem, ResolvedCustomer, WorkResult
from fingertip_client.caller import Caller
from fingertip_client.request_ids import new_request_id
from tests.world import World

ACCOUNT = "6225881414207430"
SECTION_COUNT = 5

_CONTENTS = {
    "PROFILE": SectionContent(profile=Profile(occupation="教师", risk_level="C3")),
    "HOLDINGS": SectionContent(
        holdings=Holdings(
            holdings=[
                Holdings.Holding(
                    product_name="活期存款",
                    account_number=ACCOUNT,
                    balance=Money(currency_code="CNY", units=1200),
                )
            ]
        )
    ),
    "TRANSACTIONS": SectionContent(transactions=Transactions()),
    "PREFERENCES": SectionContent(preferences=Preferences(preferences=["稳健"])),
    "INTENTIONS": SectionContent(intentions=Intentions(intentions=["留学金融"])),
}


async def lease(caller: Caller, *kinds: str, seconds: int = 0) -> Sequence[LeasedWorkItem]:
    """Leases what is ready, waiting so long for the first."""
    request = LeaseWorkItemsRequest(kinds=kinds, max_items=50, wait=Duration(seconds=seconds))
    leased = await caller.fulfilment.LeaseWorkItems(request)
    items: Sequence[LeasedWorkItem] = leased.items
    return items


async def lease_views(world: World, *, seconds: int = 0) -> Sequence[tuple[Caller, LeasedWorkItem]]:
    """Leases the sections asked for, of both adapters."""
    adapters = [(world.crm_adapter, "crm.view"), (world.core_adapter, "core.view")]
    leased = await asyncio.gather(*(lease(a, kind, seconds=seconds) for a, kind in adapters))
    return [
        (adapter, item)
        for (adapter, _), items in zip(adapters, leased, strict=True)
        for item in items
    ]


async def complete(leased: Iterable[tuple[Caller, LeasedWorkItem]]) -> None:
    """Gives what was asked for, one after the other."""
    for adapter, item in leased:
        await adapter.fulfilment.CompleteWorkItem(report(item))


def report(leased: LeasedWorkItem) -> CompleteWorkItemRequest:
    """Returns the report of the section that was asked for."""
    kind = SectionKind.Name(leased.order.view_section.kind).removeprefix("SECTION_KIND_")
    return CompleteWorkItemRequest(
        request_id=new_request_id(),
        work_item_id=leased.work_item.work_item_id,
        fence=leased.fence,
        result=WorkResult(section=_CONTENTS[kind]),
    )


async def resolve(adapter: Caller, item: LeasedWorkItem, customer_number: str) -> None:
    """Says who belongs to a card or document; an empty number is nobody."""
    result = WorkResult(resolved_customer=ResolvedCustomer(customer_number=customer_number))
    await adapter.fulfilment.CompleteWorkItem(
        CompleteWorkItemRequest(
            request_id=new_request_id(),
            work_item_id=item.work_item.work_item_id,
            fence=item.fence,
            result=result,
        )
    )


async def fail(leased: Iterable[tuple[Caller, LeasedWorkItem]]) -> None:
    """Refuses what was asked for, for good."""
    for adapter, item in leased:
        await adapter.fulfilment.FailWorkItem(
            FailWorkItemRequest(
                request_id=new_request_id(),
                work_item_id=item.work_item.work_item_id,
                fence=item.fence,
                failure=FailWorkItemRequest.FAILURE_PERMANENT,
                failure_code="CRM_4711",
            )
        )


async def answer_views(world: World, count: int = SECTION_COUNT) -> None:
    """Answers until so many sections were given."""
    given = 0
    while given < count:
        leased = await lease_views(world, seconds=5 if not given else 0)
        await complete(leased)
        given += len(leased)
