"""A customer signs what he has read, once, with a key that nobody has afterwards."""

import asyncio
from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import pkcs7

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import (
    ShowAgreementRequest,
    SignApplicationRequest,
)
from fingertip.applications.v1.content_pb2 import ApplicationContent
from fingertip_server.app import App
from fingertip_server.packs.schema_policies import Policies
from tests.applications import paper
from tests.authorization import desk
from tests.conftest import Clock, Database
from tests.world import World, refused

_TEXT = "debit_card_account"


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


@pytest.fixture
async def ready(world: World) -> Application:
    """An application that lacks nothing but reading and signature."""
    application = await paper.save(world.teller, await paper.start(world.teller), paper.ANSWERS)
    return await paper.attach(world.teller, application, "signature")


async def show(world: World, application: Application) -> Application:
    return await paper.show_agreements(world.teller, application)


async def sign(world: World, request: SignApplicationRequest) -> Application:
    return (await world.teller.applications.SignApplication(request)).application


@pytest.fixture
def slow(server: App) -> int:
    """How many seconds the text takes to read at ten characters a second."""
    bank = server.frame.bank
    values = {**bank.policies.values, "agreements.characters_per_second": 10}
    bank.policies = Policies(values)
    return bank.reading_seconds(bank.agreement(f"{_TEXT}.v2"))


async def test_the_text_is_shown_and_since_when_is_noted_once(
    world: World, ready: Application, clock: Clock
) -> None:
    request = ShowAgreementRequest(
        request_id=paper.request_id(),
        application_id=ready.application_id,
        agreement_code=_TEXT,
    )
    first = await world.teller.applications.ShowAgreement(request)
    assert first.agreement.text.startswith("一、")
    [shown] = first.application.agreements_shown
    assert (shown.version, shown.sha256) == (2, first.agreement.sha256)
    await clock.advance(5)
    request.request_id = paper.request_id()
    again = await world.teller.applications.ShowAgreement(request)
    assert list(again.application.agreements_shown) == [shown]
    assert again.application.version == first.application.version


async def test_an_agreement_that_the_form_has_not_is_neither_shown_nor_signed(
    world: World, ready: Application
) -> None:
    with refused("AGREEMENT_UNKNOWN") as caught:
        await world.teller.applications.ShowAgreement(
            ShowAgreementRequest(
                request_id=paper.request_id(),
                application_id=ready.application_id,
                agreement_code="something_else",
            )
        )
    assert caught.value.metadata == {"agreement_code": "something_else"}
    request = paper.signature(await show(world, ready))
    more = request.agreements_read.add(agreement_code="something_else", version=1)
    more.sha256 = b"x" * 32
    with refused("AGREEMENT_UNKNOWN"):
        await sign(world, request)


async def test_who_was_shown_nothing_signs_nothing(world: World, ready: Application) -> None:
    shown = await show(world, ready)
    request = paper.signature(shown)
    del request.agreements_read[:]
    await _is_unread(world, request, "shown")
    # What was shown before an answer changed was about something else.
    changed = await paper.save(world.teller, shown, {"occupation": "clerk"})
    assert not changed.agreements_shown
    request = paper.signature(changed)
    request.agreements_read.extend(paper.signature(shown).agreements_read)
    await _is_unread(world, request, "shown")


async def test_who_did_not_see_the_end_signs_nothing(world: World, ready: Application) -> None:
    request = paper.signature(await show(world, ready))
    request.agreements_read[0].scrolled_to_end = False
    await _is_unread(world, request, "end")


async def test_another_text_than_the_forms_is_not_signed(world: World, ready: Application) -> None:
    shown = await show(world, ready)
    for change in ({"version": 1}, {"sha256": b"x" * 32}):
        request = paper.signature(shown)
        for name, value in change.items():
            setattr(request.agreements_read[0], name, value)
        with refused("AGREEMENT_CHANGED") as caught:
            await sign(world, request)
        assert caught.value.metadata == {"agreement_code": _TEXT}


