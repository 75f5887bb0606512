"""Attachments: chunks that may be sent again, and what is taken as an image."""

import hashlib

import pytest

from fingertip.applications.v1.application_pb2 import Application, Attachment, Sighting
from fingertip.applications.v1.applications_service_pb2 import (
    CompleteAttachmentRequest,
    CompleteAttachmentResponse,
    ReadAttachmentRequest,
    StartAttachmentRequest,
)
from fingertip_client.caller import Caller
from tests.applications import paper
from tests.applications.images import JPEG, exif, jpeg_with, png, sized_jpeg
from tests.authorization import desk
from tests.conftest import Database
from tests.world import World, refused

MIB = 1024 * 1024
LARGE = png(2 * MIB + 77_777)


@pytest.fixture
async def application(world: World) -> Application:
    await paper.synchronise(world)
    return await paper.start(world.teller)


async def test_an_upload_goes_on_where_it_was_interrupted(
    world: World, application: Application
) -> None:
    teller = world.teller
    attachment = await paper.announce(teller, application, "id_back", "image/png", len(LARGE))
    assert await paper.append(teller, attachment, 0, LARGE[:MIB]) == MIB
    # The tablet comes back, does not know what arrived, and asks.
    shown = (await paper.get(teller, application.application_id)).application
    [uploading] = shown.attachments
    assert (uploading.state, uploading.next_offset) == (Attachment.STATE_UPLOADING, MIB)
    # What was taken before is taken as repeated; a gap or another cut is not.
    assert await paper.append(teller, attachment, 0, LARGE[:MIB]) == MIB
    for offset, end in ((MIB + 1, MIB + 10), (10, 20), (0, 5)):
        with refused("ATTACHMENT_OFFSET") as caught:
            await paper.append(teller, attachment, offset, LARGE[offset:end])
        assert caught.value.metadata == {"next_offset": str(MIB)}
    await paper.append(teller, attachment, MIB, LARGE[MIB : 2 * MIB])
    await paper.append(teller, attachment, 2 * MIB, LARGE[2 * MIB :])
    application = await paper.complete(teller, attachment, LARGE)
    [whole] = application.attachments
    assert whole.state == Attachment.STATE_COMPLETE
    assert whole.sha256 == hashlib.sha256(LARGE).digest()
    assert await _read(teller, whole) == LARGE


async def test_a_piece_is_read_across_chunks_and_past_the_end_is_nothing(
    world: World, application: Application
) -> None:
    content = png(3_000)
    attachment = await paper.announce(
        world.teller, application, "id_back", "image/png", len(content)
    )
    for start in range(0, len(content), 1_000):
        await paper.append(world.teller, attachment, start, content[start : start + 1_000])
    await paper.complete(world.teller, attachment, content)
    for start, size in ((0, 10), (990, 20), (999, 2_002), (1_000, 1_000), (2_999, 0)):
        piece = await _piece(world.teller, attachment, start, size)
        assert piece == content[start : start + (size or MIB)]
    assert await _piece(world.teller, attachment, len(content), 0) == b""
    assert await _piece(world.teller, attachment, 10 * MIB, 5) == b""


async def test_what_does_not_have_the_announced_hash_is_damaged(
    world: World, application: Application
) -> None:
    attachment = await paper.announce(
        world.teller, application, "id_front", "image/jpeg", len(JPEG)
    )
    with refused("ATTACHMENT_DAMAGED"):
        await paper.complete(world.teller, attachment, JPEG)
    await paper.append(world.teller, attachment, 0, JPEG)
    with refused("ATTACHMENT_DAMAGED") as caught:
        await paper.complete(world.teller, attachment, JPEG + b"x")
    assert caught.value.metadata == {"sha256": hashlib.sha256(JPEG).hexdigest()}
    await paper.complete(world.teller, attachment, JPEG)
    with refused("ATTACHMENT_STATE"):
        await paper.append(world.teller, attachment, 0, JPEG)
    with refused("ATTACHMENT_STATE"):
        await paper.complete(world.teller, attachment, JPEG)


@pytest.mark.parametrize(
    ("content", "detected"),
    [
        (JPEG + b"<script>alert(1)</script>", "unknown"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "unknown"),
        (b"<html><body>hello</body></html>", "unknown"),
        (png(), "image/png"),
        (b"%PDF-1.4\n%%EOF", "application/pdf"),
        (sized_jpeg(65_535, 65_535), "unknown"),
        (jpeg_with(b"Exif\x00\x00" + exif(0x8825)), "unknown"),
    ],
)
async def test_what_is_not_what_it_was_said_to_be_is_refused(
    world: World, application: Application, content: bytes, detected: str
) -> None:
    attachment = await paper.announce(
        world.teller, application, "id_front", "image/jpeg", len(content)
    )
    await paper.append(world.teller, attachment, 0, content)
    with refused("ATTACHMENT_TYPE") as caught:
        await paper.complete(world.teller, attachment, content)
    assert caught.value.metadata == {"detected": detected}


async def test_the_form_says_what_is_accepted(world: World, application: Application) -> None:
    with refused("ATTACHMENT_TYPE"):
        await paper.announce(world.teller, application, "id_front", "image/svg+xml", 10)
    with refused("ATTACHMENT_TYPE"):
        await paper.announce(world.teller, application, "signature", "image/jpeg", 10)
    with refused("FIELD_UNKNOWN") as caught:
        await paper.announce(world.teller, application, "passport", "image/jpeg", 10)
    assert [violation.field for violation in caught.value.violations] == ["kind"]
    with refused("ATTACHMENT_LIMIT") as caught:
        await paper.announce(world.teller, application, "signature", "image/png", MIB + 1)
    assert caught.value.metadata == {"limit": str(MIB)}
    attachment = await paper.announce(world.teller, application, "id_front", "image/jpeg", 10)
    with refused("ATTACHMENT_LIMIT"):
        await paper.append(world.teller, attachment, 0, b"12345678901")


