"""A server with work for the bank, and an owner of that work who remembers what he is told."""

from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import pytest

from fingertip_client.credentials import DeviceFile
from fingertip_server.app import App
from fingertip_server.packs.schema_policies import Policies
from tests.conftest import Database
from tests.core_banking.orders import RESULTS
from tests.fulfilment.queue import Owner, Queue
from tests.world import World

# Short, so that heartbeats and lapses happen while a test waits.
LEASE_SECONDS = 1.5


@pytest.fixture
def owner(server: App) -> Owner:
    """Who asks for the work of these tests, in the place of the domains that really do."""
    owner = Owner()
    server.frame.hooks = owner.hooked(server.frame.hooks, RESULTS)
    bank = server.frame.bank
    lease = timedelta(seconds=LEASE_SECONDS)
    bank.policies = Policies(MappingProxyType({**bank.policies.values, "fulfilment.lease": lease}))
    return owner


@pytest.fixture
def queue(server: App, owner: Owner, database: Database) -> Queue:
    """The queue as the server's own code fills it."""
    return Queue(server, database)


@pytest.fixture
def credential_file(world: World, tmp_path: Path) -> Path:
    """The core adapter's credential as it is kept on its machine."""
    path = tmp_path / "adapter.json"
    DeviceFile("", "0000", "core", world.credentials.devices["core_adapter"]).save(path)
    return path
