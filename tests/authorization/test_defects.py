"""Defects anchored to what is wrong, and what the maker changed of it."""

import pytest

from fingertip.applications.v1.application_pb2 import Application
from fingertip.authorization.v1.authorization_service_pb2 import ReturnTaskRequest
from fingertip.authorization.v1.task_pb2 import (
    ANCHOR_ATTACHMENT,
    ANCHOR_CHECKLIST_ITEM,
    ANCHOR_FIELD,
    Anchor,
    Task,
    TaskDefect,
)
from tests.applications import paper
from tests.applications.images import png
from tests.authorization import desk
from tests.world import World, refused


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


def _sending_back(task: Task, *defects: TaskDefect) -> ReturnTaskRequest:
    request = desk.sending_back(task)
    del request.defects[:]
    request.defects.extend(defects)
    return request


@pytest.mark.parametrize(
    ("subject", "given", "found"),
    [
        ("same_person", Anchor.ANCHOR_UNSPECIFIED, ANCHOR_CHECKLIST_ITEM),
        ("mobile", Anchor.ANCHOR_UNSPECIFIED, ANCHOR_FIELD),
        ("id_back", Anchor.ANCHOR_UNSPECIFIED, ANCHOR_ATTACHMENT),
        ("signature", ANCHOR_ATTACHMENT, ANCHOR_ATTACHMENT),
        ("mobile", ANCHOR_FIELD, ANCHOR_FIELD),
    ],
)
async def test_a_defect_is_pinned_to_what_has_its_name(
    world: World, subject: str, given: Anchor.ValueType, found: Anchor.ValueType
) -> None:
    application = await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    await world.authoriser.authorization.ReturnTask(
        _sending_back(task, TaskDefect(subject=subject, note="请核对", anchor=given))
    )
    returned = (await paper.get(world.teller, application.application_id)).application
    assert [(each.subject, each.anchor) for each in returned.defects] == [(subject, found)]


@pytest.mark.parametrize(
    ("subject", "anchor"),
    [
        ("passport", Anchor.ANCHOR_UNSPECIFIED),
        ("mobile", ANCHOR_ATTACHMENT),
        ("id_back", ANCHOR_FIELD),
        ("id_back", ANCHOR_CHECKLIST_ITEM),
    ],
)
async def test_what_nothing_is_called_cannot_be_pinned_to(
    world: World, subject: str, anchor: Anchor.ValueType
) -> None:
    application = await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    known = TaskDefect(subject="mobile", note="请核对")
    with refused("ANCHOR_UNKNOWN") as caught:
        await world.authoriser.authorization.ReturnTask(
            _sending_back(task, known, TaskDefect(subject=subject, note="不清楚", anchor=anchor))
        )
    assert caught.value.metadata == {"subject": subject}
    assert [each.field for each in caught.value.violations] == ["defects[1].subject"]
    shown = (await paper.get(world.teller, application.application_id)).application
    assert (shown.state, list(shown.defects)) == (Application.STATE_SUBMITTED, [])


async def test_a_resubmission_shows_the_holder_what_changed_and_others_only_where(
    world: World,
) -> None:
    application = await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    assert not (await desk.look_at(world.authoriser, task)).differences
    await world.authoriser.authorization.ReturnTask(
        _sending_back(
            task,
            TaskDefect(subject="mobile", note="与客户核对号码"),
            TaskDefect(subject="id_back", note="有效期限反光"),
        )
    )
    application = (await paper.get(world.teller, application.application_id)).application
    application = await paper.save(world.teller, application, {"mobile": "15420260202"})
    former = paper.in_use(application, "id_back")
    application = await paper.attach(world.teller, application, "id_back", ("image/png", png(9)))
    await paper.submit(world.teller, await paper.sign(world.teller, application))

    again = await desk.claim(world.authoriser)
    assert again.previous_task_id == task.task_id
    shown = await desk.look_at(world.authoriser, again)
    assert [(each.subject, each.anchor) for each in shown.previous_defects] == [
        ("mobile", ANCHOR_FIELD),
        ("id_back", ANCHOR_ATTACHMENT),
    ]
    [difference] = shown.differences
    assert difference.revision == again.revision == 2
    [field] = difference.fields
    assert (field.field_key, field.former_value, field.value) == (
        "mobile",
        paper.ANSWERS["mobile"],
        "15420260202",
    )
    by_kind = {each.kind: each for each in difference.attachments}
    assert sorted(by_kind) == ["id_back", "signature"]
    assert by_kind["id_back"].former_attachment_id == former
    assert by_kind["id_back"].former_sha256 != by_kind["id_back"].sha256
    assert list(difference.sightings) == ["signature"]
    assert difference.is_signed_anew
    assert not difference.others

    [told] = (await desk.look_at(world.centre_supervisor, again)).differences
    [field] = told.fields
    assert (field.field_key, field.former_value, field.value) == ("mobile", "", "")
    assert told.attachments == difference.attachments
