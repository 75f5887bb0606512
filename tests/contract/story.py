"""A bank's day with spoilt requests among the right ones: most of them get far before they fail."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import grpc
from google.protobuf.message import Message
from google.type.date_pb2 import Date

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import (
    GetReceiptRequest,
    ListApplicationsRequest,
    PrintReceiptRequest,
    WithdrawReversalRequest,
)
from fingertip.applications.v1.receipt_pb2 import Receipt
from fingertip.authorization.v1.authorization_service_pb2 import ListTasksRequest
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.customer.v1.customer_service_pb2 import (
    ImposeRestrictionRequest,
    LiftRestrictionRequest,
    ListConsentsRequest,
    ListRestrictionsRequest,
    WithdrawConsentRequest,
)
from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    ExplainDifferenceRequest,
    GetWorkItemRequest,
    GiveUpWorkItemRequest,
    ListDifferencesRequest,
    ListOperationsRequest,
    ReportOperationsRequest,
    RetryWorkItemRequest,
)
from fingertip.fulfilment.v1.operation_pb2 import BankOperation, OperationDifference
from fingertip.fulfilment.v1.work_item_pb2 import CreditReport, ExecutedApplication, WorkResult
from fingertip.identity.v1.identity_service_pb2 import RevokeDeviceRequest
from fingertip.lobby.v1.lobby_service_pb2 import Identification
from fingertip.screening.v1.screening_hit_pb2 import EFFECT_BLOCK
from fingertip.screening.v1.screening_service_pb2 import (
    CloseScreeningHitRequest,
    ListScreeningHitsRequest,
    ScreeningEntry,
    SyncScreeningListRequest,
)
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from tests.applications import paper, papers, undoing
from tests.authorization import counter, desk
from tests.conftest import Database
from tests.customer import bank
from tests.fulfilment import queue
from tests.identity import enrolling, lending
from tests.lobby import tickets
from tests.quality import file
from tests.vouchers import vault
from tests.vouchers.vault import span
from tests.world import Credentials, World

Spoil = Callable[[str, str, Message], Awaitable[Message | None]]
"""Has a caller send spoilt ones of a method's request, and returns an answer to one of them."""
Learn = Callable[[str, str, Message], None]
"""Is told what a caller was answered by a method."""

_OPEN_ACCOUNT = "core.open_account"


class SpoiltWorld(World):
    """The world, some of whose unary requests are sent spoilt before they are sent."""

    def __init__(
        self, targets: list[str], credentials: Credentials, spoil: Spoil, learn: Learn
    ) -> None:
        super().__init__(targets, credentials)
        self._spoil = spoil
        self._learn = learn
        self._wrapped: set[str] = set()

    def caller(self, name: str) -> Caller:
        """Returns a member of staff by number, or a machine by its name."""
        caller = super().caller(name)
        # What the register says of Ms Wang is remembered for a day: it says what is right.
        if name not in self._wrapped | {"police_adapter"}:
            self._wrapped.add(name)
            for stub in (
                caller.applications,
                caller.authorization,
                caller.customer,
                caller.fulfilment,
                caller.identity,
                caller.lobby,
                caller.quality,
                caller.screening,
                caller.vouchers,
            ):
                for method, call in list(vars(stub).items()):
                    setattr(stub, method, self._spoiling(name, method, call))
        return caller

    def _spoiling(
        self, name: str, method: str, call: "grpc.aio.UnaryUnaryMultiCallable[Message, Message]"
    ) -> Callable[..., Awaitable[Message]]:
        async def spoil_and_call(request: Message) -> Message:
            taken = await self._spoil(name, method, request)
            try:
                answer = await call(request)
            except Refused:
                if taken is None:
                    raise
                # A spoilt one was as good, and did what this one was to do.
                answer = taken
            self._learn(name, method, answer)
            return answer

        return spoil_and_call


async def live(world: World, spoilt: World, database: Database, day: int) -> None:
    """Lives through a day; what a spoilt request has spoilt is left for the next one."""
    await _welcome(database)
    with suppress(Refused):
        await _restrict(spoilt)
    with suppress(Refused):
        await _inquire(spoilt)
    with suppress(Refused):
        await _visit(spoilt, day)
    with suppress(Refused):
        submitted = await paper.submitted(spoilt.teller)
        await paper.verify(spoilt.teller, submitted.application_id)
    # Whatever became of that one, these are there to be decided about.
    await paper.submitted(world.teller)
    await paper.submitted(world.teller)
    for step in (partial(_decide, day=day), _supplement, _hand_up):
        await _give_back(database)
        with suppress(Refused):
            await step(spoilt)
    await _give_back(database)
    await _welcome(database)
    first, second, third = [await counter.submitted(world.teller) for _ in range(3)]
    with suppress(Refused):
        await _stand_by(spoilt, first, second, day)
    with suppress(Refused):
        await _supervise(spoilt)
    with suppress(Refused):
        await _judge(spoilt)
    with suppress(Refused):
        await _execute(spoilt)
    # Whatever a spoilt report did to that one, this is there to be undone.
    await counter.approve(world.teller, third)
    await _execute(world)
    with suppress(Refused):
        await _undo(spoilt)
    with suppress(Refused):
        await _operate(spoilt, database)
    with suppress(Refused):
        await _reconcile(spoilt, database)
    with suppress(Refused):
        await _screen(spoilt, database)
    with suppress(Refused):
        await _admit(spoilt)
    with suppress(Refused):
        await _count(spoilt, day)
    with suppress(Refused):
        await _lend(spoilt)


