"""Questions, answers and live pictures: who speaks, who hears, and what a decision must know."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable

import pytest

from fingertip.applications.v1.application_pb2 import Application, Sighting
from fingertip.applications.v1.applications_service_pb2 import ReadAttachmentRequest
from fingertip.applications.v1.content_pb2 import ApplicationContent
from fingertip.authorization.v1.task_message_pb2 import TaskMessage
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_client.refusal import Refused
from tests.applications import paper, undoing
from tests.applications.images import png
from tests.authorization import desk
from tests.authorization.screen import screen
from tests.conftest import Clock, Database
from tests.world import World, refused

_LIVE = ("image/png", png(50))
_QUESTION = "客户说话是否自愿？请拍现场"
_ANSWER = "客户本人自愿办理，用于领取工资"


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


async def _claimed(world: World) -> tuple[Application, Task]:
    application = await paper.submitted(world.teller)
    return application, await desk.claim(world.authoriser)


async def _seen(world: World, application: Application) -> Application:
    return (await paper.get(world.teller, application.application_id)).application


async def _now(world: World, task: Task) -> Task:
    return (await desk.look_at(world.authoriser, task)).task


async def _content(world: World, task: Task) -> ApplicationContent:
    shown = await desk.look_at(world.authoriser, task)
    assert hashlib.sha256(shown.content).digest() == shown.task.content_hash
    return ApplicationContent.FromString(shown.content)


async def _outcome(deed: Awaitable[object]) -> str:
    try:
        await deed
    except Refused as refusal:
        return refusal.reason
    return "DONE"


async def test_both_sides_are_told_that_something_was_said_and_read_what(
    world: World, database: Database
) -> None:
    async with (
        screen(world.teller, WatchRequest(branch_id="0101")) as branch,
        screen(world.authoriser, WatchRequest(centre_id="C001")) as centre,
    ):
        application, task = await _claimed(world)
        asked = await desk.question(world.authoriser, task, _QUESTION)
        await branch.until(lambda event: event.application.messages == 1)
        told = await desk.answer(world.teller, task, _ANSWER)
        await centre.until(lambda event: event.task.messages == 2)
        await branch.until(lambda event: event.application.messages == 2)
        await centre.until(lambda event: event.task.messages == 1)
    for caller in (world.teller, world.authoriser):
        first, second = (await desk.listen(caller, task)).messages
        assert (first.message_id, first.number, first.text) == (asked.message_id, 1, _QUESTION)
        assert (first.side, first.staff_id) == (TaskMessage.SIDE_CENTRE, "900102")
        assert (second.message_id, second.number, second.text) == (told.message_id, 2, _ANSWER)
        assert (second.side, second.staff_id) == (TaskMessage.SIDE_BRANCH, "100103")
    for caller in (world.centre_supervisor, world.branch_manager, world.second_teller):
        assert [each.text for each in (await desk.listen(caller, task)).messages] == ["****"] * 2
    with refused("TASK_NOT_FOUND"):
        await desk.listen(world.other_teller, task)
    page = await desk.listen(world.teller, task, page_size=1)
    assert [each.number for each in page.messages] == [1]
    page = await desk.listen(world.teller, task, page_size=1, page_token=page.next_page_token)
    assert [each.number for each in page.messages] == [2]
    rows = await database.as_owner(
        "SELECT payload AS bytes FROM feed_event UNION ALL SELECT content FROM task_message"
        " UNION ALL SELECT answer FROM idempotency WHERE answer IS NOT NULL"
    )
    assert not any(text.encode() in row["bytes"] for row in rows for text in (_QUESTION, _ANSWER))
    assert (await _seen(world, application)).state == Application.STATE_SUBMITTED


async def test_a_decision_knows_what_the_other_side_has_said(world: World) -> None:
    _, task = await _claimed(world)
    await desk.question(world.authoriser, task, _QUESTION)
    # What he said himself he knows.
    await desk.answer(world.teller, task, _ANSWER)
    for request, decide in (
        (desk.approval(task), world.authoriser.authorization.ApproveTask),
        (desk.rejection(task), world.authoriser.authorization.RejectTask),
        (desk.sending_back(task), world.authoriser.authorization.ReturnTask),
        (desk.asking(task, "id_back"), world.authoriser.authorization.RequestSupplement),
    ):
        request.messages_seen = 1
        with refused("MESSAGES_UNSEEN") as caught:
            await decide(request)  # type: ignore[arg-type] # each with its own
        assert caught.value.metadata == {"messages": "2"}
    await desk.question(world.authoriser, task, "好的")
    approval = desk.approval(task)
    approval.messages_seen = 2
    await world.authoriser.authorization.ApproveTask(approval)
    with refused("TASK_STATE"):
        await desk.answer(world.teller, task, "补充一句")


async def test_a_live_picture_becomes_evidence_in_the_authorisers_hands(
    world: World, database: Database
) -> None:
    application, task = await _claimed(world)
    before = await _now(world, task)
    asked = await desk.question(world.authoriser, task, _QUESTION, picture="supplement")
    application = await _seen(world, application)
    [item] = application.asked_evidence
    assert (item.subject, list(item.kinds), item.message_id, item.note) == (
        "supplement",
        ["supplement"],
        asked.message_id,
        "",
    )
    with refused("EVIDENCE_NOT_ASKED"):
        await paper.announce(world.teller, application, "id_back", "image/png", 100)
    application = await paper.attach(world.teller, application, "supplement", _LIVE)
    picture = paper.in_use(application, "supplement")
    with refused("TASK_STATE"):
        await desk.supply(world.teller, application)
    async with screen(world.authoriser, WatchRequest(centre_id="C001")) as centre:
        supplied = await desk.supply(world.teller, application, asked.message_id, _ANSWER)
        await centre.until(lambda event: event.task.revision == 2)
    assert (supplied.state, supplied.fence) == (Task.STATE_CLAIMED, task.fence)
    assert (supplied.authoriser_id, supplied.revision) == ("900102", 2)
    assert supplied.lease_expire_time == before.lease_expire_time
    assert supplied.expire_time == before.expire_time
    assert supplied.content_hash != task.content_hash
    read = await world.authoriser.applications.ReadAttachment(
        ReadAttachmentRequest(attachment_id=picture)
    )
    assert read.piece == _LIVE[1]
    application = await _seen(world, application)
    assert (application.state, application.revision) == (Application.STATE_SUBMITTED, 2)
    assert not application.asked_evidence

    with refused("CONTENT_CHANGED"):
        await desk.approve(world.authoriser, task)
    shown = await desk.look_at(world.authoriser, task)
    [difference] = shown.differences
    [added] = difference.attachments
    assert (added.kind, added.attachment_id, added.former_attachment_id) == (
        "supplement",
        picture,
        "",
    )
    assert not difference.others
    first, second = (await desk.listen(world.authoriser, task)).messages
    assert (first.picture_kind, second.answered_message_id) == ("supplement", first.message_id)
    assert (second.text, second.revision) == (_ANSWER, 2)
    content = await _content(world, shown.task)
    link = b""
    for each in (first, second):
        link = hashlib.sha256(link + each.SerializeToString(deterministic=True)).digest()
    assert (content.messages, content.messages_hash) == (2, link)
    blind = desk.approval(shown.task)
    blind.messages_seen = 1
    with refused("MESSAGES_UNSEEN"):
        await world.authoriser.authorization.ApproveTask(blind)
    await desk.approve(world.authoriser, shown.task)
    [row] = await database.as_owner("SELECT revision, content_hash FROM task_decision")
    assert tuple(row) == (2, supplied.content_hash)


async def test_a_picture_in_the_place_of_one_that_was_attested_is_attested_anew(
    world: World,
) -> None:
    application, task = await _claimed(world)
    asked = await desk.question(world.authoriser, task, "请重拍", picture="customer_photo")
    application = await paper.attach(
        world.teller, await _seen(world, application), "customer_photo", _LIVE
    )
    with refused("APPLICATION_INCOMPLETE") as caught:
        await desk.supply(world.teller, application, asked.message_id)
    assert [each.field for each in caught.value.violations] == ["sighting.applicant"]
    assert (await _now(world, task)).messages == 1
    application = await paper.attest(world.teller, application, Sighting.KIND_APPLICANT)
    await desk.supply(world.teller, application, asked.message_id)
    [difference] = (await desk.look_at(world.authoriser, task)).differences
    assert list(difference.sightings) == ["applicant"]


async def test_who_claims_after_a_lapse_finds_question_picture_and_answer(
    world: World, clock: Clock
) -> None:
    application, task = await _claimed(world)
    asked = await desk.question(world.authoriser, task, _QUESTION, picture="supplement")
    await clock.advance(61)
    with refused("LEASE_LOST"):
        await desk.question(world.authoriser, task, "在吗？")
    await desk.answer(world.teller, task, "马上拍好")
    application = await paper.attach(
        world.teller, await _seen(world, application), "supplement", _LIVE
    )
    supplied = await desk.supply(world.teller, application, asked.message_id)
    assert (supplied.state, supplied.revision) == (Task.STATE_QUEUED, 2)
    await desk.start_shift(world.authoriser_who_is_a_customer)
    another = await desk.claim(world.authoriser_who_is_a_customer)
    heard = (await desk.listen(world.authoriser_who_is_a_customer, another)).messages
    assert [each.text for each in heard] == [_QUESTION, "马上拍好", ""]
    assert [each.text for each in (await desk.listen(world.authoriser, another)).messages] == [
        "****",
        "****",
        "",
    ]
    # He has to have read also what his colleague asked.
    blind = desk.approval(another)
    blind.messages_seen = 0
    with refused("MESSAGES_UNSEEN"):
        await world.authoriser_who_is_a_customer.authorization.ApproveTask(blind)
    await desk.approve(world.authoriser_who_is_a_customer, another)


async def test_talking_neither_extends_a_claim_nor_a_deadline(world: World, clock: Clock) -> None:
    _, task = await _claimed(world)
    for seconds in (25, 25):
        await clock.advance(seconds)
        await desk.question(world.authoriser, task, "请稍候")
        await desk.answer(world.teller, task, "好的")
        now = await _now(world, task)
        assert now.lease_expire_time == task.lease_expire_time
        assert (now.expire_time, now.fence) == (task.expire_time, task.fence)
    await clock.advance(11)
    assert (await _now(world, task)).state == Task.STATE_QUEUED


async def test_nobody_speaks_who_is_not_of_the_two(
    world: World, clock: Clock, database: Database
) -> None:
    _, task = await _claimed(world)
    for caller, reason in (
        (world.second_teller, "NOT_THE_MAKER"),
        (world.other_teller, "TASK_NOT_FOUND"),
        (world.authoriser_with_two_accounts, "LEASE_LOST"),
    ):
        with refused(reason):
            await caller.authorization.PostTaskMessage(desk.saying(task, "你好", fence=task.fence))
    with refused("LEASE_LOST") as caught:
        await world.authoriser.authorization.PostTaskMessage(
            desk.saying(task, "你好", fence=task.fence + 1)
        )
    assert caught.value.metadata == {"fence": str(task.fence)}
    for caller, fence, kind in (
        (world.teller, 0, "supplement"),
        (world.authoriser, task.fence, "signature"),
        (world.authoriser, task.fence, "mobile"),
    ):
        with refused("ANCHOR_UNKNOWN"):
            await caller.authorization.PostTaskMessage(
                desk.saying(task, "请拍", fence=fence, picture=kind)
            )
    assert not (await desk.listen(world.teller, task)).messages
    await clock.advance(1_801)
    await paper.stay_signed_in(database)
    with refused("TASK_EXPIRED"):
        await desk.answer(world.teller, task, "还在吗")


async def test_there_is_an_end_of_talking(world: World, database: Database) -> None:
    _, task = await _claimed(world)
    await database.as_owner("UPDATE task SET messages = 50")
    with refused("MESSAGE_LIMIT") as caught:
        await desk.question(world.authoriser, task, "最后一句")
    assert caught.value.metadata == {"limit": "50"}


async def test_of_each_kind_the_last_question_counts_and_none_is_answered_twice(
    world: World,
) -> None:
    application, task = await _claimed(world)
    first = await desk.question(world.authoriser, task, "请拍", picture="supplement")
    second = await desk.question(world.authoriser, task, "请再拍", picture="supplement")
    third = await desk.question(world.authoriser, task, "证件背面", picture="id_back")
    application = await paper.attach(
        world.teller, await _seen(world, application), "supplement", _LIVE
    )
    for unknown in (first.message_id, paper.request_id()):
        with refused("MESSAGE_NOT_FOUND"):
            await desk.supply(world.teller, application, unknown)
    with refused("APPLICATION_INCOMPLETE") as caught:
        await desk.supply(world.teller, application, third.message_id)
    assert [each.field for each in caught.value.violations] == ["id_back"]
    await desk.supply(world.teller, application, second.message_id)
    application = await _seen(world, application)
    assert [each.message_id for each in application.asked_evidence] == [third.message_id]
    with refused("MESSAGE_NOT_FOUND"):
        await desk.supply(world.teller, application, second.message_id)
    # Who asks for more than that takes the task out of his own hands, and the question with it.
    await desk.ask(world.authoriser, await _now(world, task), "id_front")
    with refused("MESSAGE_NOT_FOUND"):
        await desk.supply(world.teller, await _seen(world, application), third.message_id)


async def test_what_was_said_goes_on_in_the_task_that_follows(world: World) -> None:
    application, task = await _claimed(world)
    await desk.question(world.authoriser, task, _QUESTION)
    await desk.answer(world.teller, task, _ANSWER)
    await desk.send_back(world.authoriser, await _now(world, task))
    application = await _seen(world, application)
    application = await paper.attach(world.teller, application, "id_back", _LIVE)
    await paper.submit(world.teller, application)
    again = await desk.claim(world.authoriser)
    assert (again.task_id != task.task_id, again.messages) == (True, 2)
    assert [each.text for each in (await desk.listen(world.authoriser, again)).messages] == [
        _QUESTION,
        _ANSWER,
    ]
    assert (await _content(world, again)).messages == 2
    await desk.approve(world.authoriser, again)


async def test_who_approves_while_the_maker_speaks_has_heard_him_or_was_first(
    world: World, database: Database
) -> None:
    _, task = await _claimed(world)
    outcomes = await asyncio.gather(
        *(_outcome(desk.answer(world.teller, task, f"第{number}句")) for number in range(10)),
        _outcome(desk.approve(world.authoriser, task)),
    )
    *said, approved = outcomes
    [row] = await database.as_owner(
        "SELECT state, messages, (SELECT count(*) FROM task_message) AS kept,"
        " (SELECT count(*) FROM task_decision) AS decisions FROM task"
    )
    assert row["messages"] == row["kept"] == said.count("DONE")
    assert set(said) <= {"DONE", "TASK_STATE"}
    if approved == "DONE":
        assert (row["state"], row["decisions"], row["messages"]) == ("APPROVED", 1, 0)
    else:
        assert approved == "MESSAGES_UNSEEN"
        assert (row["state"], row["decisions"], row["messages"]) == ("CLAIMED", 0, 10)


async def test_a_picture_and_an_approval_of_the_older_content_have_one_outcome(
    world: World, database: Database
) -> None:
    application, task = await _claimed(world)
    asked = await desk.question(world.authoriser, task, _QUESTION, picture="supplement")
    application = await paper.attach(
        world.teller, await _seen(world, application), "supplement", _LIVE
    )
    task = await _now(world, task)
    outcomes = Counter(
        await asyncio.gather(
            *(_outcome(desk.supply(world.teller, application, asked.message_id)) for _ in range(5)),
            *(_outcome(desk.approve(world.authoriser, task)) for _ in range(5)),
            *(_outcome(paper.withdraw(world.teller, application)) for _ in range(2)),
        )
    )
    assert outcomes["DONE"] == 1, outcomes
    [row] = await database.as_owner(
        "SELECT task.state, task.revision, application.revision AS of_application,"
        " task.content_hash = application.content_hash AS is_same,"
        " (SELECT max(revision) FROM task_decision) AS decided"
        " FROM task JOIN application ON application.task_id = task.task_id"
    )
    assert row["is_same"]
    assert row["revision"] == row["of_application"]
    assert row["decided"] == (1 if row["state"] == "APPROVED" else None)


async def test_what_is_said_twice_under_one_id_is_said_once(world: World) -> None:
    application, task = await _claimed(world)
    request = desk.saying(task, _QUESTION, fence=task.fence, picture="supplement")
    answers = await asyncio.gather(
        *(world.authoriser.authorization.PostTaskMessage(request) for _ in range(8))
    )
    assert all(answer == answers[0] for answer in answers)
    application = await paper.attach(
        world.teller, await _seen(world, application), "supplement", _LIVE
    )
    supplying = desk.supplying(application, answers[0].message_id)
    supplies = await asyncio.gather(
        *(world.teller.authorization.SupplyEvidence(supplying) for _ in range(8))
    )
    assert all(supply == supplies[0] for supply in supplies)
    assert len((await desk.listen(world.teller, task)).messages) == 2
    assert (await _now(world, task)).revision == 2


async def test_of_a_reversal_is_talked_but_no_evidence_asked(world: World) -> None:
    application = await undoing.executed(world)
    await undoing.request(world.teller, application)
    task = await desk.claim(world.authoriser)
    assert task.subject_kind == "reversal"
    await desk.question(world.authoriser, task, "为何冲正？")
    assert (await desk.answer(world.teller, task, "重复办理")).number == 2
    with refused("ANCHOR_UNKNOWN"):
        await desk.question(world.authoriser, task, "请拍", picture="supplement")
    item = (await desk.look_at(world.authoriser, task)).checklist[0].item_id
    with refused("ANCHOR_UNKNOWN"):
        await desk.ask(world.authoriser, await _now(world, task), item)
    supplying = desk.supplying(application, paper.request_id())
    supplying.task_id = task.task_id
    with refused("MESSAGE_NOT_FOUND"):
        await world.teller.authorization.SupplyEvidence(supplying)
