"""Loading a pack makes it the bank's, whole, and keeps what people did."""

import asyncio
from pathlib import Path

import pytest

from fingertip.identity.v1.identity_service_pb2 import ListStaffRequest
from fingertip.identity.v1.staff_pb2 import Staff
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_server import administration, errors
from fingertip_server.app import App
from fingertip_server.identity import accounts
from fingertip_server.packs import DEMO, loading, reading
from fingertip_server.packs.bank import Bank, NoPack
from fingertip_server.packs.faults import PackRefused
from fingertip_server.settings import Settings
from tests.conftest import Database
from tests.packs.folders import change, copy_demo
from tests.world import PASSWORD, World, read_demo, refused

FORM = "forms/debit_card_account.v2.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The demo pack as its next version."""
    folder = copy_demo(tmp_path)
    change(folder, "bank.yaml", '"1.2.0"', '"1.3.0"')
    return folder


async def load(server: App, folder: Path) -> bool:
    pack = reading.read_pack(folder)
    return await server.units.transaction(lambda connection: loading.load(connection, pack))


async def active(server: App) -> Bank:
    return await server.units.autocommit(Bank.load)


def strike(folder: Path, staff_number: str) -> None:
    """Takes a member of staff out of the pack."""
    path = folder / "staff.yaml"
    before, _, rest = path.read_text().partition(f'  - staff_number: "{staff_number}"\n')
    _, separator, after = rest.partition("  - staff_number:")
    path.write_text(before + separator + after)


async def reason(caller: Caller) -> str:
    """Returns why a caller may not list staff, or an empty text when he may."""
    try:
        await caller.identity.ListStaff(ListStaffRequest())
    except Refused as error:
        return error.reason
    return ""


async def test_the_bank_in_memory_is_the_pack_that_was_read(server: App) -> None:
    bank, pack = await active(server), read_demo()
    assert bank.version == pack.version
    assert bank.pack.sha256 == pack.sha256
    for part in ("bank", "branches", "roles", "skill_groups", "service_lines", "products"):
        assert getattr(bank.pack, part) == getattr(pack, part)
    for part in ("forms", "agreements", "scenes", "policy_rows", "policies"):
        assert getattr(bank.pack, part) == getattr(pack, part)


async def test_the_bank_answers_by_code(server: App) -> None:
    bank = await active(server)
    assert bank.branch("C001").kind == "centre"
    assert bank.time_zone("0103").key == "Asia/Urumqi"
    assert [line.code for line in bank.service_lines("0101")] == ["A", "B", "C"]
    assert bank.service_line("0101", "A").priority
    form = bank.form("debit_card_account")
    assert form == bank.form("debit_card_account", 2)
    assert bank.scene_of(form).code == "debit_card_account"
    assert bank.agreement(form.agreements[0]).code == "debit_card_account"
    assert "identity.staff.manage" in bank.permissions(["teller", "security_admin"])
    assert bank.permissions(["a_role_of_old"]) == frozenset()
    assert bank.customer_id("DEMO000000002") == bank.customer_id("DEMO000000002")
    assert bank.customer_id("DEMO000000002") != bank.customer_id("DEMO000000003")


async def test_the_bank_says_what_it_does_not_have(server: App) -> None:
    bank = await active(server)
    for ask, reason in (
        (lambda: bank.branch("7777"), "BRANCH_NOT_FOUND"),
        (lambda: bank.time_zone("7777"), "BRANCH_NOT_FOUND"),
        (lambda: bank.service_line("0101", "Z"), "SERVICE_LINE_NOT_FOUND"),
        (lambda: bank.form("no_such_form"), "FORM_NOT_FOUND"),
        (lambda: bank.form("debit_card_account", 9), "FORM_NOT_FOUND"),
    ):
        with pytest.raises(errors.NotFound) as refusal:
            ask()
        assert refusal.value.reason_name == reason


async def test_loading_the_active_pack_again_changes_nothing(
    server: App, database: Database
) -> None:
    before = await database.as_owner("SELECT xmin::text, * FROM staff ORDER BY staff_id")
    assert not await load(server, DEMO)
    assert await database.as_owner("SELECT xmin::text, * FROM staff ORDER BY staff_id") == before


async def test_a_version_does_not_change_its_content(server: App, tmp_path: Path) -> None:
    folder = copy_demo(tmp_path)
    change(folder, "bank.yaml", "示范银行", "另一家银行")
    with pytest.raises(PackRefused) as refusal:
        await load(server, folder)
    assert [fault.file for fault in refusal.value.faults] == ["bank.yaml"]


async def test_a_version_of_a_form_or_an_agreement_does_not_change_either(
    server: App, folder: Path
) -> None:
    change(folder, FORM, "借记卡开户申请书", "新的申请书")
    change(folder, "agreements/debit_card_account.v2.yaml", "出租、出借", "出租或出借")
    change(folder, "branches.yaml", 'code: "0102"', 'code: "0102" # 城东')
    with pytest.raises(PackRefused) as refusal:
        await load(server, folder)
    assert [fault.file for fault in refusal.value.faults] == [
        "agreements/debit_card_account.v2.yaml",
        FORM,
    ]
    assert (await active(server)).version == "1.2.0"


