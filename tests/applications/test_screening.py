"""Lists of persons: looked at before an application is authorised, then, and before it is done."""

import json

import pytest
from google.type.date_pb2 import Date

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import GetJourneyRequest
from fingertip.applications.v1.identity_pb2 import PARTY_APPLICANT
from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip.authorization.v1.authorization_service_pb2 import ListTasksRequest
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.screening.v1.screening_hit_pb2 import (
    EFFECT_BLOCK,
    EFFECT_REVIEW,
    Effect,
    ScreeningHit,
)
from fingertip.screening.v1.screening_service_pb2 import (
    CloseScreeningHitRequest,
    ListScreeningHitsRequest,
    ScreeningEntry,
    SyncScreeningListRequest,
    SyncScreeningListResponse,
)
from tests.applications import paper
from tests.authorization import desk
from tests.authorization.screen import screen
from tests.conftest import Clock, Database
from tests.customer import bank
from tests.world import World, refused

_LIST = "telecom_fraud"
_NUMBER = paper.ANSWERS["resident_id"]


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


def _entry(
    effect: Effect.ValueType = EFFECT_BLOCK, number: str = _NUMBER, version: int = 1
) -> ScreeningEntry:
    return ScreeningEntry(
        entry_number="E-1", version=version, effect=effect, document_numbers=[number]
    )


def _batch(
    *entries: ScreeningEntry, previous: str = "", position: str = "1"
) -> SyncScreeningListRequest:
    return SyncScreeningListRequest(
        request_id=paper.request_id(),
        list_code=_LIST,
        previous_position=previous,
        position=position,
        entries=entries,
    )


async def _list(world: World, *entries: ScreeningEntry) -> SyncScreeningListResponse:
    return await world.crm_adapter.screening.SyncScreeningList(_batch(*entries))


async def _hits(world: World) -> list[ScreeningHit]:
    response = await world.compliance.screening.ListScreeningHits(ListScreeningHitsRequest())
    return list(response.hits)


async def _state(world: World, application: Application) -> Application:
    return (await paper.get(world.teller, application.application_id)).application


async def _records(database: Database) -> list[tuple[str, str | None, str]]:
    rows = await database.as_owner(
        "SELECT stage, effect, positions::text AS positions FROM screening_record"
        " ORDER BY screen_time, stage"
    )
    return [
        (row["stage"], row["effect"], json.loads(row["positions"]).get(_LIST, "")) for row in rows
    ]


async def test_a_blocked_person_goes_to_nobody_and_nobody_is_warned(
    world: World, database: Database
) -> None:
    await _list(world, _entry())
    application = await paper.fill(world.teller, await paper.start(world.teller))
    async with screen(world.compliance, WatchRequest(branch_id="0000")) as office:
        for _ in range(2):
            with refused("SCREENING_HIT") as caught:
                await paper.submit(world.teller, application)
            assert caught.value.metadata == {}
            assert "list" not in caught.value.message.lower()
        told = await office.until(
            lambda event: event.screening_hit.application_id == application.application_id
        )
    # The application is as it was, and no task was made.
    assert await _state(world, application) == application
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser)
    # Compliance knows, once however often it was tried.
    [hit] = await _hits(world)
    assert hit == told.screening_hit
    assert (hit.stage, hit.effect) == (ScreeningHit.STAGE_SUBMISSION, EFFECT_BLOCK)
    [match] = hit.matches
    assert (match.party, match.list_code, match.list_position) == (PARTY_APPLICANT, _LIST, "1")
    assert (match.entry_number, match.by_document) == ("E-1", True)
    assert await _records(database) == [("SUBMISSION", "BLOCK", "1")] * 2
    # The branch's own journal does not tell of it.
    entries = await world.auditor.audit.ListEntries(ListEntriesRequest(chain="0101", page_size=200))
    assert "SCREENING_HIT" not in {entry.reason for entry in entries.entries}
    entries = await world.auditor.audit.ListEntries(
        ListEntriesRequest(chain="security", page_size=200)
    )
    assert "SCREENING_HIT" in {entry.reason for entry in entries.entries}


async def test_a_person_for_review_is_decided_about_by_compliances_own_authoriser(
    world: World, database: Database
) -> None:
    await _list(world, _entry(EFFECT_REVIEW))
    await desk.start_shift(world.authoriser_of_compliance)
    application = await paper.submitted(world.teller)
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser)
    task = await desk.claim(world.authoriser_of_compliance)
    assert task.subject_id == application.application_id
    await desk.approve(world.authoriser_of_compliance, task)
    # What compliance decided about hinders nothing any more.
    [_] = await bank.lease(world.core_adapter, "core.open_account")
    assert await _records(database) == [
        ("SUBMISSION", "REVIEW", "1"),
        ("APPROVAL", "REVIEW", "1"),
        ("EXECUTION", "REVIEW", "1"),
    ]


