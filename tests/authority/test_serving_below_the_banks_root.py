"""A server whose root is the bank's signs, verifies and hands out copies as any other does."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fingertip_server.app import App
from fingertip_server.authority import keyfile, subordination
from fingertip_server.settings import Settings
from tests.applications import paper
from tests.applications.test_customer_copy import copy, validate
from tests.authority.banks_ca import BanksCa
from tests.world import World


@pytest.fixture
def between() -> tuple[BanksCa, BanksCa]:
    """The bank's root, and the authority below it that issues."""
    root = BanksCa.root()
    return root, root.below("某银行业务")


@pytest.fixture
def root(between: tuple[BanksCa, BanksCa], tmp_path: Path) -> Path:
    """The certificate that a reader is told to trust."""
    return between[0].write(tmp_path / "root.pem")


@pytest.fixture
def settings(
    settings: Settings,
    authority: Path,
    tmp_path: Path,
    root: Path,
    between: tuple[BanksCa, BanksCa],
) -> Settings:
    """The authority that served this database until now, below the bank's root from now on."""
    file = tmp_path / "authority.json"
    shutil.copy(authority, file)
    issued = [between[1].issue(request) for request in subordination.request(file)]
    subordination.complete(file, root, [*issued, between[1].write(tmp_path / "between.pem")])
    # The three that the server needs; a key has two such lines.
    assert file.read_text().count("PRIVATE KEY") == 2 * 3
    return settings.model_copy(update={"authority": file})


async def test_a_signature_and_its_copy_are_proved_by_the_banks_root(
    world: World, root: Path
) -> None:
    await paper.synchronise(world)
    submitted = await paper.submitted(world.teller)
    assert (await paper.verify(world.teller, submitted.application_id)).valid
    status = await validate((await copy(world.teller, submitted)).content, root)
    assert status.bottom_line
    assert status.docmdp_ok
    assert status.timestamp_validity
    assert status.timestamp_validity.trusted


async def test_a_renewal_stops_no_server_and_leaves_what_was_signed_before(
    world: World,
    server: App,
    settings: Settings,
    root: Path,
    between: tuple[BanksCa, BanksCa],
    tmp_path: Path,
) -> None:
    await paper.synchronise(world)
    submitted = await paper.submitted(world.teller)
    # By the root itself this time, so that what was between is there no more.
    requests = subordination.request(settings.authority)
    renewed = subordination.complete(
        settings.authority, root, [between[0].issue(request) for request in requests]
    )
    assert not renewed.intermediates
    assert keyfile.load(settings.authority).root == between[0].certificate
    verified = await asyncio.to_thread(_verified, settings, submitted.application_id)
    assert verified.returncode == 0, verified.stderr + verified.stdout
    successor = App(settings)
    await successor.start()
    try:
        assert successor.frame.authority.fingerprint == server.frame.authority.fingerprint
    finally:
        await successor.drain()


def _verified(settings: Settings, application_id: str) -> "subprocess.CompletedProcess[str]":
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
