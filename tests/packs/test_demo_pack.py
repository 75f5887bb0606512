"""The bank that Fingertip ships."""

import os
import subprocess
import sys
from collections import Counter
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel

from fingertip_server.identifiers import bank_card, resident_id
from fingertip_server.packs import DEMO, reading, schema
from fingertip_server.packs.quantities import Money
from fingertip_server.packs.schema_bank import BranchKind
from fingertip_server.packs.schema_forms import Form, Scene, SightingKind
from fingertip_server.packs.schema_policies import KINDS, PolicyKind


@pytest.fixture(scope="module")
def pack() -> schema.Pack:
    return reading.read_pack(DEMO)


def _form(pack: schema.Pack, reference: str) -> Form:
    return next(form for form in pack.forms if form.reference == reference)


def _scene(pack: schema.Pack, code: str) -> Scene:
    return next(scene for scene in pack.scenes if scene.code == code)


def test_the_demo_bank_has_three_branches_a_centre_and_a_head_office(pack: schema.Pack) -> None:
    assert pack.bank.name == "示范银行"
    assert Counter(branch.kind for branch in pack.branches) == {
        BranchKind.BRANCH: 3,
        BranchKind.CENTRE: 1,
        BranchKind.HEAD_OFFICE: 1,
    }


def test_25_members_of_staff_fill_every_role(pack: schema.Pack) -> None:
    assert len(pack.staff) == 28
    assert {role for member in pack.staff for role in member.roles} == {
        role.code for role in pack.roles
    }


def test_one_person_has_an_account_in_a_branch_and_one_in_the_centre(pack: schema.Pack) -> None:
    accounts = Counter(member.person_id for member in pack.staff)
    (person,) = [person for person, count in accounts.items() if count > 1]
    teller, authoriser = [member for member in pack.staff if member.person_id == person]
    assert (teller.roles, authoriser.roles) == (("teller",), ("authoriser",))
    assert teller.branch != authoriser.branch


def test_an_authoriser_is_a_customer_himself(pack: schema.Pack) -> None:
    (member,) = [member for member in pack.staff if member.customer_number]
    assert member.roles == ("authoriser",)


def test_authorisers_alone_have_skills_and_one_lacks_that_of_the_scene(pack: schema.Pack) -> None:
    scene = _scene(pack, "debit_card_account")
    authorisers = [member for member in pack.staff if "authoriser" in member.roles]
    assert all(member.skills for member in authorisers)
    assert not any(member.skills for member in pack.staff if member not in authorisers)
    able = [member for member in authorisers if scene.skill_group in member.skills]
    assert 0 < len(able) < len(authorisers)


def test_every_branch_has_a_line_for_each_tier_and_one_for_companies(pack: schema.Pack) -> None:
    for branch in pack.branches:
        lines = [line for line in pack.service_lines if line.branch == branch.code]
        if branch.kind != BranchKind.BRANCH:
            assert not lines
            continue
        assert [line.code for line in lines] == ["A", "B", "C"]
        assert {tier for line in lines for tier in line.tiers} == {
            tier.code for tier in pack.bank.tiers
        }
        assert [line.code for line in lines if line.priority] == ["A"]


def test_a_branch_lives_in_its_own_time_zone_or_in_that_of_the_bank(pack: schema.Pack) -> None:
    zones = {branch.code: pack.time_zone(branch) for branch in pack.branches}
    assert zones["0101"] == ZoneInfo("Asia/Shanghai")
    assert zones["0103"] == ZoneInfo("Asia/Urumqi")
    assert pack.branches[1].closes == time(17)