async def test_a_person_listed_before_the_approval_gets_nothing_of_it(world: World) -> None:
    application = await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    await _list(world, _entry())
    approved = await desk.approve(world.authoriser, task)
    assert approved.state == Task.STATE_APPROVED
    application = await _state(world, application)
    assert application.state == Application.STATE_EXECUTION_FAILED
    assert application.state_note == "业务暂不能办理，请联系合规部门。"
    assert not await bank.lease(world.core_adapter, "core.open_account")
    [hit] = await _hits(world)
    assert hit.stage == ScreeningHit.STAGE_APPROVAL


async def test_what_nothing_comes_of_keeps_neither_the_card_nor_the_place_of_an_account(
    world: World, database: Database
) -> None:
    application = await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    await _list(world, _entry())
    await desk.approve(world.authoriser, task)
    assert not (await _state(world, application)).voucher_serial
    [card] = await database.as_owner(
        "SELECT state FROM voucher WHERE serial = $1", application.voucher_serial
    )
    assert card["state"] == "WITH_TELLER"
    assert not await database.as_owner("SELECT FROM account_slot")


async def test_the_journey_tells_the_branch_nothing_of_a_hit(world: World) -> None:
    await _list(world, _entry())
    application = await paper.fill(world.teller, await paper.start(world.teller))
    with refused("SCREENING_HIT"):
        await paper.submit(world.teller, application)
    [hit] = await _hits(world)
    await world.compliance.screening.CloseScreeningHit(
        CloseScreeningHitRequest(
            request_id=paper.request_id(),
            screening_hit_id=hit.screening_hit_id,
            purpose="已按规定报告",
        )
    )
    journey = GetJourneyRequest(journey_id=application.journey_id)
    told = (await world.second_teller.applications.GetJourney(journey)).steps
    assert {step.branch_id for step in told} == {"0101"}
    assert {step.refusal for step in told} == {""}
    whole = (await world.auditor.applications.GetJourney(journey)).steps
    assert {"security", "0000"} < {step.branch_id for step in whole}


@pytest.mark.parametrize("effect", [EFFECT_BLOCK, EFFECT_REVIEW], ids=["block", "review"])
async def test_a_person_listed_between_approval_and_execution_gets_nothing_of_it(
    world: World, database: Database, effect: Effect.ValueType
) -> None:
    application = await paper.submitted(world.teller)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    await _list(world, _entry(effect))
    async with (
        screen(world.teller, WatchRequest(branch_id="0101")) as branch,
        screen(world.compliance, WatchRequest(branch_id="0000")) as office,
    ):
        assert not await bank.lease(world.core_adapter, "core.open_account")
        ended = await branch.until(
            lambda event: event.application.state == Application.STATE_EXECUTION_FAILED
        )
        told = await office.until(
            lambda event: event.screening_hit.application_id == application.application_id
        )
    assert ended.application.state_note == "业务暂不能办理，请联系合规部门。"
    assert told.screening_hit.stage == ScreeningHit.STAGE_EXECUTION
    [item] = await database.as_owner("SELECT state, failure_code FROM work_item WHERE has_effect")
    assert (item["state"], item["failure_code"]) == ("FAILED", "SCREENING_HIT")
    records = await _records(database)
    assert records[:2] == [("SUBMISSION", None, ""), ("APPROVAL", None, "")]
    assert [(stage, position) for stage, _, position in records[2:]] == [("EXECUTION", "1")]
    # Nobody tells a watcher of the branch more.
    assert not [event for event in branch.shown if event.HasField("screening_hit")]


async def test_name_and_birth_date_are_enough_and_a_name_alone_is_not(world: World) -> None:
    application = await paper.fill(world.teller, await paper.start(world.teller))
    named = ScreeningEntry(entry_number="E-2", version=1, effect=EFFECT_BLOCK, names=["王若兰"])
    await _list(world, named)
    born = Date(year=1978, month=5, day=21)
    await world.crm_adapter.screening.SyncScreeningList(
        _batch(
            ScreeningEntry(
                entry_number="E-3",
                version=1,
                effect=EFFECT_BLOCK,
                names=["王若兰"],
                birth_date=born,
            ),
            position="2",
            previous="1",
        )
    )
    application = await paper.submit(world.teller, application)
    await paper.withdraw(world.teller, application)
    born.day = 20
    await world.crm_adapter.screening.SyncScreeningList(
        _batch(
            ScreeningEntry(
                entry_number="E-3",
                version=2,
                effect=EFFECT_BLOCK,
                names=["王 若兰", "WANG RUOLAN", "王若兰"],
                birth_date=born,
            ),
            position="3",
            previous="2",
        )
    )
    with refused("SCREENING_HIT"):
        await paper.submitted(world.teller)


async def test_who_was_taken_off_the_list_is_hindered_no_more(
    world: World, database: Database
) -> None:
    await _list(world, _entry())
    application = await paper.fill(world.teller, await paper.start(world.teller))
    with refused("SCREENING_HIT"):
        await paper.submit(world.teller, application)
    gone = ScreeningEntry(entry_number="E-1", version=2, deleted=True)
    await world.crm_adapter.screening.SyncScreeningList(_batch(gone, previous="1", position="2"))
    await paper.submit(world.teller, application)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    assert await bank.lease(world.core_adapter, "core.open_account")
    [row] = await database.as_owner("SELECT count(*) AS keys FROM screening_key")
    assert row["keys"] == 0