async def test_reading_takes_its_time_by_the_servers_clock_and_the_tablets(
    world: World, ready: Application, clock: Clock, slow: int
) -> None:
    assert slow > 20
    shown = await show(world, ready)
    # The tablet alone says that time passed.
    await _is_unread(world, _read_for(shown, slow), "time", left=slow)
    await clock.advance(slow - 5)
    await _is_unread(world, _read_for(shown, slow), "time", left=5)
    await clock.advance(10)
    # The server's time passed, but the text was not on the screen.
    await _is_unread(world, _read_for(shown, 7), "time", left=slow - 7)
    # Longer than it was there for it cannot have been read.
    await _is_unread(world, _read_for(shown, slow + 60), "time", left=0)
    assert (await sign(world, _read_for(shown, slow + 3))).signed


async def test_a_signature_names_its_certificate_in_what_is_authorised(
    world: World, ready: Application, database: Database
) -> None:
    del ready
    submitted = await paper.submitted(world.teller)
    assert submitted.signed
    task = await desk.claim(world.authoriser)
    shown = await desk.look_at(world.authoriser, task)
    content = ApplicationContent.FromString(shown.content)
    [row] = await database.as_owner("SELECT * FROM signature")
    assert content.signature.signature_id == submitted.signature_id == str(row["signature_id"])
    assert content.signature.certificate_sha256 == row["certificate_sha256"]
    [certificate] = [
        each
        for each in pkcs7.load_der_pkcs7_certificates(row["cms"])
        if each.fingerprint(hashes.SHA256()) == row["certificate_sha256"]
    ]
    subject = certificate.subject.rfc4514_string()
    assert submitted.customer_id in subject
    assert "DEMO" not in subject
    assert "王" not in subject
    valid = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert valid.total_seconds() == 11 * 60


async def test_a_repeated_signature_is_answered_the_same_and_not_made_again(
    world: World, ready: Application, database: Database, server: App
) -> None:
    request = paper.signature(await show(world, ready))
    first, twin = await asyncio.gather(
        *(world.teller.applications.SignApplication(request) for _ in range(2))
    )
    assert first == twin
    server.frame.authority.sign = None  # type: ignore[assignment,method-assign]
    assert await world.teller.applications.SignApplication(request) == first
    [row] = await database.as_owner("SELECT count(*) AS signatures FROM signature")
    assert row["signatures"] == 1


async def test_what_changed_while_it_was_signed_is_not_signed(
    world: World, ready: Application, server: App, database: Database
) -> None:
    request = paper.signature(await show(world, ready))
    authority = server.frame.authority
    really = authority.sign

    async def sign_slowly(*arguments: object) -> object:
        await database.as_owner(
            "UPDATE application SET version = version + 1 WHERE application_id = $1",
            request.application_id,
        )
        return await really(*arguments)  # type: ignore[arg-type]

    authority.sign = sign_slowly  # type: ignore[method-assign,assignment]
    with refused("ETAG_MISMATCH"):
        await sign(world, request)
    assert await database.as_owner("SELECT 1 FROM signature") == []


async def test_the_servers_role_cannot_change_a_signature(
    world: World, ready: Application, database: Database
) -> None:
    await sign(world, paper.signature(await show(world, ready)))
    for statement in ("UPDATE signature SET form_hash = form_hash", "DELETE FROM signature"):
        with pytest.raises(Exception, match="permission denied"):
            await database.as_application(statement)


def _read_for(application: Application, seconds: int) -> SignApplicationRequest:
    request = paper.signature(application)
    request.agreements_read[0].seconds = seconds
    return request


async def _is_unread(
    world: World, request: SignApplicationRequest, missing: str, left: int = 0
) -> None:
    request.request_id = paper.request_id()
    with refused("AGREEMENT_NOT_READ") as caught:
        await sign(world, request)
    said: Mapping[str, str] = caught.value.metadata
    assert (said["agreement_code"], said["missing"]) == (_TEXT, missing)
    assert left - 2 <= int(said["seconds_left"]) <= left
