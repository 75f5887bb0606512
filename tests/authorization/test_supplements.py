"""More evidence in the same task: what is asked for, what is supplied, and one outcome of races."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable
from datetime import timedelta

import pytest

from fingertip.applications.v1.application_pb2 import Application, Attachment, Sighting
from fingertip.applications.v1.applications_service_pb2 import (
    ReadAttachmentRequest,
    StartAttachmentRequest,
)
from fingertip.applications.v1.content_pb2 import ApplicationContent
from fingertip.authorization.v1.authorization_service_pb2 import (
    ListTasksRequest,
    SupplyEvidenceRequest,
)
from fingertip.authorization.v1.task_pb2 import (
    ANCHOR_ATTACHMENT,
    ANCHOR_CHECKLIST_ITEM,
    ANCHOR_FIELD,
    Task,
)
from fingertip_client.refusal import Refused
from fingertip_server.app import App
from fingertip_server.authorization import rules
from tests.applications import paper
from tests.applications.images import JPEG, png
from tests.authorization import desk
from tests.authorization.scenes import change_scene
from tests.conftest import Clock, Database
from tests.world import World, read_demo, refused

_BETTER = ("image/png", png(30))


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


async def _asked(world: World, *subjects: str) -> tuple[Application, Task]:
    """Has the authoriser ask for more evidence, and returns what both sides see."""
    application = await paper.submitted(world.teller)
    task = await desk.ask(world.authoriser, await desk.claim(world.authoriser), *subjects)
    return await _seen(world, application), task


async def _seen(world: World, application: Application) -> Application:
    return (await paper.get(world.teller, application.application_id)).application


async def _content(world: World, task: Task) -> ApplicationContent:
    shown = await desk.look_at(world.authoriser, task)
    assert hashlib.sha256(shown.content).digest() == task.content_hash
    return ApplicationContent.FromString(shown.content)


async def test_a_supplement_is_the_next_revision_of_the_same_task(
    world: World, database: Database
) -> None:
    submitted = await paper.submitted(world.teller)
    claimed = await desk.claim(world.authoriser)
    before = await _content(world, claimed)
    [former] = await database.as_owner("SELECT rank_at FROM task")

    task = await desk.ask(world.authoriser, claimed, "id_back", "purpose_plausible")
    assert (task.state, task.authoriser_id) == (Task.STATE_SUPPLEMENT_REQUESTED, "")
    application = await _seen(world, submitted)
    assert application.state == Application.STATE_SUPPLEMENT_REQUESTED
    assert application.state_note
    assert [
        (each.subject, each.anchor, list(each.kinds)) for each in application.asked_evidence
    ] == [
        ("id_back", ANCHOR_ATTACHMENT, ["id_back"]),
        ("purpose_plausible", ANCHOR_CHECKLIST_ITEM, ["supplement"]),
    ]
    application = await paper.attach(world.teller, application, "id_back", _BETTER)
    application = await paper.attach(world.teller, application, "supplement", ("image/jpeg", JPEG))
    supplied = await desk.supply(world.teller, application)
    assert (supplied.task_id, supplied.revision) == (claimed.task_id, 2)
    assert supplied.state == Task.STATE_QUEUED
    assert supplied.content_hash != claimed.content_hash
    [now] = await database.as_owner("SELECT rank_at FROM task")
    assert now == former
    application = await _seen(world, application)
    assert (application.state, application.revision) == (Application.STATE_SUBMITTED, 2)
    assert not application.asked_evidence
    assert application.signed
    assert application.form_hash == submitted.form_hash

    task = await desk.claim(world.authoriser)
    shown = await desk.look_at(world.authoriser, task)
    assert [each.subject for each in shown.supplement_items] == ["id_back", "purpose_plausible"]
    [difference] = shown.differences
    assert (difference.revision, difference.is_signed_anew) == (2, False)
    assert [each.kind for each in difference.attachments] == ["id_back", "supplement"]
    assert not [*difference.fields, *difference.sightings, *difference.others]
    after = await _content(world, task)
    assert (after.signed_form, after.form_hash) == (before.signed_form, before.form_hash)
    assert [each.kind for each in after.evidence] == [
        "customer_photo",
        "id_back",
        "id_front",
        "signature",
        "supplement",
    ]
    await desk.approve(world.authoriser, task)
    [decision] = await database.as_owner("SELECT revision, content_hash FROM task_decision")
    assert tuple(decision) == (2, supplied.content_hash)


async def test_who_asked_holds_nothing_any_more_and_former_revisions_are_not_decided(
    world: World,
) -> None:
    application = await paper.submitted(world.teller)
    former = await desk.claim(world.authoriser)
    await desk.ask(world.authoriser, former, "id_back")
    for decide in (desk.approve, desk.send_back):
        with refused("LEASE_LOST"):
            await decide(world.authoriser, former)
    with refused("LEASE_LOST"):
        await desk.ask(world.authoriser, former, "id_back")
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser)
    application = await _seen(world, application)
    application = await paper.attach(world.teller, application, "id_back", _BETTER)
    await desk.supply(world.teller, application)
    with refused("LEASE_LOST"):
        await desk.approve(world.authoriser, former)
    again = await desk.claim(world.authoriser)
    stale = desk.approval(former)
    stale.fence = again.fence
    with refused("CONTENT_CHANGED") as caught:
        await world.authoriser.authorization.ApproveTask(stale)
    assert caught.value.metadata["revision"] == "2"
    await desk.approve(world.authoriser, again)


async def test_a_supplement_voids_the_steps_before_it_and_who_took_one_may_again(
    world: World, server: App
) -> None:
    change_scene(server, authorisers=2)
    first, second = world.authoriser, world.authoriser_who_is_a_customer
    await desk.start_shift(second)
    application = await paper.submitted(world.teller)
    await desk.approve(first, await desk.claim(first))
    await desk.ask(second, await desk.claim(second), "id_back")
    application = await _seen(world, application)
    application = await paper.attach(world.teller, application, "id_back", _BETTER)
    supplied = await desk.supply(world.teller, application)
    assert (supplied.steps_done, supplied.steps_required) == (0, 2)
    assert (await desk.approve(second, await desk.claim(second))).steps_done == 1
    again = await desk.claim(first)
    assert [each.authoriser_id for each in (await desk.look_at(first, again)).steps] == ["900101"]
    assert (await desk.approve(first, again)).state == Task.STATE_APPROVED


async def test_only_what_is_asked_for_is_taken(world: World) -> None:
    application, _ = await _asked(world, "id_back")
    for kind in ("id_front", "supplement", "signature"):
        with refused("EVIDENCE_NOT_ASKED") as caught:
            await paper.announce(world.teller, application, kind, "image/png", 100)
        assert caught.value.metadata == {"kind": kind}
    with refused("EVIDENCE_NOT_ASKED"):
        await paper.attest(world.teller, application, Sighting.KIND_APPLICANT)
    with refused("APPLICATION_STATE"):
        await paper.save(world.teller, application, {"mobile": "15420260203"})
    with refused("APPLICATION_STATE"):
        await paper.submit(world.teller, application)


async def test_what_was_announced_before_the_submission_is_completed_only_when_asked_for(
    world: World,
) -> None:
    application = await paper.fill(world.teller, await paper.start(world.teller))
    late = [
        await paper.announce(world.teller, application, kind, "image/png", len(_BETTER[1]))
        for kind in ("id_front", "id_back")
    ]
    application = await _seen(world, application)
    await paper.submit(world.teller, application)
    for attachment in late:
        await paper.append(world.teller, attachment, 0, _BETTER[1])
    await desk.ask(world.authoriser, await desk.claim(world.authoriser), "id_back")
    with refused("EVIDENCE_NOT_ASKED"):
        await paper.complete(world.teller, late[0], _BETTER[1])
    application = await paper.complete(world.teller, late[1], _BETTER[1])
    assert (await desk.supply(world.teller, application)).revision == 2


async def test_nothing_is_added_that_nobody_asked_for(world: World) -> None:
    draft = await paper.start(world.teller)
    with refused("FIELD_UNKNOWN"):
        await paper.announce(world.teller, draft, "supplement", "image/png", 100)
    application = await paper.submitted(world.teller)
    with refused("APPLICATION_STATE"):
        await paper.announce(world.teller, application, "id_back", "image/png", 100)
    with refused("TASK_STATE") as caught:
        await desk.supply(world.teller, application)
    assert caught.value.metadata == {"state": "QUEUED"}


@pytest.mark.parametrize(
    ("subject", "anchor"),
    [
        ("signature", ANCHOR_ATTACHMENT),
        ("mobile", ANCHOR_FIELD),
        ("passport", ANCHOR_ATTACHMENT),
        ("id_back", ANCHOR_CHECKLIST_ITEM),
    ],
)
async def test_evidence_is_asked_for_by_names_that_there_are(
    world: World, subject: str, anchor: int
) -> None:
    await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    request = desk.asking(task, "id_front", subject)
    request.items[1].anchor = anchor  # type: ignore[assignment] # the number of an enum is an int
    with refused("ANCHOR_UNKNOWN") as caught:
        await world.authoriser.authorization.RequestSupplement(request)
    assert caught.value.metadata == {"subject": subject}
    await desk.approve(world.authoriser, task)


async def test_a_supplement_is_what_the_form_accepts_of_images(world: World) -> None:
    application, _ = await _asked(world, "supplement")
    with refused("ATTACHMENT_TYPE"):
        await paper.announce(world.teller, application, "supplement", "application/pdf", 100)
    with refused("ATTACHMENT_LIMIT") as caught:
        await paper.announce(world.teller, application, "supplement", "image/jpeg", 5_242_881)
    assert caught.value.metadata == {"limit": "5242880"}


async def test_what_is_still_missing_is_named(world: World) -> None:
    application, _ = await _asked(world, "id_back", "id_front", "images_complete")
    with refused("APPLICATION_INCOMPLETE") as caught:
        await desk.supply(world.teller, application)
    assert [each.field for each in caught.value.violations] == [
        "id_back",
        "id_front",
        "images_complete",
    ]
    # A new image of the document's face voids what was attested to be seen on the former one.
    application = await paper.attach(world.teller, application, "id_back", _BETTER)
    application = await paper.attach(world.teller, application, "id_front", _BETTER)
    with refused("APPLICATION_INCOMPLETE") as caught:
        await desk.supply(world.teller, application)
    assert [each.field for each in caught.value.violations] == ["sighting.original_document"]
    application = await paper.attest(world.teller, application, Sighting.KIND_ORIGINAL_DOCUMENT)
    assert (await desk.supply(world.teller, application)).state == Task.STATE_QUEUED


async def test_a_supplement_takes_no_place_of_one_that_was_submitted(world: World) -> None:
    application, _ = await _asked(world, "supplement")
    for size in (40, 41):
        application = await paper.attach(
            world.teller, application, "supplement", ("image/png", png(size))
        )
    await desk.supply(world.teller, application)
    task = await desk.claim(world.authoriser)
    [first] = [each for each in (await _content(world, task)).evidence if each.kind == "supplement"]
    assert first.sha256 == hashlib.sha256(png(41)).digest()
    await desk.ask(world.authoriser, task, "supplement")
    application = await _seen(world, application)
    application = await paper.attach(
        world.teller, application, "supplement", ("image/png", png(42))
    )
    await desk.supply(world.teller, application)
    evidence = (await _content(world, await desk.claim(world.authoriser))).evidence
    assert [each.sha256 for each in evidence if each.kind == "supplement"] == [
        first.sha256,
        hashlib.sha256(png(42)).digest(),
    ]


async def test_who_claims_the_supplemented_task_reads_the_new_images_at_once(world: World) -> None:
    application, _ = await _asked(world, "id_back")
    application = await paper.attach(world.teller, application, "id_back", _BETTER)
    new = ReadAttachmentRequest(attachment_id=paper.in_use(application, "id_back"))
    with refused("ATTACHMENT_NOT_FOUND"):
        await world.authoriser.applications.ReadAttachment(new)
    await desk.supply(world.teller, application)
    await desk.claim(world.authoriser)
    read = await world.authoriser.applications.ReadAttachment(new)
    assert read.piece == _BETTER[1]


async def test_the_evidence_has_its_own_deadline(
    world: World, clock: Clock, database: Database
) -> None:
    application, task = await _asked(world, "id_back")
    application = await paper.attach(world.teller, application, "id_back", _BETTER)
    await database.as_owner("UPDATE task SET expire_time = fingertip_now()")
    with refused("TASK_EXPIRED"):
        await desk.supply(world.teller, application)
    await clock.advance(1_801)
    await paper.stay_signed_in(database)
    assert (await _seen(world, application)).state == Application.STATE_EXPIRED
    with refused("TASK_EXPIRED"):
        await desk.supply(world.teller, application)
    with refused("APPLICATION_STATE"):
        await paper.announce(world.teller, application, "id_back", "image/png", 100)
    assert (await desk.look_at(world.authoriser, task)).task.state == Task.STATE_EXPIRED


async def test_the_evidence_and_the_decision_after_it_have_each_their_time(
    world: World, clock: Clock, database: Database
) -> None:
    branch = next(branch for branch in read_demo().branches if branch.code == "0101")
    zone = read_demo().time_zone(branch)

    async def left() -> timedelta:
        """Returns how much later or earlier than 30 minutes from now, or at closing, it expires."""
        [row] = await database.as_owner("SELECT expire_time, fingertip_now() AS now FROM task")
        due = rules.expire_time(row["now"], timedelta(minutes=30), branch.closes, zone)
        difference: timedelta = row["expire_time"] - due
        return difference

    moment = timedelta(seconds=20)
    application = await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    await clock.advance(50)
    await desk.ask(world.authoriser, task, "id_back")
    assert abs(await left()) < moment
    await clock.advance(600)
    await paper.stay_signed_in(database)
    application = await _seen(world, application)
    application = await paper.attach(world.teller, application, "id_back", _BETTER)
    await desk.supply(world.teller, application)
    assert abs(await left()) < moment
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))


async def test_the_maker_may_withdraw_what_waits_for_evidence(world: World) -> None:
    application, task = await _asked(world, "id_back")
    await paper.withdraw(world.teller, application)
    assert (await desk.look_at(world.authoriser, task)).task.state == Task.STATE_WITHDRAWN
    with refused("TASK_STATE"):
        await desk.supply(world.teller, await _seen(world, application))


async def test_nobody_but_the_maker_supplies(world: World) -> None:
    application, task = await _asked(world, "id_back")
    for caller, reason in (
        (world.second_teller, "NOT_THE_MAKER"),
        (world.other_teller, "TASK_NOT_FOUND"),
    ):
        with refused(reason):
            await desk.supply(caller, application)
    with refused("PERMISSION_MISSING"):
        await desk.supply(world.authoriser, application)
    with refused("TASK_NOT_FOUND"):
        await world.teller.authorization.SupplyEvidence(
            SupplyEvidenceRequest(
                request_id=paper.request_id(), task_id=paper.request_id(), etag="1"
            )
        )
    waiting = await world.centre_supervisor.authorization.ListTasks(ListTasksRequest())
    assert [each.task_id for each in waiting.tasks] == [task.task_id]


async def test_what_is_supplied_when_nobody_is_there_is_parked_with_a_reason(
    world: World, clock: Clock
) -> None:
    application, _ = await _asked(world, "id_back")
    await desk.end_shift(world.authoriser)
    application = await paper.attach(world.teller, application, "id_back", _BETTER)
    task = await desk.supply(world.teller, application)
    assert (task.state, task.revision) == (Task.STATE_PARKED, 2)
    application = await _seen(world, application)
    assert application.state_note == task.park_reason != ""
    await desk.start_shift(world.authoriser)
    await clock.advance(0)
    assert (await desk.claim(world.authoriser)).revision == 2


async def test_the_second_of_two_tablets_reads_again(world: World) -> None:
    application, _ = await _asked(world, "id_back")
    first = await paper.attach(world.teller, application, "id_back", _BETTER)
    with refused("ETAG_MISMATCH"):
        await desk.supply(world.teller, application)
    supplies = await asyncio.gather(
        *(desk.supply(world.teller, first) for _ in range(2)), return_exceptions=True
    )
    [lost] = [each for each in supplies if isinstance(each, Refused)]
    assert lost.reason == "TASK_STATE"
    assert (await desk.claim(world.authoriser)).revision == 2


async def test_a_repeated_request_has_one_answer_and_one_effect(
    world: World, database: Database
) -> None:
    await paper.submitted(world.teller)
    asking = desk.asking(await desk.claim(world.authoriser), "id_back")
    answers = await asyncio.gather(
        *(world.authoriser.authorization.RequestSupplement(asking) for _ in range(8))
    )
    assert all(answer == answers[0] for answer in answers)
    application = await paper.get(world.teller, answers[0].task.subject_id)
    attached = await paper.attach(world.teller, application.application, "id_back", _BETTER)
    supplying = desk.supplying(attached)
    supplies = await asyncio.gather(
        *(world.teller.authorization.SupplyEvidence(supplying) for _ in range(8))
    )
    assert all(answer == supplies[0] for answer in supplies)
    [counts] = await database.as_owner(
        "SELECT (SELECT count(*) FROM application_revision) AS revisions,"
        " (SELECT count(*) FROM task_supplement) AS supplements"
    )
    assert tuple(counts) == (2, 1)


async def test_supplying_withdrawing_and_expiring_together_have_one_outcome(
    world: World, clock: Clock, database: Database
) -> None:
    application, _ = await _asked(world, "id_back")
    application = await paper.attach(world.teller, application, "id_back", _BETTER)
    await database.as_owner("UPDATE task SET expire_time = fingertip_now() + interval '50 ms'")

    async def outcome(deed: Awaitable[object]) -> str:
        try:
            await deed
        except Refused as refusal:
            return refusal.reason
        return "DONE"

    outcomes = Counter(
        await asyncio.gather(
            outcome(clock.advance(1)),
            *(outcome(desk.supply(world.teller, application)) for _ in range(10)),
            *(outcome(paper.withdraw(world.teller, application)) for _ in range(10)),
        )
    )
    [row] = await database.as_owner(
        "SELECT task.state AS task_state, application.state AS application_state,"
        " task.revision AS of_task, application.revision AS of_application,"
        " (SELECT count(*) FROM application_revision) AS revisions,"
        " task.content_hash = application.content_hash AS is_same"
        " FROM task JOIN application ON application.task_id = task.task_id"
    )
    assert row["is_same"]
    assert row["of_task"] == row["of_application"] == row["revisions"]
    ends = {"QUEUED": "SUBMITTED", "WITHDRAWN": "WITHDRAWN", "EXPIRED": "EXPIRED"}
    assert row["application_state"] == ends[row["task_state"]]
    assert outcomes["DONE"] <= 3, outcomes


async def test_an_upload_is_announced_for_what_is_asked_under_an_id_of_the_tablets_own(
    world: World,
) -> None:
    application, _ = await _asked(world, "id_back")
    request = StartAttachmentRequest(
        request_id=paper.request_id(),
        application_id=application.application_id,
        attachment_id=paper.request_id(),
        kind="id_back",
        content_type="image/png",
        size_bytes=10,
    )
    started = await world.teller.applications.StartAttachment(request)
    assert started.attachment.state == Attachment.STATE_UPLOADING
    assert await world.teller.applications.StartAttachment(request) == started
