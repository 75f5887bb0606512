"""A queue with an owner of its own, so that no other domain has to play along."""

from collections.abc import Sequence

import pytest

from fingertip_client.caller import Caller
from fingertip_server.app import App
from tests.conftest import Database
from tests.fulfilment.queue import Owner, Queue, enrol
from tests.world import World


@pytest.fixture
def owner(server: App) -> Owner:
    """Who asks for the work of these tests; every other kind keeps its own owner."""
    owner = Owner()
    server.frame.hooks = owner.hooked(server.frame.hooks)
    return owner


@pytest.fixture
def queue(server: App, owner: Owner, database: Database) -> Queue:
    """The queue as the server's own code fills it."""
    return Queue(server, database)


@pytest.fixture
async def adapters(server: App, world: World) -> Sequence[Caller]:
    """Two adapters of the same system."""
    return [await enrol(server, world, name) for name in ("one", "two")]


@pytest.fixture
def adapter(adapters: Sequence[Caller]) -> Caller:
    """One of the adapters."""
    return adapters[0]
