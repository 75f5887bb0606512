"""Whatever is changed of what was signed, the link that it belongs to breaks."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from asn1crypto.cms import CMSAttribute, ContentInfo

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.content_pb2 import SignedForm
from fingertip.applications.v1.signature_pb2 import SignatureCheck, SignatureStatement
from fingertip_server.app import App
from fingertip_server.applications import verification
from fingertip_server.applications.verification import Stored
from fingertip_server.authority import cms
from fingertip_server.settings import Settings
from tests.applications import paper
from tests.authorization import desk
from tests.conftest import Clock, Database
from tests.customer import bank
from tests.world import World, refused


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


@pytest.fixture
async def submitted(world: World) -> Application:
    return await paper.submitted(world.teller)


async def broken(world: World, application: Application) -> list[str]:
    """Returns which links the server finds broken."""
    found = await paper.verify(world.teller, application.application_id)
    assert found.valid is all(check.holds for check in found.checks)
    assert all(bool(check.note) is not check.holds for check in found.checks)
    return [verification.name_of(check.link) for check in found.checks if not check.holds]


async def test_a_signature_holds_before_and_after_submission(world: World) -> None:
    application = await paper.fill(world.teller, await paper.start(world.teller))
    found = await paper.verify(world.teller, application.application_id)
    assert found.valid
    assert found.signature_id == application.signature_id
    assert found.statement.staff_id == "100103"
    assert found.statement.device_id
    assert found.statement.form_hash == application.form_hash
    assert [read.agreement_code for read in found.statement.agreements_read] == [
        "debit_card_account"
    ]
    assert abs(found.stamp_time.seconds - found.statement.sign_time.seconds) <= 1
    assert len(found.checks) == len(SignatureCheck.Link.keys()) - 1
    await paper.submit(world.teller, application)
    assert await broken(world, application) == []


async def test_a_signature_of_what_ended_as_a_draft_holds_too(world: World) -> None:
    draft = await paper.fill(world.teller, await paper.start(world.teller))
    await paper.withdraw(world.teller, draft)
    assert await broken(world, draft) == []
    # Sent back and signed anew, what was submitted before is of another signature.
    returned = await paper.submitted(world.teller)
    await desk.send_back(world.authoriser, await desk.claim(world.authoriser))
    returned = (await paper.get(world.teller, returned.application_id)).application
    returned = await paper.save(world.teller, returned, {"occupation": "clerk"})
    await paper.withdraw(world.teller, await paper.sign(world.teller, returned))
    assert await broken(world, returned) == []


async def test_a_withdrawn_submission_is_still_held_to_what_was_submitted(
    world: World, submitted: Application, database: Database
) -> None:
    await paper.withdraw(world.teller, submitted)
    assert await broken(world, submitted) == []
    await database.as_owner("UPDATE application SET content_hash = sha256(content_hash)")
    assert await broken(world, submitted) == ["CONTENT"]


async def test_what_was_never_signed_or_is_another_by_now_has_nothing_to_verify(
    world: World,
) -> None:
    application = await paper.start(world.teller)
    with refused("SIGNATURE_MISSING"):
        await broken(world, application)
    application = await paper.fill(world.teller, application)
    changed = await paper.save(world.teller, application, {"occupation": "clerk"})
    assert not changed.signature_id
    with refused("SIGNATURE_MISSING"):
        await broken(world, application)


async def test_branch_authoriser_and_auditor_may_verify_and_nobody_else(
    world: World, submitted: Application
) -> None:
    for caller in (world.teller, world.second_teller, world.branch_manager, world.auditor):
        assert (await paper.verify(caller, submitted.application_id)).valid
    for caller in (world.other_teller, world.authoriser):
        with refused("APPLICATION_NOT_FOUND"):
            await paper.verify(caller, submitted.application_id)
    with refused("PERMISSION_MISSING"):
        await paper.verify(world.lobby_manager, submitted.application_id)
    await desk.claim(world.authoriser)
    assert (await paper.verify(world.authoriser, submitted.application_id)).valid


@dataclass(frozen=True)
class Tampering:
    """What somebody changes in the database, and the links that tell of it."""

    name: str
    statement: str
    links: tuple[str, ...]


# Everything that depends on the bytes that were signed.
_SIGNED = ("SIGNATURE", "CERTIFICATE")
TAMPERINGS = (
    Tampering(
        "one character of the text",
        "UPDATE pack_document SET content = jsonb_set(content, '{text}',"
        " to_jsonb(replace(content->>'text', '保证所填资料', '保証所填资料')))"
        " WHERE kind = 'agreement' AND code = 'debit_card_account' AND version = 2",
        ("AGREEMENTS", *_SIGNED),
    ),
    Tampering(
        "a text that is gone",
        "DELETE FROM pack_document WHERE kind = 'agreement' AND code = 'debit_card_account'"
        " AND version = 2",
        ("AGREEMENTS", *_SIGNED),
    ),
    Tampering(
        "the form",
        "UPDATE application SET signed_form ="
        " set_byte(signed_form, 40, get_byte(signed_form, 40) # 1)",
        ("RECORD", "AGREEMENTS", "FORM", *_SIGNED, "CONTENT"),
    ),
    Tampering(
        "the form's hash",
        "UPDATE application SET form_hash = set_byte(form_hash, 0, get_byte(form_hash, 0) # 1)",
        ("FORM",),
    ),
    Tampering(
        "the image",
        "UPDATE attachment_chunk SET content ="
        " set_byte(content, 60, get_byte(content, 60) # 1) WHERE attachment_id"
        " IN (SELECT attachment_id FROM attachment WHERE kind = 'signature')",
        ("IMAGE",),
    ),
    Tampering(
        "the image's hash",
        "UPDATE attachment SET sha256 ="
        " set_byte(sha256, 3, get_byte(sha256, 3) # 1) WHERE kind = 'signature'",
        ("IMAGE",),
    ),
    Tampering(
        "another image",
        "UPDATE application SET signature_attachment_id ="
        " (SELECT attachment_id FROM attachment WHERE kind = 'id_back')",
        ("IMAGE",),
    ),
    Tampering(
        "the statement",
        "UPDATE signature SET statement = set_byte(statement, 10, get_byte(statement, 10) # 1)",
        ("RECORD", *_SIGNED, "CONTENT"),
    ),
    Tampering(
        "the name of the certificate",
        "UPDATE signature SET certificate_sha256 ="
        " set_byte(certificate_sha256, 1, get_byte(certificate_sha256, 1) # 1)",
        ("SIGNATURE",),
    ),
    Tampering(
        "the name of the time-stamp",
        "UPDATE signature SET token_sha256 ="
        " set_byte(token_sha256, 1, get_byte(token_sha256, 1) # 1)",
        ("TIME_STAMP",),
    ),
    Tampering(
        "what was submitted",
        "UPDATE application_revision SET content ="
        " set_byte(content, 60, get_byte(content, 60) # 1)",
        ("CONTENT",),
    ),
    Tampering(
        "the hash of what was submitted",
        "UPDATE application SET content_hash ="
        " set_byte(content_hash, 0, get_byte(content_hash, 0) # 1)",
        ("CONTENT",),
    ),
)


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=[each.name for each in TAMPERINGS])
async def test_whoever_owns_the_database_changes_nothing_unnoticed(
    world: World, submitted: Application, database: Database, tampering: Tampering
) -> None:
    await database.as_owner(tampering.statement)
    assert await broken(world, submitted) == list(tampering.links)


async def test_no_bit_of_the_signature_can_be_changed(
    world: World, submitted: Application, server: App
) -> None:
    stored = await _stored(server, submitted)
    rng = random.Random(1)
    for position in rng.sample(range(len(stored.cms)), 120):
        changed = replace(stored, cms=_flipped(stored.cms, position, rng))
        found = await asyncio.to_thread(verification.prove, changed, server.frame.authority)
        assert not found.is_valid, f"byte {position} of the signature"


async def test_no_bit_of_what_was_signed_can_be_changed(
    world: World, submitted: Application, server: App
) -> None:
    stored = await _stored(server, submitted)
    assert stored.signed_form
    assert stored.image
    rng = random.Random(2)
    parts: dict[str, tuple[bytes, Callable[[bytes], Stored]]] = {
        "statement": (stored.statement, lambda other: replace(stored, statement=other)),
        "form": (stored.signed_form, lambda other: replace(stored, signed_form=other)),
        "image": (stored.image, lambda other: replace(stored, image=other)),
        "content": (stored.content or b"", lambda other: replace(stored, content=other)),
    }
    for part, (content, changed_to) in parts.items():
        for position in rng.sample(range(len(content)), min(40, len(content))):
            changed = changed_to(_flipped(content, position, rng))
            found = await asyncio.to_thread(verification.prove, changed, server.frame.authority)
            assert not found.is_valid, f"byte {position} of the {part}"
    [text] = stored.texts
    assert text
    for position in range(0, len(text), 29):
        other = text[:position] + "囗" + text[position + 1 :]
        changed = replace(stored, texts=(other,))
        found = await asyncio.to_thread(verification.prove, changed, server.frame.authority)
        assert "AGREEMENTS" in found.broken
        assert "SIGNATURE" in found.broken


async def test_another_signatures_time_stamp_or_whole_signature_does_not_fit(
    world: World, submitted: Application, server: App
) -> None:
    other = await paper.submitted(world.second_teller)
    mine, others = await _stored(server, submitted), await _stored(server, other)
    whole = replace(
        mine,
        cms=others.cms,
        certificate_sha256=others.certificate_sha256,
        token_sha256=others.token_sha256,
    )
    found = verification.prove(whole, server.frame.authority)
    assert {"SIGNATURE", "CERTIFICATE", "CONTENT"} <= set(found.broken)
    assert "TIME_STAMP" not in found.broken
    swapped = _with_token(mine.cms, cms.token_of(others.cms))
    found = verification.prove(replace(mine, cms=swapped), server.frame.authority)
    assert {"TIME_STAMP", "CERTIFICATE", "CONTENT"} == set(found.broken)


async def test_one_changed_answer_is_told_even_by_whoever_holds_the_keys(
    world: World, submitted: Application, server: App
) -> None:
    stored = await _stored(server, submitted)
    form = SignedForm.FromString(stored.signed_form or b"")
    form.answers[0].value += "兰"
    statement = SignatureStatement.FromString(stored.statement)
    forged = form.SerializeToString(deterministic=True)
    found = verification.prove(replace(stored, signed_form=forged), server.frame.authority)
    assert {"FORM", "SIGNATURE", "CERTIFICATE", "CONTENT"} <= set(found.broken)
    assert statement.form_hash == stored.form_hash


async def test_a_signature_that_changed_after_the_approval_is_not_executed(
    world: World, submitted: Application, database: Database, clock: Clock
) -> None:
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    await database.as_owner("UPDATE signature SET cms = set_byte(cms, 900, get_byte(cms, 900) # 1)")
    assert await bank.lease(world.core_adapter, "core.open_account") == []
    await clock.advance(0)
    shown = (await paper.get(world.teller, submitted.application_id)).application
    assert shown.state == Application.STATE_EXECUTION_FAILED
    assert "签名" in shown.state_note


async def test_an_operator_verifies_at_the_command_line(
    submitted: Application, settings: Settings, database: Database
) -> None:
    intact = await asyncio.to_thread(_command, settings, submitted.application_id)
    assert intact.returncode == 0, intact.stderr
    assert intact.stdout.count("holds") == 8
    await database.as_owner(
        "UPDATE signature SET statement = set_byte(statement, 10, get_byte(statement, 10) # 1)"
    )
    changed = await asyncio.to_thread(_command, settings, submitted.application_id)
    assert changed.returncode == 1
    assert "SIGNATURE: BROKEN" in changed.stdout
    assert "AGREEMENTS: holds" in changed.stdout
    nothing = await asyncio.to_thread(_command, settings, "no-such-id")
    assert nothing.returncode == 1
    assert "nobody has signed it" in nothing.stderr


def _command(settings: Settings, application_id: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "FINGERTIP_KEY_RING": str(settings.key_ring),
        "FINGERTIP_AUTHORITY": str(settings.authority),
        "FINGERTIP_PRODUCTION": "false",
    }
    return subprocess.run(
        [sys.executable, "-m", "fingertip_server", "signature", "verify", application_id],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


async def _stored(server: App, application: Application) -> Stored:
    stored = await server.units.autocommit(
        lambda c: verification.read(c, server.frame.protection, UUID(application.application_id))
    )
    assert stored
    assert verification.prove(stored, server.frame.authority).is_valid
    return stored


def _flipped(content: bytes, position: int, rng: random.Random) -> bytes:
    changed = bytearray(content)
    changed[position] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _with_token(signature: bytes, token: bytes) -> bytes:
    """Puts another time-stamp into a signature, as a forger would."""
    forged = ContentInfo.load(signature)
    [signer] = forged["content"]["signer_infos"]
    signer["unsigned_attrs"] = [
        CMSAttribute({"type": "signature_time_stamp_token", "values": [ContentInfo.load(token)]})
    ]
    return bytes(forged.dump())