async def test_old_versions_of_a_form_are_kept(server: App, folder: Path) -> None:
    newer = "forms/debit_card_account.v3.yaml"
    (folder / FORM).rename(folder / newer)
    change(folder, newer, "version: 2", "version: 3")
    change(folder, newer, "借记卡开户申请书", "新的申请书")
    for file in ("products.yaml", "scenes/debit_card_account.yaml"):
        change(folder, file, "form: debit_card_account.v2", "form: debit_card_account.v3")
    assert await load(server, folder)
    bank = await active(server)
    assert bank.form("debit_card_account").title == "新的申请书"
    old = bank.form("debit_card_account", 2)
    assert old == next(
        form for form in read_demo().forms if form.reference == "debit_card_account.v2"
    )
    # What was begun with the old version is authorised like the new.
    assert bank.scene_of(old).form == "debit_card_account.v3"


async def test_an_earlier_pack_becomes_active_again(server: App, folder: Path) -> None:
    change(folder, "bank.yaml", "示范银行", "示范银行股份有限公司")
    assert await load(server, folder)
    assert (await active(server)).pack.bank.name == "示范银行股份有限公司"
    assert await load(server, DEMO)
    assert (await active(server)).pack.bank.name == "示范银行"


async def test_two_who_load_together_load_once(server: App, folder: Path) -> None:
    loaded = await asyncio.gather(*(load(server, folder) for _ in range(4)))
    assert sorted(loaded) == [False, False, False, True]


async def test_staff_whom_the_pack_lost_may_not_sign_in(
    server: App, world: World, folder: Path, database: Database
) -> None:
    strike(folder, "100103")
    await load(server, folder)
    page = await world.auditor.identity.ListStaff(ListStaffRequest())
    [member] = [member for member in page.staff if member.staff_id == "100103"]
    assert member.state == Staff.STATE_SUSPENDED
    assert not member.on_shift
    with refused("WRONG_CREDENTIALS"):
        await world.bare_tablet.sign_in("100103", PASSWORD)
    [row] = await database.as_owner(
        "SELECT count(*) AS open FROM staff_session WHERE staff_id = '100103' AND ended_at IS NULL"
    )
    assert row["open"] == 0
    # When a later pack has them again, they are who they were.
    await load(server, DEMO)
    await world.bare_tablet.sign_in("100103", PASSWORD)


async def test_what_people_did_themselves_stays(
    server: App, world: World, folder: Path, database: Database
) -> None:
    await database.as_owner("UPDATE staff SET state = 'SUSPENDED' WHERE staff_id = '100104'")
    await database.as_owner("UPDATE staff SET failed_attempts = 3 WHERE staff_id = '100105'")
    former = await server.units.autocommit(lambda c: accounts.former_hashes(c, "100103"))
    change(folder, "staff.yaml", "陈思远", "陈思源")
    await load(server, folder)
    assert await server.units.autocommit(lambda c: accounts.former_hashes(c, "100103")) == former
    session = await world.bare_tablet.sign_in("100103", PASSWORD)
    assert session.staff.display_name == "陈思源"
    assert session.staff.on_shift
    rows = await database.as_owner("SELECT staff_id, state, failed_attempts FROM staff")
    staff = {row["staff_id"]: row for row in rows}
    assert staff["100104"]["state"] == "SUSPENDED"
    assert staff["100105"]["failed_attempts"] == 3


async def test_who_moves_to_another_unit_is_not_on_shift_there(
    server: App, world: World, folder: Path
) -> None:
    staff = folder / "staff.yaml"
    before, number, after = staff.read_text().partition('"100103"')
    staff.write_text(before + number + after.replace('branch: "0101"', 'branch: "0102"', 1))
    await load(server, folder)
    session = await world.bare_tablet.sign_in("100103", PASSWORD)
    assert session.staff.branch_id == "0102"
    assert not session.staff.on_shift


async def test_a_new_unit_has_a_feed_and_a_chain(
    server: App, folder: Path, database: Database
) -> None:
    branches = folder / "branches.yaml"
    branches.write_text(
        branches.read_text()
        + '  - { code: "C002", kind: centre, name: 第二授权中心, region: 某市, address: 某路1号,'
        ' opens: "08:30", closes: "18:00" }\n'
    )
    await load(server, folder)
    rows = await database.as_owner("SELECT * FROM topic_head WHERE topic = 'C002'")
    assert len(rows) == 1


async def test_running_servers_take_the_new_pack_over(
    server: App, world: World, settings: Settings, folder: Path
) -> None:
    admin = world.security_admin
    assert await reason(admin) == ""
    assert await reason(world.teller) == "PERMISSION_MISSING"
    change(
        folder,
        "roles.yaml",
        "      - identity.devices.manage\n      - identity.staff.read\n",
        "      - identity.devices.manage\n",
    )
    strike(folder, "100103")
    version, is_new = await asyncio.to_thread(administration.load_pack, settings, folder)
    assert (version, is_new) == ("1.3.0", True)
    async with asyncio.timeout(5):
        for caller, wanted in ((admin, "PERMISSION_MISSING"), (world.teller, "NOT_SIGNED_IN")):
            while True:
                if await reason(caller) == wanted:
                    break
                await asyncio.sleep(0.02)


async def test_an_operator_is_told_of_a_misspelt_permission(
    settings: Settings, folder: Path
) -> None:
    line = change(folder, "roles.yaml", "- lobby.tickets.call\n", "- lobby.tickets.cal\n")
    with pytest.raises(PackRefused) as refusal:
        await asyncio.to_thread(administration.load_pack, settings, folder)
    message = f"roles.yaml:{line}: There is no permission 'lobby.tickets.cal'."
    assert str(refusal.value) == message


async def test_without_a_pack_there_is_no_bank(server: App, database: Database) -> None:
    await database.as_owner("DELETE FROM pack")
    with pytest.raises(NoPack, match="fingertip load"):
        await active(server)
