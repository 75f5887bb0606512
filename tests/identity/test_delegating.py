"""Authority is lent within the unit, for a scope and a while, and taken back at once."""

from uuid import uuid4

import asyncpg
import pytest

from fingertip.identity.v1.delegation_pb2 import Delegation
from fingertip.identity.v1.identity_service_pb2 import DelegateAuthorityRequest, ListStaffRequest
from tests.conftest import Clock, Database
from tests.identity.enrolling import newest_entry, who_am_i
from tests.identity.lending import lend, lending, listed, revoke
from tests.world import World, refused


async def test_what_is_lent_is_seen_by_the_whole_unit(world: World) -> None:
    assert (await who_am_i(world.second_teller)).session.staff.effective_level == 1
    made = await lend(world.branch_manager, lending())
    assert (made.delegator_id, made.delegate_id, made.level) == ("100108", "100104", 2)
    assert made.state == Delegation.STATE_IN_FORCE
    assert await listed(world.teller) == [made]
    assert not await listed(world.other_teller)
    session = (await who_am_i(world.second_teller)).session
    assert (session.staff.level, session.staff.effective_level) == (1, 2)
    staff = (await world.branch_manager.identity.ListStaff(ListStaffRequest())).staff
    assert {each.staff_id: each.effective_level for each in staff if each.level == 1}["100104"] == 2
    entry = await newest_entry(world, "0101")
    assert (entry.object_kind, entry.object_id) == ("delegation", made.delegation_id)
    assert entry.purpose == "主任外出"


async def test_lending_repeated_lends_once(world: World) -> None:
    request = lending()
    made = await lend(world.branch_manager, request)
    assert await lend(world.branch_manager, request) == made
    assert await listed(world.branch_manager) == [made]


async def test_what_is_lent_ends_by_itself(world: World, clock: Clock) -> None:
    made = await lend(world.branch_manager, lending(hours=0.1))
    await clock.advance(0.1 * 3600 + 1)
    assert (await who_am_i(world.second_teller)).session.staff.effective_level == 1
    assert not await listed(world.teller)
    [ended] = await listed(world.teller, with_ended=True)
    assert (ended.delegation_id, ended.state) == (made.delegation_id, Delegation.STATE_EXPIRED)
    entry = await newest_entry(world, "0101")
    assert (entry.object_id, entry.object_state) == (made.delegation_id, "EXPIRED")


async def test_what_was_lent_is_taken_back_by_whoever_leads_the_unit(world: World) -> None:
    made = await lend(world.branch_manager, lending())
    taken_back = await revoke(world.branch_manager, made)
    assert taken_back.state == Delegation.STATE_REVOKED
    assert (await revoke(world.branch_manager, made)) == taken_back
    assert (await who_am_i(world.second_teller)).session.staff.effective_level == 1
    entry = await newest_entry(world, "0101")
    assert (entry.object_state, entry.purpose) == ("REVOKED", "主任已返岗")
    with refused("DELEGATION_NOT_FOUND"):
        await revoke(world.centre_supervisor, made)


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        (lending("100108"), "same_person"),
        (lending(level=4), "level"),
        (lending(hours=-1), "expire_time"),
        (lending(hours=24 * 15 + 1), "expire_time"),
        (lending(scene_codes=["no_such_scene"]), "scope"),
        (lending(skills=["no_such_skill"]), "scope"),
    ],
    ids=["oneself", "too_high", "past", "too_long", "scene", "skill"],
)
async def test_authority_is_not_lent_like_this(
    world: World, request_: DelegateAuthorityRequest, rule: str
) -> None:
    with refused("DELEGATION_NOT_ALLOWED") as caught:
        await lend(world.branch_manager, request_)
    assert caught.value.metadata == {"rule": rule}


async def test_nobody_lends_to_whom_he_does_not_work_with(world: World, database: Database) -> None:
    with refused("OTHER_BRANCH"):
        await lend(world.branch_manager, lending("100202"))
    with refused("STAFF_NOT_FOUND"):
        await lend(world.branch_manager, lending("199999"))
    await database.as_owner("UPDATE staff SET state = 'SUSPENDED' WHERE staff_id = '100104'")
    with refused("DELEGATION_NOT_ALLOWED") as caught:
        await lend(world.branch_manager, lending())
    assert caught.value.metadata == {"rule": "state"}


async def test_what_was_lent_is_not_lent_on(world: World, database: Database) -> None:
    """A teller who leads while the manager is away lends his own level, not the manager's."""
    await database.as_owner(
        "UPDATE staff SET roles = roles || '{branch_manager}' WHERE staff_id = '100104'"
    )
    await lend(world.branch_manager, lending(level=3))
    with refused("DELEGATION_NOT_ALLOWED") as caught:
        await lend(world.second_teller, lending("100105", level=2))
    assert caught.value.metadata == {"rule": "level"}
    await lend(world.second_teller, lending("100105", level=1))


async def test_a_lender_who_is_suspended_lends_nothing_any_more(
    world: World, database: Database
) -> None:
    await lend(world.branch_manager, lending())
    await database.as_owner("UPDATE staff SET state = 'SUSPENDED' WHERE staff_id = '100108'")
    assert (await who_am_i(world.second_teller)).session.staff.effective_level == 1


async def test_who_leads_nobody_lends_nothing(world: World) -> None:
    for caller in (world.teller, world.authoriser):
        with refused("PERMISSION_MISSING"):
            await lend(caller, lending())


async def test_the_database_lets_nobody_lend_to_himself(database: Database) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="persons"):
        await database.as_application(
            "INSERT INTO delegation (delegation_id, branch_id, delegator_id, delegator_person_id,"
            " delegate_id, delegate_person_id, level, scene_codes, skills, purpose, expires_at)"
            " VALUES ($1, '0101', '100105', $2, '100104', $2, 1, '{}', '{account_opening}', '-',"
            " fingertip_now() + interval '1 h')",
            uuid4(),
            uuid4(),
        )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.as_application("DELETE FROM delegation")
