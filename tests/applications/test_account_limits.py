"""How many accounts a person may have, whichever branches and however many tellers."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import (
    ApplicationFault,
)
from fingertip.customer.v1.customer_service_pb2 import AccountRecord, CustomerRecord
from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    CompleteWorkItemRequest,
    FailWorkItemRequest,
    LeaseWorkItemsRequest,
)
from fingertip.fulfilment.v1.work_item_pb2 import ExecutedApplication, LeasedWorkItem, WorkResult
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from tests.applications import paper
from tests.authorization import desk
from tests.conftest import Clock, Database
from tests.customer.master import changed, people, sync, wang
from tests.sql import connected, until_stuck
from tests.world import World, refused

_ACCOUNT = "6299900000810408999"


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await sync(world, *people(3))


def _accounts(account_class: str, count: int, start: int = 0) -> list[AccountRecord]:
    return [
        AccountRecord(account_number=f"{80_000_000 + start + n}", account_class=account_class)
        for n in range(count)
    ]


def _wang(version: int, accounts: list[AccountRecord]) -> CustomerRecord:
    return changed(wang(), version=version, accounts=accounts)


async def _filled(caller: Caller, account_class: str = "class_one") -> Application:
    answers = {**paper.ANSWERS, "account_class": account_class}
    return await paper.fill(caller, await paper.start(caller), answers)


async def _check(caller: Caller, application: Application) -> list[ApplicationFault]:
    return await paper.faults_of(caller, application)


async def _state(caller: Caller, application: Application) -> Application:
    return (await paper.get(caller, application.application_id)).application


async def _lease(world: World) -> list[LeasedWorkItem]:
    response = await world.core_adapter.fulfilment.LeaseWorkItems(
        LeaseWorkItemsRequest(kinds=["core.open_account"], max_items=1)
    )
    return list(response.items)


async def _open(world: World) -> None:
    [item] = await _lease(world)
    await world.core_adapter.fulfilment.CompleteWorkItem(
        CompleteWorkItemRequest(
            request_id=paper.request_id(),
            work_item_id=item.work_item.work_item_id,
            fence=item.fence,
            result=WorkResult(
                executed_application=ExecutedApplication(
                    account_number=_ACCOUNT,
                    core_reference="CORE-1",
                    content_hash=item.order.application.content_hash,
                )
            ),
        )
    )


async def _approve(world: World) -> None:
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))


async def test_a_second_class_one_is_refused_with_the_offer_of_class_two(world: World) -> None:
    second = await _filled(world.other_teller)
    assert await _check(world.other_teller, second) == []
    await paper.submit(world.teller, await _filled(world.teller))
    [fault] = await _check(world.other_teller, second)
    assert (fault.subject, fault.kind) == ("account_class", ApplicationFault.KIND_LIMIT)
    assert "可改开Ⅱ类户" in fault.note
    with refused("APPLICATION_INCOMPLETE"):
        await paper.submit(world.other_teller, second)
    # The offer is good.
    other = await paper.save(world.other_teller, second, {"account_class": "class_two"})
    other = await paper.submit(world.other_teller, await paper.sign(world.other_teller, other))
    assert other.state == Application.STATE_SUBMITTED


async def test_two_tellers_in_two_branches_open_the_second_class_one_at_once(
    world: World, database: Database
) -> None:
    tellers = (world.teller, world.other_teller, world.second_teller)
    drafts = [await _filled(teller) for teller in tellers]

    async def submit(caller: Caller, draft: Application) -> str:
        try:
            await paper.submit(caller, draft)
        except Refused as refusal:
            return refusal.reason
        return ""

    outcomes = await asyncio.gather(*map(submit, tellers, drafts))
    assert outcomes.count("") == 1
    assert set(outcomes) <= {"", "ACCOUNT_LIMIT", "APPLICATION_INCOMPLETE"}
    await _approve(world)
    await _open(world)
    assert not await _lease(world)
    [row] = await database.as_owner(
        "SELECT count(*) FILTER (WHERE state = 'EXECUTED') AS executed,"
        " count(*) FILTER (WHERE state = 'DRAFT') AS drafts FROM application"
    )
    assert (row["executed"], row["drafts"]) == (1, 2)


async def test_of_two_who_were_both_found_without_fault_one_gets_the_place(
    world: World, database: Database
) -> None:
    # Makes the person's row, which both are then to wait for.
    former = await paper.submit(world.teller, await _filled(world.teller))
    await paper.withdraw(world.teller, former)
    tellers = (world.teller, world.other_teller)
    drafts = [await _filled(teller) for teller in tellers]
    async with connected(database.owner_url) as holder:
        held = holder.transaction()
        await held.start()
        await holder.execute("SELECT FROM account_holder FOR UPDATE")
        submissions = [
            asyncio.create_task(paper.submit(teller, draft))
            for teller, draft in zip(tellers, drafts, strict=True)
        ]
        await until_stuck(database.owner_url, len(submissions))
        await held.rollback()
    answers = await asyncio.gather(*submissions, return_exceptions=True)
    refusals = [answer.reason for answer in answers if isinstance(answer, Refused)]
    assert refusals == ["ACCOUNT_LIMIT"]


async def test_the_database_gives_no_place_twice(world: World, database: Database) -> None:
    await paper.submit(world.teller, await _filled(world.teller))
    with pytest.raises(Exception, match="uq_account_slot_number"):
        await database.as_application(
            "INSERT INTO account_slot (application_id, person, account_class, number)"
            " SELECT gen_random_uuid(), person, account_class, number FROM account_slot"
        )


async def test_several_customers_with_one_document_are_one_person(world: World) -> None:
    twin = changed(
        people()[2], version=2, resident_id=wang().resident_id, accounts=_accounts("class_one", 1)
    )
    await sync(world, twin)
    [fault] = await _check(world.teller, await _filled(world.teller))
    assert fault.kind == ApplicationFault.KIND_LIMIT


_PERMIT = {
    "document_type": "hong_kong_macau_travel_permit",
    "resident_id": "",
    "hong_kong_macau_permit": "H12345678",
    "birth_date": "1978-05-20",
}


async def test_a_customer_has_one_class_one_whichever_document_he_shows(world: World) -> None:
    # The master knows no number of hers, so that one document cannot be told from another.
    await sync(world, changed(wang(), version=2, resident_id=""))
    answers = {**paper.ANSWERS, "account_class": "class_one"}
    by_permit = await paper.start(world.other_teller)
    by_permit = await paper.save(world.other_teller, by_permit, {**answers, **_PERMIT})
    by_permit = await paper.complete_evidence(world.other_teller, by_permit)
    assert await _check(world.other_teller, by_permit) == []
    by_card = await paper.submit(world.teller, await _filled(world.teller))
    [fault] = await _check(world.other_teller, by_permit)
    assert fault.kind == ApplicationFault.KIND_LIMIT
    # And the other way round.
    await paper.withdraw(world.teller, by_card)
    await paper.submit(world.other_teller, by_permit)
    [fault] = await _check(world.teller, await _filled(world.teller))
    assert fault.kind == ApplicationFault.KIND_LIMIT


async def test_a_card_and_a_permit_do_not_race_for_one_place(
    world: World, database: Database
) -> None:
    await sync(world, changed(wang(), version=2, resident_id=""))
    answers = {**paper.ANSWERS, "account_class": "class_one"}
    by_permit = await paper.start(world.other_teller)
    by_permit = await paper.save(world.other_teller, by_permit, {**answers, **_PERMIT})
    by_permit = await paper.complete_evidence(world.other_teller, by_permit)
    by_card = await _filled(world.teller)
    former = await paper.submit(world.teller, by_card)
    await paper.withdraw(world.teller, former)
    by_card = await _filled(world.teller)
    async with connected(database.owner_url) as holder:
        held = holder.transaction()
        await held.start()
        await holder.execute("SELECT FROM account_holder FOR UPDATE")
        submissions = [
            asyncio.create_task(paper.submit(world.teller, by_card)),
            asyncio.create_task(paper.submit(world.other_teller, by_permit)),
        ]
        await until_stuck(database.owner_url, len(submissions))
        await held.rollback()
    outcomes = await asyncio.gather(*submissions, return_exceptions=True)
    refusals = [outcome.reason for outcome in outcomes if isinstance(outcome, Refused)]
    assert refusals == ["ACCOUNT_LIMIT"]


async def test_a_sixth_class_two_is_refused_with_the_offer_of_class_three(world: World) -> None:
    await sync(world, _wang(2, _accounts("class_two", 4)))
    await paper.submitted(world.teller)
    [fault] = await _check(world.other_teller, await _filled(world.other_teller, "class_two"))
    assert "可改开Ⅲ类户" in fault.note
    await sync(world, _wang(3, [*_accounts("class_two", 4), *_accounts("class_three", 5, 10)]))
    [fault] = await _check(world.other_teller, await _filled(world.other_teller, "class_two"))
    assert "不能再开立账户" in fault.note


async def test_what_the_master_has_learnt_since_stands_against_the_approval(world: World) -> None:
    application = await paper.submit(world.teller, await _filled(world.teller))
    task = await desk.claim(world.authoriser)
    await sync(world, _wang(2, _accounts("class_one", 1)))
    with refused("ACCOUNT_LIMIT") as caught:
        await desk.approve(world.authoriser, task)
    assert caught.value.metadata == {"account_class": "class_one", "limit": "1"}
    await world.authoriser.authorization.RejectTask(desk.rejection(task))
    assert (await _state(world.teller, application)).state == Application.STATE_REJECTED


async def test_what_the_master_has_learnt_since_stands_against_the_execution(
    world: World, clock: Clock
) -> None:
    application = await paper.submit(world.teller, await _filled(world.teller))
    await _approve(world)
    await sync(world, _wang(2, _accounts("class_one", 1)))
    assert not await _lease(world)
    await clock.advance(0)
    shown = await _state(world.teller, application)
    assert shown.state == Application.STATE_EXECUTION_FAILED
    assert shown.state_note == "客户的同类账户已达上限，未予办理。"


async def test_an_account_opened_here_and_reported_by_the_master_counts_once(
    world: World, database: Database
) -> None:
    await paper.submitted(world.teller)
    await _approve(world)
    await _open(world)
    own = AccountRecord(account_number=_ACCOUNT, account_class="class_two")
    await sync(world, _wang(2, [own, *_accounts("class_two", 3)]))
    fifth = await _filled(world.teller, "class_two")
    assert await _check(world.teller, fifth) == []
    await paper.submit(world.teller, fifth)
    assert await _check(world.other_teller, await _filled(world.other_teller, "class_two"))
    # Closed at the bank, it leaves its place, and nobody remembers it here.
    await sync(world, _wang(3, _accounts("class_two", 3)))
    assert await _check(world.other_teller, await _filled(world.other_teller, "class_two")) == []
    assert len(await database.as_owner("SELECT 1 FROM account_slot")) == 1


async def test_an_account_that_the_master_knew_first_counts_once(
    world: World, database: Database
) -> None:
    await paper.submit(world.teller, await _filled(world.teller))
    await _approve(world)
    [item] = await _lease(world)
    own = AccountRecord(account_number=_ACCOUNT, account_class="class_one")
    await sync(world, _wang(2, [own]))
    await world.core_adapter.fulfilment.CompleteWorkItem(
        CompleteWorkItemRequest(
            request_id=paper.request_id(),
            work_item_id=item.work_item.work_item_id,
            fence=item.fence,
            result=WorkResult(
                executed_application=ExecutedApplication(
                    account_number=_ACCOUNT,
                    core_reference="CORE-1",
                    content_hash=item.order.application.content_hash,
                )
            ),
        )
    )
    assert not await database.as_owner("SELECT 1 FROM account_slot")
    [fault] = await _check(world.teller, await _filled(world.teller))
    assert fault.kind == ApplicationFault.KIND_LIMIT


async def _reject(world: World, _: Application, __: Clock) -> None:
    await world.authoriser.authorization.RejectTask(
        desk.rejection(await desk.claim(world.authoriser))
    )


async def _withdraw(world: World, application: Application, _: Clock) -> None:
    await paper.withdraw(world.teller, application)


async def _expire(_: World, __: Application, clock: Clock) -> None:
    await clock.advance(30 * 60)


async def _fail(world: World, _: Application, __: Clock) -> None:
    await _approve(world)
    [item] = await _lease(world)
    await world.core_adapter.fulfilment.FailWorkItem(
        FailWorkItemRequest(
            request_id=paper.request_id(),
            work_item_id=item.work_item.work_item_id,
            fence=item.fence,
            failure=FailWorkItemRequest.FAILURE_PERMANENT,
            failure_code="REFUSED",
        )
    )


async def _execute(world: World, _: Application, __: Clock) -> None:
    await _approve(world)
    await _open(world)


async def _return(world: World, _: Application, __: Clock) -> None:
    await desk.send_back(world.authoriser, await desk.claim(world.authoriser))


@pytest.mark.parametrize(
    ("end", "is_free"),
    [
        (_reject, True),
        (_withdraw, True),
        (_expire, True),
        (_fail, True),
        (_execute, False),
        (_return, False),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
async def test_a_place_is_free_again_when_nothing_comes_of_the_application(
    world: World,
    clock: Clock,
    database: Database,
    end: Callable[[World, Application, Clock], Awaitable[None]],
    *,
    is_free: bool,
) -> None:
    application = await paper.submit(world.teller, await _filled(world.teller))
    await end(world, application, clock)
    await paper.stay_signed_in(database)
    found = await _check(world.other_teller, await _filled(world.other_teller))
    assert (found == []) == is_free


async def test_a_returned_application_that_is_for_another_class_leaves_its_place(
    world: World,
) -> None:
    application = await paper.submit(world.teller, await _filled(world.teller))
    await desk.send_back(world.authoriser, await desk.claim(world.authoriser))
    returned = await _state(world.teller, application)
    returned = await paper.save(world.teller, returned, {"account_class": "class_two"})
    await paper.submit(world.teller, await paper.sign(world.teller, returned))
    assert await _check(world.other_teller, await _filled(world.other_teller)) == []
