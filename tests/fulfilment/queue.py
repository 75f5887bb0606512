"""Builders for the tests of the queue: who asks, what is asked, who works."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from google.type.date_pb2 import Date

from fingertip.customer.v1.customer_view_pb2 import (
    SECTION_KIND_PROFILE,
    Profile,
    SectionContent,
)
from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    CompleteWorkItemRequest,
    FailWorkItemRequest,
    LeaseWorkItemsRequest,
    ReportOutcomeUnknownRequest,
)
from fingertip.fulfilment.v1.work_item_pb2 import (
    ApplicationOrder,
    ExecutedApplication,
    LeasedWorkItem,
    ViewSectionOrder,
    WorkItem,
    WorkOrder,
    WorkResult,
)
from fingertip.identity.v1.device_pb2 import Device
from fingertip_client.caller import Caller
from fingertip_client.request_ids import new_request_id
from fingertip_server.app import App
from fingertip_server.fulfilment.hooks import Booked, Completion, Item, admits_all
from fingertip_server.identity import operator
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.drafts import WorkItemDraft
from fingertip_server.rpc.hooks import Hooks
from tests.conftest import Database
from tests.world import World

ACT = "test.act"
READ = "test.read"
SUBJECT = "application"
RESULTS = {READ: "section"}
BRANCH = "0101"
CONTENT = b"what was approved"
CONTENT_HASH = hashlib.sha256(CONTENT).digest()
ACCOUNT = "6299900000000000004"


@dataclass
class Owner:
    """Remembers what it was told, in the order of telling."""

    told: list[tuple[str, Item, object]] = field(default_factory=list)
    # The code with which it keeps back what is about to be executed.
    bar: str = ""
    # What it knows of what was booked, by operation.
    books: dict[UUID, Booked] = field(default_factory=dict)

    @property
    def words(self) -> list[str]:
        """Returns what it was told, without of whom."""
        return [word for word, _, _ in self.told]

    def hooked(self, hooks: Hooks, results: Mapping[str, str] = RESULTS) -> Hooks:
        """Returns hooks by which it owns all work with an effect, and these kinds without one."""
        execution = self._completion("executed_application")
        reversing = self._completion("executed_reversal")
        reads = {
            kind: replace(self._completion(expected), bar=admits_all)
            for kind, expected in results.items()
        }
        return replace(
            hooks,
            executions={**hooks.executions, SUBJECT: execution, "reversal": reversing},
            completions={**hooks.completions, **reads},
        )

    def _completion(self, expected_result: str) -> Completion:
        return Completion(
            expected_result=expected_result,
            done=lambda _, item, result: self.told.append(("done", item, result)),
            failed=lambda _, item, code: self.told.append(("failed", item, code)),
            unknown=lambda _, item: self.told.append(("unknown", item, None)),
            parked=lambda _, item: self.told.append(("parked", item, None)),
            bar=lambda _, __: self.bar,
            booked=lambda _, item: self.books.get(item.operation_id),
        )


@dataclass
class Queue:
    """Fills the queue through the pipeline, and looks into its table."""

    server: App
    database: Database

    async def ask(self, *drafts: WorkItemDraft, journey_id: UUID | None = None) -> None:
        """Enqueues, in one call of the branch."""

        def work(call: Call) -> None:
            call.home = BRANCH
            call.journey_id = journey_id
            for draft in drafts:
                call.enqueue(draft)

        await self.server.pipeline.due("test/ask", work)

    async def read_deadline(self, seconds: float) -> Any:  # noqa: ANN401 - as the driver has it.
        """Returns the database's time in so many seconds."""
        [row] = await self.database.as_owner("SELECT fingertip_now() AS now")
        return row["now"] + timedelta(seconds=seconds)

    async def has_calls(self, count: int) -> None:
        """Waits until the server is at work on that many calls."""

        async def has() -> bool:
            return self.server.frame.calls == count

        await until(has)

    async def has_state(self, state: str, *drafts: WorkItemDraft) -> None:
        """Waits until all these items are in a state."""

        async def has() -> bool:
            rows = [await self.row(draft.operation_id) for draft in drafts]
            return {row["state"] for row in rows} == {state}

        await until(has)

    async def journal(self, method: str) -> list[asyncpg.Record]:
        """Returns the entries of a method or timer, oldest first."""
        return await self.database.as_owner(
            "SELECT * FROM audit_entry WHERE action LIKE '%' || $1 ORDER BY time", method
        )

    async def row(self, operation_id: UUID) -> asyncpg.Record:
        """Returns an item's row."""
        [row] = await self.database.as_owner(
            "SELECT * FROM work_item WHERE operation_id = $1", operation_id
        )
        return row


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Waits for something that nothing announces."""
    async with asyncio.timeout(seconds):
        # What is waited for happens in other processes.
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def act(operation_id: UUID | None = None, branch_id: str = BRANCH) -> WorkItemDraft:
    """Returns work with an effect."""
    return WorkItemDraft(
        kind=ACT,
        subject_kind=SUBJECT,
        subject_id=str(uuid4()),
        order=WorkOrder(application=ApplicationOrder(content=CONTENT, content_hash=CONTENT_HASH)),
        branch_id=branch_id,
        operation_id=operation_id or uuid4(),
        has_effect=True,
    )


def read(**changed: Any) -> WorkItemDraft:  # noqa: ANN401 - the draft's fields.
    """Returns work without an effect."""
    order = WorkOrder(
        view_section=ViewSectionOrder(customer_number="C1", kind=SECTION_KIND_PROFILE)
    )
    fields: dict[str, Any] = {
        "kind": READ,
        "subject_kind": "customer",
        "subject_id": str(uuid4()),
        "order": order,
        "branch_id": BRANCH,
        "operation_id": uuid4(),
    }
    return WorkItemDraft(**(fields | changed))


async def enrol(server: App, world: World, name: str, kinds: Sequence[str] = (ACT, READ)) -> Caller:
    """Returns an adapter for these kinds of work."""
    codes: list[str] = []

    def invite(call: Call) -> None:
        invitation = operator.create_enrolment_code(
            call,
            kind=Device.KIND_ADAPTER,
            branch_id="0000",
            display_name=f"适配器 {name}",
            work_kinds=kinds,
        )
        codes.append(invitation.code)

    await server.pipeline.due("operator/enrolment_code", invite)
    async with Caller(world.targets) as caller:
        credential = (await caller.enrol(codes[-1])).credential
    world.credentials.devices[name] = credential
    return world.caller(name)


async def lease(
    adapter: Caller, *kinds: str, items_max: int = 10, wait_s: int = 0
) -> list[LeasedWorkItem]:
    """Leases what there is."""
    request = LeaseWorkItemsRequest(kinds=kinds, max_items=items_max)
    request.wait.FromSeconds(wait_s)
    return list((await adapter.fulfilment.LeaseWorkItems(request, timeout=30)).items)


async def lease_one(adapter: Caller) -> LeasedWorkItem:
    """Leases the only item."""
    [leased] = await lease(adapter)
    return leased


def opened(leased: LeasedWorkItem) -> CompleteWorkItemRequest:
    """Returns the report that an account was opened."""
    account = ExecutedApplication(
        account_number=ACCOUNT, core_reference="CORE-1", content_hash=CONTENT_HASH
    )
    return completed(leased, WorkResult(executed_application=account))


def profile(leased: LeasedWorkItem) -> CompleteWorkItemRequest:
    """Returns the report of a customer's profile."""
    since = Date(year=2010, month=5, day=1)
    content = SectionContent(profile=Profile(occupation="教师", customer_since=since))
    return completed(leased, WorkResult(section=content))


