"""Units of work when the database ends their session in the middle."""

import time

import pytest
from sqlalchemy import Connection, text

from fingertip_server import errors
from fingertip_server.app import App
from fingertip_server.settings import Settings

_IMPATIENT = text("SET LOCAL idle_in_transaction_session_timeout = '50ms'")
_END_OURS = text("SELECT pg_terminate_backend(pg_backend_pid())")
_NOTHING = text("SELECT 1")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"connections_max": 3})


def _stall_before_commit(connection: Connection) -> None:
    connection.execute(_IMPATIENT)
    # On purpose without letting anything else run: so stalls a process that has too much to do.
    time.sleep(0.2)


def _stall_before_a_statement(connection: Connection) -> None:
    _stall_before_commit(connection)
    connection.execute(_NOTHING)


def _be_ended(connection: Connection) -> None:
    connection.execute(_END_OURS)


@pytest.mark.parametrize("work", [_stall_before_commit, _stall_before_a_statement, _be_ended])
async def test_a_session_that_ends_in_the_middle_is_unavailability(
    server: App, work: object
) -> None:
    assert callable(work)
    for _ in range(server.settings.connections_max + 1):
        with pytest.raises(errors.Unavailable):
            await server.units.transaction(work)
    # Whichever connections broke, none of them is used again.
    for _ in range(server.settings.connections_max + 1):
        await server.units.transaction(lambda connection: connection.execute(_NOTHING))