async def test_a_second_image_replaces_the_first_and_what_was_seen_on_it(
    world: World, application: Application
) -> None:
    application = await paper.fill(world.teller, application)
    former = paper.in_use(application, "id_front")
    application = await paper.attach(world.teller, application, "id_front")
    assert paper.in_use(application, "id_front") != former
    assert len(application.attachments) == 4
    kinds = {seen.kind for seen in application.sightings}
    assert kinds == {Sighting.KIND_APPLICANT, Sighting.KIND_SIGNATURE}
    application = await paper.attach(world.teller, application, "signature")
    assert not application.signed


async def test_an_image_is_seen_by_its_branch_and_by_the_holder_of_the_claim_only(
    world: World, application: Application
) -> None:
    application = await paper.submit(world.teller, await paper.fill(world.teller, application))
    [photo] = [each for each in application.attachments if each.kind == "customer_photo"]
    assert await _read(world.second_teller, photo) == JPEG
    with refused("ATTACHMENT_NOT_FOUND"):
        await _read(world.other_teller, photo)
    with refused("ATTACHMENT_NOT_FOUND"):
        await _read(world.authoriser, photo)
    task = await desk.claim(world.authoriser)
    assert await _read(world.authoriser, photo) == JPEG
    with refused("ATTACHMENT_NOT_FOUND"):
        await _read(world.centre_supervisor, photo)
    await desk.approve(world.authoriser, task)
    with refused("ATTACHMENT_NOT_FOUND"):
        await _read(world.authoriser, photo)


async def test_nobody_else_uploads_for_the_maker(world: World, application: Application) -> None:
    attachment = await paper.announce(
        world.teller, application, "id_front", "image/jpeg", len(JPEG)
    )
    with refused("NOT_THE_MAKER"):
        await paper.append(world.second_teller, attachment, 0, JPEG)
    with refused("ATTACHMENT_NOT_FOUND"):
        await paper.append(world.other_teller, attachment, 0, JPEG)
    with refused("NOT_THE_MAKER"):
        await paper.complete(world.second_teller, attachment, JPEG)


async def test_an_upload_that_a_submission_overtook_changes_nothing(
    world: World, application: Application
) -> None:
    application = await paper.fill(world.teller, application)
    attachment = await paper.announce(
        world.teller, application, "id_front", "image/jpeg", len(JPEG)
    )
    await paper.append(world.teller, attachment, 0, JPEG)
    application = (await paper.get(world.teller, application.application_id)).application
    submitted = await paper.submit(world.teller, application)
    with refused("APPLICATION_STATE"):
        await paper.complete(world.teller, attachment, JPEG)
    shown = (await paper.get(world.teller, application.application_id)).application
    assert shown == submitted


async def test_a_repeated_completion_answers_the_same(
    world: World, application: Application
) -> None:
    attachment = await paper.announce(
        world.teller, application, "id_front", "image/jpeg", len(JPEG)
    )
    await paper.append(world.teller, attachment, 0, JPEG)
    request = CompleteAttachmentRequest(
        request_id=paper.request_id(),
        attachment_id=attachment.attachment_id,
        sha256=hashlib.sha256(JPEG).digest(),
    )
    first: CompleteAttachmentResponse = await world.teller.applications.CompleteAttachment(request)
    assert await world.teller.applications.CompleteAttachment(request) == first


async def test_a_client_made_attachment_id_is_taken_once(
    world: World, application: Application
) -> None:
    request = StartAttachmentRequest(
        request_id=paper.request_id(),
        application_id=application.application_id,
        attachment_id=paper.request_id(),
        kind="id_front",
        content_type="image/jpeg",
        size_bytes=10,
    )
    started = await world.teller.applications.StartAttachment(request)
    assert started.attachment.attachment_id == request.attachment_id
    request.request_id = paper.request_id()
    with refused("APPLICATION_EXISTS"):
        await world.teller.applications.StartAttachment(request)


async def test_neither_answers_nor_images_stand_in_the_database_as_they_are(
    world: World, application: Application, database: Database
) -> None:
    await paper.submit(world.teller, await paper.fill(world.teller, application))
    tables = await database.as_owner(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    stored = ""
    for [table] in tables:
        # The names are the catalogue's own.
        rows = await database.as_owner(f'SELECT row_to_json(t)::text FROM "{table}" AS t')  # noqa: S608
        stored += "".join(row[0] for row in rows)
    assert application.application_id in stored
    for secret in ("190102197805209021", "15420260201", "王若兰"):
        assert secret not in stored
        assert secret.encode().hex() not in stored
    assert JPEG.hex() not in stored


async def _piece(caller: Caller, attachment: Attachment, start: int, size: int) -> bytes:
    response = await caller.applications.ReadAttachment(
        ReadAttachmentRequest(
            attachment_id=attachment.attachment_id, offset=start, size_bytes_max=size
        )
    )
    return response.piece


async def _read(caller: Caller, attachment: Attachment) -> bytes:
    content = b""
    while piece := await _piece(caller, attachment, len(content), 0):
        content += piece
    return content