def completed(leased: LeasedWorkItem, result: WorkResult) -> CompleteWorkItemRequest:
    """Returns a report that the item is done."""
    return CompleteWorkItemRequest(
        request_id=new_request_id(),
        work_item_id=leased.work_item.work_item_id,
        fence=leased.fence,
        result=result,
    )


def failed(
    leased: LeasedWorkItem,
    failure: FailWorkItemRequest.Failure.ValueType = FailWorkItemRequest.FAILURE_RETRYABLE,
    code: str = "BUSY",
) -> FailWorkItemRequest:
    """Returns a report that the bank did not act."""
    return FailWorkItemRequest(
        request_id=new_request_id(),
        work_item_id=leased.work_item.work_item_id,
        fence=leased.fence,
        failure=failure,
        failure_code=code,
    )


def never_seen(leased: LeasedWorkItem) -> FailWorkItemRequest:
    """Returns a report that the bank has never seen the operation."""
    return failed(leased, FailWorkItemRequest.FAILURE_NEVER_SEEN, "NEVER_SEEN")


def unknown(leased: LeasedWorkItem, code: str = "TIMEOUT") -> ReportOutcomeUnknownRequest:
    """Returns a report that the bank may have acted."""
    return ReportOutcomeUnknownRequest(
        request_id=new_request_id(),
        work_item_id=leased.work_item.work_item_id,
        fence=leased.fence,
        failure_code=code,
    )


def is_inquiry(leased: LeasedWorkItem) -> bool:
    """Tells whether the adapter is to find out, and not to act."""
    return leased.work_item.purpose == WorkItem.PURPOSE_INQUIRE