def test_time_zones_are_known_on_a_machine_that_has_none() -> None:
    # As in a small image of Debian. Python reads the variable once, when it starts.
    reading_it = (
        "from fingertip_server.packs import DEMO, reading\n"
        "print(*{branch.time_zone for branch in reading.read_pack(DEMO).branches})"
    )
    done = subprocess.run(
        [sys.executable, "-c", reading_it],
        env={**os.environ, "PYTHONTZPATH": ""},
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Asia/Urumqi" in done.stdout


def test_the_form_asks_for_three_images_three_sightings_and_an_agreement(pack: schema.Pack) -> None:
    form = _form(pack, "debit_card_account.v2")
    required = [attachment for attachment in form.attachments if attachment.required]
    alone = {"handled_by": "applicant", "document_type": "resident_id_card"}
    assert {each.kind for each in required if each.is_asked(alone)} == {
        "id_front",
        "id_back",
        "customer_photo",
    }
    by_proxy = {each.kind for each in required if each.is_asked({"handled_by": "proxy"})}
    assert by_proxy > {"proxy_id_front", "proxy_photo", "authorization_letter"}
    by_guardian = {each.kind for each in required if each.is_asked({"handled_by": "guardian"})}
    assert by_guardian > {"proxy_id_front", "proxy_photo", "relation_proof"}
    assert {sighting.kind for sighting in form.sightings} == set(SightingKind)
    (agreement,) = [text for text in pack.agreements if text.reference in form.agreements]
    assert agreement.reference == "debit_card_account.v2"
    assert "出租、出借" in agreement.text
    assert len(agreement.sha256) == 32


def test_the_documents_that_the_form_offers_are_those_that_numbers_tell(pack: schema.Pack) -> None:
    form = _form(pack, "debit_card_account.v2")
    (field,) = [field for field in form.fields if field.key == "document_type"]
    assert {choice.value for choice in field.choices} > set(resident_id.Document)
    (field,) = [field for field in form.fields if field.key == "sex"]
    assert {choice.value for choice in field.choices} == set(resident_id.Sex)


def test_the_scene_gives_an_authoriser_a_minute_and_the_task_half_an_hour(
    pack: schema.Pack,
) -> None:
    scene = _scene(pack, "debit_card_account")
    assert scene.work_kind == "core.open_account"
    assert (scene.claim_lease, scene.expires_after) == (timedelta(minutes=1), timedelta(minutes=30))
    assert scene.expires_at_closing
    assert scene.authorisers == 1


def test_every_policy_is_read_in_its_own_type(pack: schema.Pack) -> None:
    read = {
        PolicyKind.COUNT: pack.policies.count,
        PolicyKind.DURATION: pack.policies.duration,
        PolicyKind.MONEY: pack.policies.money,
        PolicyKind.FLAG: pack.policies.flag,
    }
    for key, kind in KINDS.items():
        read[kind](key)
        for other in set(PolicyKind) - {kind}:
            with pytest.raises(TypeError):
                read[other](key)


def test_the_policies_have_the_numbers_of_the_rules(pack: schema.Pack) -> None:
    assert pack.policies.count("lobby.no_show_recalls") == 3
    assert pack.policies.duration("lobby.waiting_before_vip_cap") == timedelta(minutes=20)
    assert pack.policies.duration("identity.session_lifetime") == timedelta(hours=12)
    assert pack.policies.money("accounts.class_two_daily_max") == Money("CNY", 1_000_000)
    assert pack.policies.flag("documents.expired_accepted") is False


def test_an_unknown_policy_is_a_mistake_of_the_program(pack: schema.Pack) -> None:
    with pytest.raises(KeyError):
        pack.policies.count("lobby.unheard_of")


def test_cards_of_the_bank_are_of_union_pay(pack: schema.Pack) -> None:
    bins = [product.card_bin for product in pack.products if product.card_bin is not None]
    assert bins
    assert all(bank_card.is_union_pay(card_bin) for card_bin in bins)


def test_every_part_reads_what_it_writes(pack: schema.Pack) -> None:
    parts: list[BaseModel] = [
        pack.bank,
        *pack.branches,
        *pack.roles,
        *pack.skill_groups,
        *pack.staff,
        *pack.service_lines,
        *pack.products,
        *pack.forms,
        *pack.agreements,
        *pack.scenes,
        *pack.policy_rows,
    ]
    for part in parts:
        assert type(part).model_validate_json(part.model_dump_json()) == part