async def test_batches_of_a_list_follow_each_other_and_old_entries_change_nothing(
    world: World,
) -> None:
    sync = world.crm_adapter.screening.SyncScreeningList
    first = _batch(_entry(version=2))
    assert (await sync(first)).changed_count == 1
    assert await sync(first) == await sync(first)
    with refused("SYNC_POSITION_MISMATCH") as caught:
        await sync(_batch(_entry(), previous="0", position="2"))
    assert caught.value.metadata["position"] == "1"
    older = await sync(_batch(_entry(EFFECT_REVIEW, version=1), previous="1", position="2"))
    assert older.changed_count == 0
    # Started anew it comes to the same.
    assert (await sync(_batch(_entry(version=2), position="1"))).changed_count == 0
    application = await paper.fill(world.teller, await paper.start(world.teller))
    with refused("SCREENING_HIT"):
        await paper.submit(world.teller, application)


async def test_nobody_but_adapters_and_compliance_comes_near_the_lists(
    world: World, database: Database
) -> None:
    await _list(world, _entry())
    for other in (world.teller, world.auditor, world.compliance):
        with refused("PERMISSION_MISSING"):
            await other.screening.SyncScreeningList(_batch(_entry()))
    for other in (world.teller, world.branch_manager, world.authoriser, world.operations):
        with refused("PERMISSION_MISSING"):
            await other.screening.ListScreeningHits(ListScreeningHitsRequest())
        with refused("PERMISSION_MISSING"):
            await other.screening.CloseScreeningHit(
                CloseScreeningHitRequest(
                    request_id=paper.request_id(),
                    screening_hit_id=paper.request_id(),
                    purpose="误报，已核实",
                )
            )
    # The database holds neither number nor name, and what was looked at stays.
    rows = await database.as_owner(
        "SELECT row_to_json(k)::text AS it FROM screening_key AS k"
        " UNION ALL SELECT row_to_json(e)::text FROM screening_entry AS e"
    )
    assert all(_NUMBER not in row["it"] for row in rows)
    for statement in ("UPDATE screening_record SET effect = NULL", "DELETE FROM screening_record"):
        with pytest.raises(Exception, match="permission denied"):
            await database.as_application(statement)


async def test_compliance_closes_a_hit_once(world: World) -> None:
    await _list(world, _entry())
    application = await paper.fill(world.teller, await paper.start(world.teller))
    with refused("SCREENING_HIT"):
        await paper.submit(world.teller, application)
    # A watcher who comes later is shown what is open.
    async with screen(world.compliance, WatchRequest(branch_id="0000")) as office:
        shown = await office.until(lambda event: event.HasField("screening_hit"))
        hit = shown.screening_hit
        request = CloseScreeningHitRequest(
            request_id=paper.request_id(),
            screening_hit_id=hit.screening_hit_id,
            purpose="已按规定报告",
        )
        close = world.compliance.screening.CloseScreeningHit
        closed = (await close(request)).hit
        assert (await close(request)).hit == closed
        await office.until(lambda event: event.screening_hit.state == ScreeningHit.STATE_CLOSED)
    assert (closed.state, closed.closed_by) == (ScreeningHit.STATE_CLOSED, "000011")
    assert closed.version == hit.version + 1
    request.request_id = paper.request_id()
    with refused("SCREENING_HIT_STATE"):
        await close(request)
    request.request_id = request.screening_hit_id = paper.request_id()
    with refused("SCREENING_HIT_NOT_FOUND"):
        await close(request)
    only_open = ListScreeningHitsRequest(only_open=True)
    assert not (await world.compliance.screening.ListScreeningHits(only_open)).hits
    # It stays on the list: the next attempt is another hit.
    with refused("SCREENING_HIT"):
        await paper.submit(world.teller, application)
    first = await world.compliance.screening.ListScreeningHits(
        ListScreeningHitsRequest(page_size=1)
    )
    second = await world.compliance.screening.ListScreeningHits(
        ListScreeningHitsRequest(page_size=1, page_token=first.next_page_token)
    )
    assert [each.state for each in (*first.hits, *second.hits)] == [
        ScreeningHit.STATE_OPEN,
        ScreeningHit.STATE_CLOSED,
    ]


async def test_compliances_authorisers_come_and_go_without_anybody_of_the_scenes_own_skill(
    world: World, clock: Clock
) -> None:
    await _list(world, _entry(EFFECT_REVIEW))
    await desk.end_shift(world.authoriser)
    await paper.submitted(world.teller)

    async def state() -> Task.State.ValueType:
        for _ in range(3):
            await clock.advance(4)
        listed = await world.centre_supervisor.authorization.ListTasks(ListTasksRequest())
        [task] = listed.tasks
        return task.state

    assert await state() == Task.STATE_PARKED
    await desk.start_shift(world.authoriser_of_compliance)
    assert await state() == Task.STATE_QUEUED
    await desk.end_shift(world.authoriser_of_compliance)
    assert await state() == Task.STATE_PARKED