async def _welcome(database: Database) -> None:
    """Frees Ms Wang of what would keep her from one more account, whoever brought it upon her."""
    await database.as_owner("DELETE FROM account_slot")
    await database.as_owner("DELETE FROM customer_restriction")


async def _give_back(database: Database) -> None:
    """Queues again what a step that broke off left in somebody's hands: he could claim no other."""
    await database.as_owner(
        "UPDATE task SET state = 'QUEUED', holder = NULL, lease_until = NULL"
        " WHERE state = 'CLAIMED'"
    )


async def _visit(world: World, day: int) -> None:
    resident_id = paper.ANSWERS["resident_id"]
    block = await tickets.reserve(world.ticket_machine)
    printed = tickets.late(block, block.first_number, datetime.now(UTC))
    await world.ticket_machine.lobby.IssueTicket(printed)
    await tickets.issue(world.ticket_machine)
    await tickets.issue(world.ticket_machine, "B", Identification(resident_id=resident_id))
    await tickets.call_next(world.teller, str(10 + day))
    for adapter, kind in ((world.crm_adapter, "crm.view"), (world.core_adapter, "core.view")):
        await bank.complete([(adapter, leased) for leased in await bank.lease(adapter, kind)])


async def _restrict(world: World) -> None:
    """Has a customer restricted, who is not Ms Wang, and the restriction lifted again."""
    customer_id = paper.customer_id(1)
    imposed = await world.branch_manager.customer.ImposeRestriction(
        ImposeRestrictionRequest(
            request_id=paper.request_id(),
            customer_id=customer_id,
            restriction_code="ABNORMAL_OPENING",
            reason="短期内多次开户，用途不明",
            appeal_route="携带用途证明到网点申诉",
        )
    )
    await world.teller.customer.ListRestrictions(ListRestrictionsRequest(customer_id=customer_id))
    await world.branch_manager.customer.LiftRestriction(
        LiftRestrictionRequest(
            request_id=paper.request_id(),
            restriction_id=imposed.restriction.restriction_id,
            purpose="经核查用途真实",
        )
    )


async def _inquire(world: World) -> None:
    """Has a credit report queried for a loan, by a consent that is withdrawn afterwards."""
    draft = await papers.ask(world.teller, await paper.start(world.teller, form="consumer_loan"))
    for leased in await bank.lease(world.core_adapter, "credit.query_report"):
        report = CreditReport(report_reference="CR-1")
        await world.core_adapter.fulfilment.CompleteWorkItem(
            queue.completed(leased, WorkResult(credit_report=report))
        )
    listed = await world.teller.customer.ListConsents(
        ListConsentsRequest(customer_id=draft.customer_id)
    )
    await world.teller.customer.WithdrawConsent(
        WithdrawConsentRequest(
            request_id=paper.request_id(),
            consent_id=listed.consents[0].consent_id,
            purpose="客户撤回授权",
        )
    )


async def _decide(world: World, day: int) -> None:
    # Another one than the fuzzer's, who may hold a claim.
    authoriser = world.authoriser_who_is_a_customer
    if not day:
        await desk.start_shift(authoriser)
    task = await desk.claim(authoriser)
    await desk.look_at(authoriser, task)
    if day % 3 == 2:
        await authoriser.authorization.RejectTask(desk.rejection(task))
    elif day % 3 == 1:
        await desk.send_back(authoriser, task)
    else:
        await desk.approve(authoriser, task)


