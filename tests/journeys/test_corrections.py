"""What is not as it should be is put right: two of six images, two defects, a question."""

from pathlib import Path

from fingertip.applications.v1.application_pb2 import Application, Attachment
from fingertip.applications.v1.applications_service_pb2 import (
    GetJourneyRequest,
    ReadAttachmentRequest,
)
from fingertip.authorization.v1.authorization_service_pb2 import ReturnTaskRequest
from fingertip.authorization.v1.task_pb2 import (
    ANCHOR_ATTACHMENT,
    ANCHOR_FIELD,
    Task,
    TaskDefect,
)
from fingertip.events.v1.events_service_pb2 import WatchRequest
from tests.applications import paper, papers
from tests.applications.images import png
from tests.authorization import desk
from tests.authorization.screen import screen
from tests.journeys.bank import bank_at_work
from tests.world import World, refused

_BRANCH = WatchRequest(branch_id="0101")
_CENTRE = WatchRequest(centre_id="C001")
_CLEAR = {"income_proof": ("image/png", png(61)), "id_back": ("image/png", png(62))}
_LIVE = ("image/png", png(63))


def _returning(task: Task, **defects: str) -> ReturnTaskRequest:
    request = desk.sending_back(task)
    del request.defects[:]
    request.defects.extend(
        TaskDefect(subject=subject, note=note) for subject, note in defects.items()
    )
    return request


async def test_of_six_images_two_come_back_are_taken_again_and_seen_to_be_others(
    world: World, tmp_path: Path
) -> None:
    loan = papers.CONSUMER_LOAN
    async with bank_at_work(world, tmp_path, {}) as books, screen(world.teller, _BRANCH) as shown:
        await papers.ask(world.teller, await paper.start(world.teller, form=loan.form))
        answered = await shown.until(lambda e: any(i.reference for i in e.application.inquiries))
        draft = answered.application
        application = await paper.fill(world.teller, draft, loan.answers, images=loan.images)
        application = await paper.submit(world.teller, application)
        images = [each for each in application.attachments if each.kind != "signature"]
        assert len({each.kind for each in images}) >= 6

        first = await desk.claim(world.authoriser)
        for image in images:
            piece = await world.authoriser.applications.ReadAttachment(
                ReadAttachmentRequest(attachment_id=image.attachment_id)
            )
            assert len(piece.piece) == image.size_bytes
        await world.authoriser.authorization.ReturnTask(
            _returning(first, income_proof="公章不清晰", id_back="有效期限反光")
        )
        event = await shown.until(lambda e: e.application.state == Application.STATE_RETURNED)
        assert [(each.subject, each.anchor) for each in event.application.defects] == [
            ("income_proof", ANCHOR_ATTACHMENT),
            ("id_back", ANCHOR_ATTACHMENT),
        ]

        application = event.application
        for kind, clear in _CLEAR.items():
            application = await paper.attach(world.teller, application, kind, clear)
        assert application.signed
        again = await paper.submit(world.teller, application)
        assert again.revision == 2

        second = await desk.claim(world.authoriser)
        assert second.previous_task_id == first.task_id
        seen = await desk.look_at(world.authoriser, second)
        assert [each.note for each in seen.previous_defects] == ["公章不清晰", "有效期限反光"]
        [difference] = seen.differences
        former = {each.kind: each.attachment_id for each in images}
        now = {
            each.kind: each.attachment_id
            for each in again.attachments
            if each.state == Attachment.STATE_COMPLETE
        }
        assert [
            (each.kind, each.former_attachment_id, each.attachment_id)
            for each in difference.attachments
        ] == [(kind, former[kind], now[kind]) for kind in ("id_back", "income_proof")]
        assert not [*difference.fields, *difference.sightings, *difference.others]
        assert not difference.is_signed_anew
        await desk.approve_whole(world.authoriser, second)
        await shown.until(lambda e: e.application.state == Application.STATE_EXECUTED)
        [booking] = books.bookings()
    assert booking.work_kind == "core.open_loan"


async def test_two_defects_are_corrected_a_question_is_answered_and_the_card_is_opened(
    world: World, tmp_path: Path
) -> None:
    async with (
        bank_at_work(world, tmp_path, {}) as books,
        screen(world.teller, _BRANCH) as branch,
        screen(world.authoriser, _CENTRE) as centre,
    ):
        application = await paper.submitted(world.teller)
        first = await desk.claim(world.authoriser)
        await world.authoriser.authorization.ReturnTask(
            _returning(first, mobile="与客户核对号码", id_back="有效期限反光")
        )
        event = await branch.until(lambda e: e.application.state == Application.STATE_RETURNED)
        assert [each.anchor for each in event.application.defects] == [
            ANCHOR_FIELD,
            ANCHOR_ATTACHMENT,
        ]
        application = await paper.save(world.teller, event.application, {"mobile": "15420260202"})
        application = await paper.attach(world.teller, application, "id_back", _CLEAR["id_back"])
        # Another number is another form: the customer signs that one.
        assert not application.signed
        with refused("APPLICATION_INCOMPLETE"):
            await paper.submit(world.teller, application)
        await paper.submit(world.teller, await paper.sign(world.teller, application))

        second = await desk.claim(world.authoriser)
        asked = await desk.question(
            world.authoriser, second, "请客户手持证件拍一张", picture="supplement"
        )
        event = await branch.until(lambda e: e.application.messages == 1)
        [question] = (await desk.listen(world.teller, second)).messages
        assert question.message_id == event.application.asked_evidence[0].message_id
        application = await paper.attach(world.teller, event.application, "supplement", _LIVE)
        await desk.supply(world.teller, application, asked.message_id, "已请客户本人拍摄")
        event = await centre.until(lambda e: e.task.revision == 3)
        with refused("CONTENT_CHANGED"):
            await desk.approve(world.authoriser, second)
        seen = await desk.look_at(world.authoriser, event.task)
        corrected, pictured = seen.differences
        assert [each.field_key for each in corrected.fields] == ["mobile"]
        assert [each.kind for each in corrected.attachments] == ["id_back", "signature"]
        assert corrected.is_signed_anew
        assert [each.kind for each in pictured.attachments] == ["supplement"]
        assert (pictured.revision, pictured.is_signed_anew) == (3, False)
        await desk.approve_whole(world.authoriser, event.task)
        await branch.until(lambda e: e.application.state == Application.STATE_EXECUTED)
        assert len(books.bookings()) == 1
    told = await world.teller.applications.GetJourney(
        GetJourneyRequest(journey_id=application.journey_id)
    )
    actions = [step.action.rpartition("/")[2] for step in told.steps if not step.refusal]
    in_order = [
        "SubmitApplication",
        "ReturnTask",
        "SubmitApplication",
        "PostTaskMessage",
        "SupplyEvidence",
        "ApproveTask",
        "CompleteWorkItem",
    ]
    # Before that his identity was checked, which was work for the bank as well.
    since = actions[actions.index("SubmitApplication") :]
    assert [action for action in since if action in in_order] == in_order
