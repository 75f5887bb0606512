"""How long the feed reaches back."""

import pytest

from fingertip_server.app import App
from tests.applications import paper
from tests.conftest import Clock, Database
from tests.events.publishing import BRANCH, next_message, publish, watching
from tests.world import World, refused

HOUR = 3600


async def _head(database: Database, topic: str = BRANCH) -> tuple[int, int]:
    """Returns up to where the events of a topic are forgotten, and up to where there are any."""
    [row] = await database.as_owner("SELECT * FROM topic_head WHERE topic = $1", topic)
    return row["feed_floor"], row["feed_position"]


async def test_events_are_forgotten_after_a_day_and_the_topic_knows_up_to_where(
    server: App, world: World, database: Database, clock: Clock
) -> None:
    # Off shift: what he may see does not change meanwhile.
    watcher = world.caller("100107")
    async with watching(watcher) as stream:
        token = (await next_message(stream)).resume_token
    await publish(server, 1)
    _, older = await _head(database)
    await clock.advance(23 * HOUR)
    assert (await _head(database))[0] == 0
    await publish(server, 2)
    _, newer = await _head(database)
    await clock.advance(HOUR + 600)
    assert (await _head(database))[0] == older
    rows = await database.as_owner("SELECT position FROM feed_event WHERE topic = $1", BRANCH)
    kept = {row["position"] for row in rows}
    assert newer in kept
    assert min(kept) > older
    await paper.stay_signed_in(database)
    with refused("RESUME_TOKEN_EXPIRED"):
        async with watching(watcher, token) as stream:
            await next_message(stream)


@pytest.mark.parametrize("topic", [BRANCH, "security"])
async def test_what_has_piled_up_is_forgotten_bit_by_bit(
    server: App, database: Database, topic: str
) -> None:
    # The server would forget by itself, ten minutes after the template was made.
    await database.as_owner("DELETE FROM timer WHERE kind = 'rpc.prune'")
    for number in range(5):
        await publish(server, number)
    await database.as_owner("DELETE FROM feed_event WHERE topic <> $1", topic)
    [first, *others] = await database.as_owner(
        "UPDATE feed_event SET created_at = created_at - interval '2 days' RETURNING position"
    )
    left = sorted(row["position"] for row in [first, *others])
    while left:
        [row] = await database.as_application(
            "SELECT fingertip_prune_feed(interval '24 hours', 2) AS gone"
        )
        assert row["gone"] == min(2, len(left))
        gone, left = left[:2], left[2:]
        assert (await _head(database, topic))[0] == gone[-1]


async def test_nobody_has_less_than_an_hour_forgotten(server: App, database: Database) -> None:
    await publish(server, 1)
    await database.as_application("SELECT fingertip_prune_feed(interval '0', 1000)")
    assert (await _head(database))[0] == 0