async def _supplement(world: World) -> None:
    """Has the authoriser ask for more evidence, and the teller supply it."""
    authoriser = world.authoriser_who_is_a_customer
    task = await desk.claim(authoriser)
    asked = await desk.question(authoriser, task, "请拍现场", picture="supplement")
    await desk.answer(world.teller, task, "好的")
    application = (await paper.get(world.teller, task.subject_id)).application
    application = await paper.attach(
        world.teller, application, "supplement", paper.IMAGES["id_back"]
    )
    task = await desk.supply(world.teller, application, asked.message_id, "请看")
    await desk.listen(authoriser, task)
    task = await desk.ask(authoriser, task, "id_back", "supplement")
    application = (await paper.get(world.teller, task.subject_id)).application
    for kind in ("id_back", "supplement"):
        application = await paper.attach(world.teller, application, kind, paper.IMAGES["id_back"])
    await desk.supply(world.teller, application)
    await desk.approve(authoriser, await desk.claim(authoriser))


async def _hand_up(world: World) -> None:
    """Has an authoriser leave a task to one of a higher level."""
    authoriser = world.authoriser_who_is_a_customer
    claimed = await desk.claim(authoriser)
    await authoriser.authorization.EscalateTask(desk.escalation(claimed))


async def _judge(world: World) -> None:
    """Has the error file answered and settled, and what was approved looked at again."""
    for entry in (await file.entries(world.teller))[:1]:
        await world.teller.quality.AnswerError(file.answer(entry))
        await world.centre_supervisor.quality.SettleError(file.settle(entry))
    for look in (await file.second_looks(world.authoriser))[:1]:
        await world.authoriser.quality.ReviewTask(file.review(look.task_id))


async def _supervise(world: World) -> None:
    """Has somebody go for a break, and a task given away."""
    resting = world.authoriser_who_is_a_customer
    await desk.start_break(resting)
    await desk.end_break(resting)
    listed = await world.centre_supervisor.authorization.ListTasks(
        ListTasksRequest(states=[Task.STATE_QUEUED])
    )
    for task in listed.tasks[:1]:
        await desk.reassign(world.centre_supervisor, task.task_id, "900101")
        await desk.reassign(world.centre_supervisor, task.task_id)


async def _execute(world: World) -> None:
    for leased in await bank.lease(world.core_adapter, _OPEN_ACCOUNT):
        account = ExecutedApplication(
            account_number=bank.ACCOUNT,
            core_reference="CORE-1",
            content_hash=leased.order.application.content_hash,
        )
        report = queue.completed(leased, WorkResult(executed_application=account))
        await world.core_adapter.fulfilment.CompleteWorkItem(report)


async def _undo(world: World) -> None:
    """Has what was executed printed and undone, asked for a second time after a change of mind."""
    listing = ListApplicationsRequest(states=[Application.STATE_EXECUTED])
    response = await world.teller.applications.ListApplications(listing)
    for executed in response.applications[:1]:
        kind = Receipt.KIND_EXECUTION
        await world.teller.applications.PrintReceipt(
            PrintReceiptRequest(
                request_id=paper.request_id(), application_id=executed.application_id, kind=kind
            )
        )
        await world.teller.applications.GetReceipt(
            GetReceiptRequest(application_id=executed.application_id, kind=kind)
        )
        asked = await world.teller.applications.RequestReversal(undoing.reversal_request(executed))
        withdrawn = await world.teller.applications.WithdrawReversal(
            WithdrawReversalRequest(
                request_id=paper.request_id(),
                reversal_id=asked.reversal.reversal_id,
                purpose="核实后无误",
            )
        )
        await undoing.request(world.teller, withdrawn.application)
        await undoing.reversals(world.teller, withdrawn.application)


async def _operate(world: World, database: Database) -> None:
    """Has items parked, which would take hours, and one tried again, another given up."""
    parked = await database.as_owner(
        "UPDATE work_item SET state = 'PARKED', holder = NULL, lease_until = NULL"
        " WHERE work_item_id = ANY (SELECT work_item_id FROM work_item"
        "   WHERE state IN ('READY', 'LEASED') ORDER BY created_at LIMIT 2)"
        " RETURNING work_item_id::text"
    )
    for row in parked[:1]:
        await world.operations.fulfilment.RetryWorkItem(
            RetryWorkItemRequest(
                request_id=paper.request_id(),
                work_item_id=row["work_item_id"],
                purpose="核心系统已恢复",
            )
        )
    for row in parked[1:]:
        for operator in (world.operations, world.second_operations):
            request = GetWorkItemRequest(work_item_id=row["work_item_id"])
            item = (await operator.fulfilment.GetWorkItem(request)).work_item
            await operator.fulfilment.GiveUpWorkItem(
                GiveUpWorkItemRequest(
                    request_id=paper.request_id(),
                    work_item_id=item.work_item_id,
                    etag=str(item.version),
                    purpose="核心确认未受理",
                )
            )


