"""What the operator does at the command line."""

import pytest

from fingertip.audit.v1.audit_entry_pb2 import Actor
from fingertip.identity.v1.device_pb2 import Device
from fingertip_server import errors
from fingertip_server.app import App
from fingertip_server.identity import accounts, operator, passwords
from fingertip_server.identity.enrolment import Invitation
from fingertip_server.rpc.call import Call
from tests.conftest import Database
from tests.identity.enrolling import enrol, newest_entry, stranger
from tests.world import PASSWORD, World, refused


async def test_the_first_device_is_enrolled_with_the_operators_code(
    server: App, world: World
) -> None:
    made: list[Invitation] = []

    def invite(call: Call) -> None:
        made.append(
            operator.create_enrolment_code(
                call,
                kind=Device.KIND_ADAPTER,
                branch_id="0000",
                display_name="核心适配器",
                work_kinds=["core.open_account"],
            )
        )

    await server.pipeline.due("operator/create_enrolment_code", invite)
    entry = await newest_entry(world, "0000")
    assert (entry.actor.kind, entry.object_state) == (Actor.KIND_SYSTEM, "INVITED")
    async with stranger(world) as adapter:
        enrolled = await enrol(adapter, made[0].code)
    assert enrolled.device.kind == Device.KIND_ADAPTER
    assert enrolled.device.device_id == str(made[0].device_id)


async def test_the_operator_sets_a_password(server: App, world: World) -> None:
    former = await server.units.autocommit(lambda c: accounts.former_hashes(c, "100103"))
    with pytest.raises(errors.InvalidState):
        passwords.accepted_hash("100103", PASSWORD, former)
    hashed = passwords.accepted_hash("100103", "another-good-one", former)
    await server.pipeline.due(
        "operator/set_password", lambda call: operator.set_password(call, "100103", hashed)
    )
    entry = await newest_entry(world, "0101")
    assert (entry.object_id, entry.object_state) == ("100103", "PASSWORD_SET")
    with refused("WRONG_CREDENTIALS"):
        await world.bare_tablet.sign_in("100103", PASSWORD)
    await world.bare_tablet.sign_in("100103", "another-good-one")


async def test_a_former_password_is_refused_for_ever(server: App) -> None:
    hashed = passwords.accepted_hash("100103", "another-good-one", [])
    await server.pipeline.due(
        "operator/set_password", lambda call: operator.set_password(call, "100103", hashed)
    )
    former = await server.units.autocommit(lambda c: accounts.former_hashes(c, "100103"))
    for password in (PASSWORD, "another-good-one"):
        with pytest.raises(errors.InvalidState) as refusal:
            passwords.accepted_hash("100103", password, former)
        assert refusal.value.reason_name == "PASSWORD_NOT_ACCEPTED"


async def test_nobody_has_a_password_set_who_is_no_staff(server: App) -> None:
    with pytest.raises(errors.NotFound) as refusal:
        await server.pipeline.due(
            "operator/set_password", lambda call: operator.set_password(call, "777777", "hash")
        )
    assert refusal.value.reason_name == "STAFF_NOT_FOUND"


async def test_who_has_no_password_yet_is_told(server: App, database: Database) -> None:
    assert await server.units.autocommit(accounts.without_password) == []
    await database.as_owner(
        "DELETE FROM staff_credential WHERE staff_id IN ('100103', '900102', '100104')"
    )
    await database.as_owner("UPDATE staff SET state = 'SUSPENDED' WHERE staff_id = '100104'")
    found = await server.units.autocommit(accounts.without_password)
    assert found == ["100103", "900102"]
