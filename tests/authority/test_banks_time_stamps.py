"""With the bank's time-stamp authority set, it stamps the time, or nothing is signed."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import SignApplicationRequest
from fingertip.applications.v1.applications_service_pb2_grpc import ApplicationsServiceStub
from fingertip_server import settings as settings_module
from fingertip_server.app import App
from fingertip_server.authority import chains
from fingertip_server.settings import Settings, SettingsRefused
from tests.applications import paper
from tests.authority.tsa import BanksAuthority, open_authority
from tests.conftest import Database
from tests.world import World, refused


@pytest.fixture
def banks() -> Iterator[BanksAuthority]:
    with open_authority() as authority:
        yield authority


@pytest.fixture
def settings(settings: Settings, banks: BanksAuthority, tmp_path: Path) -> Settings:
    return settings.model_copy(
        update={
            "tsa_url": banks.url,
            "tsa_anchors": banks.write_anchors(tmp_path / "tsa.pem"),
            "tsa_seconds_max": 0.5,
        }
    )


@pytest.fixture
async def request_(world: World) -> SignApplicationRequest:
    await paper.synchronise(world)
    application = await paper.save(world.teller, await paper.start(world.teller), paper.ANSWERS)
    application = await paper.attach(world.teller, application, "signature")
    return paper.signature(await paper.show_agreements(world.teller, application))


async def sign(world: World, request: SignApplicationRequest) -> Application:
    return (await world.teller.applications.SignApplication(request)).application


async def sign_once(world: World, request: SignApplicationRequest) -> None:
    """Signs without repeating what was UNAVAILABLE, which a client of ours does."""
    metadata = (
        ("fingertip-device", world.credentials.devices["100103"]),
        ("authorization", f"Bearer {world.credentials.tokens['100103']}"),
    )
    async with grpc.aio.insecure_channel(world.targets[0]) as channel:
        stub = ApplicationsServiceStub(channel)
        await stub.SignApplication(request, metadata=metadata, timeout=10)


async def test_the_banks_authority_stamps_and_its_stamp_is_proved(
    world: World,
    request_: SignApplicationRequest,
    banks: BanksAuthority,
    server: App,
    database: Database,
) -> None:
    signed = await sign(world, request_)
    assert (await paper.verify(world.teller, signed.application_id)).valid
    assert banks.asked == 1
    [row] = await database.as_owner("SELECT cms FROM signature")
    stamp = server.frame.authority.stamp_of(row["cms"])
    stamper = chains.fingerprint(banks.stamper.certificate)
    assert chains.fingerprint(stamp.certificate) == stamper


@pytest.mark.parametrize(
    "spoilt",
    [
        "silence",
        "status",
        "garbage",
        "huge",
        "rejection",
        "nonce",
        "content",
        "purpose",
        "time",
    ],
)
async def test_an_answer_that_proves_nothing_signs_nothing_and_may_be_asked_for_again(
    world: World,
    request_: SignApplicationRequest,
    banks: BanksAuthority,
    database: Database,
    spoilt: str,
) -> None:
    banks.spoilt = spoilt
    with refused("TIME_STAMP_UNAVAILABLE"):
        await sign_once(world, request_)
    assert await database.as_owner("SELECT 1 FROM signature") == []
    banks.spoilt = ""
    banks.hold.set()
    assert (await sign(world, request_)).signed


async def test_a_repetition_needs_no_time_stamp(
    world: World, request_: SignApplicationRequest, banks: BanksAuthority
) -> None:
    signed = await sign(world, request_)
    banks.spoilt = "status"
    asked = banks.asked
    assert await sign(world, request_) == signed
    assert banks.asked == asked


async def test_another_authority_than_the_banks_is_not_believed(
    world: World, request_: SignApplicationRequest, banks: BanksAuthority
) -> None:
    with open_authority() as strangers:
        banks.stamper, banks.root = strangers.stamper, strangers.root
        with refused("TIME_STAMP_UNAVAILABLE"):
            await sign_once(world, request_)


@pytest.mark.parametrize(
    "given",
    [
        {"tsa_url": "ftp://tsa", "tsa_anchors": Path("anchors")},
        {"tsa_url": "http://", "tsa_anchors": Path("anchors")},
        {"tsa_url": "http://tsa"},
        {"tsa_anchors": Path("anchors")},
    ],
)
def test_an_authority_without_a_url_or_anchors_is_none(given: dict[str, object]) -> None:
    with pytest.raises(SettingsRefused, match="TSA"):
        settings_module.load(
            database_url="postgresql://app@db/bank",
            key_ring=Path("ring"),
            authority=Path("authority"),
            **given,
        )