async def _reconcile(world: World, database: Database) -> None:
    """Has the bank's list of the day sent, with something on it that nobody asked for."""
    [row] = await database.as_owner(
        "SELECT (fingertip_now() AT TIME ZONE 'Asia/Shanghai')::date AS day"
    )
    day = Date(year=row["day"].year, month=row["day"].month, day=row["day"].day)
    foreign = BankOperation(
        operation_id=paper.request_id(),
        work_kind=_OPEN_ACCOUNT,
        core_reference="CORE-9",
        customer_number="DEMO000000001",
        content_hash=b"h" * 32,
    )
    foreign.book_time.GetCurrentTime()
    await world.core_adapter.fulfilment.ReportOperations(
        ReportOperationsRequest(
            request_id=paper.request_id(),
            source="core",
            business_day=day,
            list_id=paper.request_id(),
            operations=[foreign],
            is_last=True,
        )
    )
    await world.operations.fulfilment.ListOperations(
        ListOperationsRequest(source="core", business_day=day)
    )
    listing = ListDifferencesRequest(states=[OperationDifference.STATE_OPEN])
    response = await world.operations.fulfilment.ListDifferences(listing)
    for difference in response.differences[:1]:
        await world.operations.fulfilment.ExplainDifference(
            ExplainDifferenceRequest(
                request_id=paper.request_id(),
                difference_id=difference.difference_id,
                etag=str(difference.version),
                purpose="柜面系统补录，已核实",
            )
        )


async def _screen(world: World, database: Database) -> None:
    """Has a list brought, and a hit closed that nobody had to be listed for."""
    entry = ScreeningEntry(
        entry_number="E-1", version=1, effect=EFFECT_BLOCK, document_numbers=["110101190001010009"]
    )
    await world.crm_adapter.screening.SyncScreeningList(
        SyncScreeningListRequest(
            request_id=paper.request_id(), list_code="sanctions", position="1", entries=[entry]
        )
    )
    [row] = await database.as_owner(
        "WITH looked AS (INSERT INTO screening_record (screening_id, application_id, revision,"
        "   stage, positions, matches, effect) VALUES (gen_random_uuid(), gen_random_uuid(), 1,"
        '   \'SUBMISSION\', \'{}\', \'[["APPLICANT", "sanctions", "E-1", "DOCUMENT", "BLOCK"]]\','
        "   'BLOCK') RETURNING *)"
        " INSERT INTO screening_hit (screening_id, application_id, branch_id, stage)"
        " SELECT screening_id, application_id, '0101', stage FROM looked"
        " RETURNING screening_id::text"
    )
    await world.compliance.screening.ListScreeningHits(ListScreeningHitsRequest(page_size=1))
    await world.compliance.screening.CloseScreeningHit(
        CloseScreeningHitRequest(
            request_id=paper.request_id(),
            screening_hit_id=row["screening_id"],
            purpose="误报，已核实",
        )
    )


async def _admit(world: World) -> None:
    """Has a tablet enrolled, and revoked again."""
    code = (await enrolling.make_code(world)).enrolment_code
    # The calling device's own credential does not count here.
    enrolled = await enrolling.enrol(world.bare_tablet, code)
    await world.security_admin.identity.RevokeDevice(
        RevokeDeviceRequest(request_id=paper.request_id(), device_id=enrolled.device.device_id)
    )


async def _count(world: World, day: int) -> None:
    """Has vouchers come, go from hand to hand, be counted wrong, and found again."""
    first = 100 * day + 50_001
    keeper, teller = world.branch_manager.vouchers, world.second_teller.vouchers
    await keeper.ReceiveStock(vault.receipt(span(first, first + 9)))
    await keeper.HandOverStock(vault.handing_over(span(first, first + 5), to=vault.SECOND_TELLER))
    await teller.SpoilVoucher(vault.spoiling(first))
    await teller.ReturnStock(vault.giving_back(span(first, first + 1)))
    await keeper.DestroyVouchers(vault.destruction(span(first)))
    stock = await vault.stock_of(world.second_teller)
    different = vault.counting(stock, number=0, explanation="待查", witness=vault.MANAGER)
    stock = (await teller.CloseStockDay(different)).stock
    await keeper.ResolveStockDifference(vault.resolution(stock, holder=vault.SECOND_TELLER))


async def _lend(world: World) -> None:
    """Has a manager lend his authority, and take it back."""
    made = await lending.lend(world.branch_manager, lending.lending())
    await lending.revoke(world.branch_manager, made)


async def _stand_by(world: World, first: Task, second: Task, day: int) -> None:
    """Has a second teller decide at the first one's tablet, or the centre instead."""
    decide = world.teller.authorization
    await desk.look_at(world.teller, first)
    if day % 2:
        await decide.ReturnOnSite(counter.sending_back(first))
        await decide.RouteToCentre(counter.rerouting(second))
    else:
        await decide.ApproveOnSite(counter.approval(first))
        await decide.RejectOnSite(counter.rejection(second))
