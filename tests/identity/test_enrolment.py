"""A device exchanges a single-use code for its credential."""

import asyncio

import pytest

from fingertip.identity.v1.device_pb2 import Device
from fingertip.identity.v1.identity_service_pb2 import CreateEnrolmentCodeRequest
from fingertip_client.refusal import Refused
from fingertip_client.request_ids import new_request_id
from tests.conftest import Clock, Database
from tests.identity.enrolling import enrol, make_code, newest_entry, shut_out, stranger
from tests.world import PASSWORD, World, refused


async def test_a_tablet_is_enrolled_and_staff_sign_in_on_it(world: World) -> None:
    made = await make_code(world)
    async with stranger(world) as tablet:
        enrolled = await enrol(tablet, made.enrolment_code)
        assert enrolled.device.device_id == made.device_id
        assert enrolled.device.kind == Device.KIND_TABLET
        assert enrolled.device.state == Device.STATE_ENROLLED
        assert enrolled.device.display_name == "新设备"
        tablet.credentials.device = enrolled.credential
        session = await tablet.sign_in("100103", PASSWORD)
    assert session.device_id == made.device_id


async def test_an_adapter_is_enrolled_for_kinds_of_work(world: World) -> None:
    made = await make_code(
        world, Device.KIND_ADAPTER, branch_id="0000", work_kinds=["core.open_account"]
    )
    async with stranger(world) as adapter:
        enrolled = await enrol(adapter, made.enrolment_code)
    assert list(enrolled.device.work_kinds) == ["core.open_account"]


async def test_a_code_is_typed_as_it_is_read(world: World) -> None:
    made = await make_code(world)
    async with stranger(world) as tablet:
        await enrol(tablet, made.enrolment_code.lower().replace("-", " "))


async def test_a_code_works_once(world: World) -> None:
    made = await make_code(world)
    async with stranger(world) as tablet:
        await enrol(tablet, made.enrolment_code)
        with refused("ENROLMENT_CODE_INVALID"):
            await enrol(tablet, made.enrolment_code)


async def test_of_many_who_use_one_code_together_one_is_enrolled(world: World) -> None:
    made = await make_code(world)

    async def attempt() -> str:
        async with stranger(world) as tablet:
            try:
                await enrol(tablet, made.enrolment_code)
            except Refused as error:
                return error.reason
            return "ENROLLED"

    outcomes = await asyncio.gather(*(attempt() for _ in range(12)))
    assert sorted(outcomes) == ["ENROLLED"] + ["ENROLMENT_CODE_INVALID"] * 11


async def test_a_code_lasts_ten_minutes(world: World, clock: Clock) -> None:
    early, late = await make_code(world), await make_code(world)
    async with stranger(world) as tablet:
        await clock.advance(seconds=590)
        await enrol(tablet, early.enrolment_code)
        await clock.advance(seconds=11)
        with refused("ENROLMENT_CODE_INVALID"):
            await enrol(tablet, late.enrolment_code)


async def test_a_code_that_nobody_made_is_refused(world: World) -> None:
    async with stranger(world) as tablet:
        with refused("ENROLMENT_CODE_INVALID"):
            await enrol(tablet, "0000-0000-0000")


async def test_repeating_an_enrolment_voids_the_former_credential(world: World) -> None:
    made = await make_code(world)
    request_id = new_request_id()
    async with stranger(world) as tablet:
        first = await enrol(tablet, made.enrolment_code, request_id)
        tablet.credentials.device = first.credential
        await tablet.sign_in("100103", PASSWORD)
        second = await enrol(tablet, made.enrolment_code, request_id)
        assert second.device == first.device
        assert second.credential not in {"", first.credential}
    entry = await newest_entry(world, "0101")
    assert (entry.object_id, entry.object_state) == (made.device_id, "RENEWED")
    async with stranger(world, first.credential) as former:
        await shut_out(former)
    async with stranger(world, second.credential) as present:
        await present.sign_in("100103", PASSWORD)


async def test_an_enrolment_cannot_be_repeated_once_its_code_is_over(
    world: World, clock: Clock, database: Database
) -> None:
    made = await make_code(world)
    request_id = new_request_id()
    async with stranger(world) as tablet:
        await enrol(tablet, made.enrolment_code, request_id)
        await clock.advance(seconds=601)
        with refused("ENROLMENT_CODE_INVALID"):
            await enrol(tablet, made.enrolment_code, request_id)
    [entry] = await database.as_owner("SELECT * FROM audit_entry WHERE outcome = 'REFUSED'")
    assert (entry["chain"], entry["reason"]) == ("security", "ENROLMENT_CODE_INVALID")


async def test_repeating_the_making_of_a_code_voids_the_former_code(world: World) -> None:
    request_id = new_request_id()
    first = await make_code(world, request_id=request_id)
    second = await make_code(world, request_id=request_id)
    assert second.device_id == first.device_id
    assert second.enrolment_code not in {"", first.enrolment_code}
    entry = await newest_entry(world, "0101")
    assert (entry.object_id, entry.object_state) == (second.device_id, "INVITED_AGAIN")
    async with stranger(world) as tablet:
        with refused("ENROLMENT_CODE_INVALID"):
            await enrol(tablet, first.enrolment_code)
        await enrol(tablet, second.enrolment_code)
    with refused("ENROLMENT_CODE_INVALID"):
        await make_code(world, request_id=request_id)


async def test_a_device_stands_in_a_unit_of_the_bank(world: World) -> None:
    with refused("BRANCH_NOT_FOUND"):
        await make_code(world, branch_id="7777")


@pytest.mark.parametrize(
    "faulty",
    [
        CreateEnrolmentCodeRequest(kind=Device.KIND_ADAPTER),
        CreateEnrolmentCodeRequest(kind=Device.KIND_TABLET, work_kinds=["core.view"]),
        CreateEnrolmentCodeRequest(kind=Device.KIND_ADAPTER, work_kinds=["core"]),
        CreateEnrolmentCodeRequest(kind=Device.KIND_UNSPECIFIED),
    ],
)
async def test_work_kinds_belong_to_adapters(
    world: World, faulty: CreateEnrolmentCodeRequest
) -> None:
    request = CreateEnrolmentCodeRequest(
        request_id=new_request_id(), branch_id="0101", display_name="新设备"
    )
    request.MergeFrom(faulty)
    with refused("INVALID_REQUEST"):
        await world.security_admin.identity.CreateEnrolmentCode(request)


async def test_both_steps_are_on_the_chain_of_the_devices_branch(world: World) -> None:
    made = await make_code(world, branch_id="0102")
    entry = await newest_entry(world, "0102")
    assert (entry.actor.actor_id, entry.object_id) == ("000002", made.device_id)
    assert (entry.object_kind, entry.object_state) == ("device", "INVITED")
    async with stranger(world) as tablet:
        await enrol(tablet, made.enrolment_code)
    entry = await newest_entry(world, "0102")
    assert (entry.action, entry.object_id) == (
        "identity.v1.IdentityService/EnrolDevice",
        made.device_id,
    )
    assert entry.object_state == "ENROLLED"


async def test_neither_code_nor_credential_is_in_the_database(
    world: World, database: Database
) -> None:
    made = await make_code(world)
    async with stranger(world) as tablet:
        enrolled = await enrol(tablet, made.enrolment_code)
    for table in ("device", "enrolment_code", "idempotency", "audit_entry"):
        rows = await database.as_owner(f"SELECT * FROM {table}")  # noqa: S608 - named above
        content = repr([tuple(row.values()) for row in rows])
        assert rows
        assert enrolled.credential not in content
        assert made.enrolment_code not in content
