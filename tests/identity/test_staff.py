"""The head office sees all staff, and suspends accounts."""

from collections.abc import Sequence

import pytest

from fingertip.identity.v1.identity_service_pb2 import (
    ListStaffRequest,
    SuspendStaffRequest,
    SuspendStaffResponse,
)
from fingertip.identity.v1.staff_pb2 import Staff
from fingertip_client.caller import Caller
from fingertip_client.request_ids import new_request_id
from tests.identity.enrolling import newest_entry, shut_out, stranger, who_am_i
from tests.world import PASSWORD, World, read_demo, refused


async def list_staff(caller: Caller, branch_id: str = "") -> Sequence[Staff]:
    response = await caller.identity.ListStaff(ListStaffRequest(branch_id=branch_id))
    return response.staff


async def suspend(
    world: World, staff_id: str, *, suspended: bool = True, request_id: str = ""
) -> SuspendStaffResponse:
    return await world.security_admin.identity.SuspendStaff(
        SuspendStaffRequest(
            request_id=request_id or new_request_id(),
            staff_id=staff_id,
            suspended=suspended,
            purpose="设备遗失调查",
        )
    )


async def test_the_head_office_lists_everybody_by_number(world: World) -> None:
    staff = await list_staff(world.security_admin)
    assert [member.staff_id for member in staff] == sorted(
        member.staff_number for member in read_demo().staff
    )
    members = {member.staff_id: member for member in staff}
    assert "account_opening" in members["900102"].skills
    assert members["100103"].on_shift
    assert members["100103"].state == Staff.STATE_ACTIVE
    assert members["100105"].person_id == members["900105"].person_id


async def test_a_list_comes_in_pages(world: World) -> None:
    found: list[str] = []
    request = ListStaffRequest(page_size=7)
    while True:
        page = await world.auditor.identity.ListStaff(request)
        found += [member.staff_id for member in page.staff]
        if not page.next_page_token:
            break
        assert len(page.staff) == 7
        request.page_token = page.next_page_token
    assert found == sorted(member.staff_number for member in read_demo().staff)


async def test_a_page_token_belongs_to_its_filter(world: World) -> None:
    page = await world.auditor.identity.ListStaff(ListStaffRequest(page_size=7))
    with refused("INVALID_PAGE_TOKEN"):
        await world.auditor.identity.ListStaff(
            ListStaffRequest(branch_id="0101", page_token=page.next_page_token)
        )


async def test_a_unit_lists_its_own_staff(world: World) -> None:
    own = await list_staff(world.branch_manager)
    assert {member.branch_id for member in own} == {"0101"}
    assert own == await list_staff(world.branch_manager, "0101")
    assert own == await list_staff(world.auditor, "0101")
    with refused("OTHER_BRANCH"):
        await list_staff(world.branch_manager, "0102")
    assert {member.branch_id for member in await list_staff(world.centre_supervisor)} == {"C001"}


async def test_a_suspended_account_may_do_nothing_until_it_is_readmitted(world: World) -> None:
    device = world.credentials.devices["100103"]
    async with stranger(world, device) as second_session:
        await second_session.sign_in("100103", PASSWORD)
        suspended = await suspend(world, "100103")
        assert suspended.staff.state == Staff.STATE_SUSPENDED
        assert not suspended.staff.on_shift
        await shut_out(world.teller)
        await shut_out(second_session)
        readmitted = await suspend(world, "100103", suspended=False)
        assert readmitted.staff.state == Staff.STATE_ACTIVE
        with refused("NOT_SIGNED_IN"):
            await who_am_i(world.teller)
        second_session.credentials.token = ""
        session = await second_session.sign_in("100103", PASSWORD)
        assert not session.staff.on_shift


async def test_suspending_again_changes_nothing(world: World) -> None:
    request_id = new_request_id()
    first = await suspend(world, "100103", request_id=request_id)
    assert await suspend(world, "100103", request_id=request_id) == first
    assert (await suspend(world, "100103")).staff == first.staff


@pytest.mark.parametrize("staff_id", ["777777", "没有", "100103 ", "'; DROP TABLE staff; --"])
async def test_an_account_that_nobody_has_is_not_found(world: World, staff_id: str) -> None:
    with refused("STAFF_NOT_FOUND"):
        await suspend(world, staff_id)


async def test_the_purpose_is_on_the_chain_of_the_accounts_unit(world: World) -> None:
    await suspend(world, "100202")
    entry = await newest_entry(world, "0102")
    assert (entry.actor.actor_id, entry.object_id) == ("000002", "100202")
    assert (entry.object_state, entry.purpose) == ("SUSPENDED", "设备遗失调查")
