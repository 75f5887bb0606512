"""Every scene of the demo bank from draft to the bank's books, and one that nobody wrote for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fingertip.applications.v1.application_pb2 import Application
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.identity.v1.device_pb2 import Device
from fingertip_client.caller import Caller
from fingertip_core_banking.simulated.customers import CustomerFile
from fingertip_core_banking.simulated.faults import FaultPlan, Faults
from fingertip_core_banking.simulated.ledger import Ledger
from fingertip_core_banking.simulated.simulated_bank import SimulatedBank
from fingertip_core_banking.worker import Pace, Worker
from fingertip_server import administration
from fingertip_server.app import App
from fingertip_server.demo.customers import write_customers
from fingertip_server.settings import Settings
from tests.applications import paper, papers
from tests.applications.papers import Paper
from tests.authorization import desk
from tests.authorization.screen import screen
from tests.identity import enrolling
from tests.journeys.bank import bank_at_work
from tests.packs.folders import change, copy_demo
from tests.world import World

_LOCKER_FORM = """
code: locker
version: 1
title: 保管箱租用申请书
sections:
  - title: 身份信息
    fields:
      - { key: applicant_name, label: 姓名, type: name, required: true, length_max: 60,
          data_class: C2 }
      - { key: resident_id, label: 证件号码, type: resident_id, required: true, data_class: C2 }
  - title: 租用信息
    fields:
      - { key: locker_size, label: 箱型, type: choice, required: true, data_class: C1,
          choices: [{ value: small, label: 小 }, { value: large, label: 大 }] }
      - { key: yearly_fee, label: 年租金, type: amount, required: true, data_class: C1 }
rules:
  - { kind: at_most, subject: yearly_fee, policy: lockers.fee_max, note: 年租金超过规定的上限。 }
attachments:
  - { kind: id_front, label: 身份证件人像面, required: true, data_class: C2,
      content_types: [image/jpeg], size_bytes_max: 5242880 }
signature: { label: 客户签名, data_class: C2, content_types: [image/png], size_bytes_max: 1048576 }
sightings:
  - { kind: signature, statement: 本人亲见申请人当面亲笔签名, attachments: [signature] }
agreements: [locker.v1]
"""
_LOCKER_AGREEMENT = """
code: locker
version: 1
title: 保管箱租用协议
text: |
  一、保管箱仅供存放合法物品。
"""
_LOCKER_SCENE = """
code: locker
title: 保管箱租用授权
form: locker.v1
work_kind: vault.rent_locker
execution: 金库系统分配箱位
skill_group: account_maintenance
centres: [C001]
level: 1
authorisers: 1
claim_lease: 60 s
expires_after: 30 min
expires_at_closing: false
checklist:
  - { id: fee_right, text: 箱型与租金相符, evidence: [locker_size, yearly_fee] }
  - { id: signed, text: 签名清晰, evidence: [signature, sighting.signature] }
"""
_LOCKER_POLICY = """
  - key: lockers.fee_max
    value: 3000.00
    unit: CNY
    source: 本行规定
"""


@pytest.mark.parametrize("filed", papers.PAPERS, ids=lambda filed: filed.form)
async def test_a_scene_is_played_to_the_banks_books(
    world: World, tmp_path: Path, filed: Paper
) -> None:
    async with (
        bank_at_work(world, tmp_path, {}) as books,
        screen(world.teller, WatchRequest(branch_id="0101")) as shown,
    ):
        draft = await paper.start(world.teller, form=filed.form)
        if filed is papers.CONSUMER_LOAN:
            await papers.ask(world.teller, draft)
            answered = await shown.until(
                lambda e: any(i.reference for i in e.application.inquiries)
            )
            draft = answered.application
        application = await paper.fill(world.teller, draft, filed.answers, images=filed.images)
        application = await paper.submit(world.teller, application)
        await desk.approve_whole(world.authoriser, await desk.claim(world.authoriser))
        event = await shown.until(lambda e: e.application.state == Application.STATE_EXECUTED)
        assert event.application.application_id == application.application_id
        [booking] = books.bookings()
    assert (booking.work_kind, booking.customer_number) == (filed.work_kind, "DEMO000000001")
    result = (await paper.get(world.teller, application.application_id)).result
    assert result.core_reference == booking.core_reference
    # A loan has an account of its own; the others change what is there.
    assert bool(result.account_number) == filed.work_kind.startswith("core.open_")


async def test_an_application_of_a_new_type_is_made_by_the_pack_alone(
    server: App, settings: Settings, world: World, tmp_path: Path
) -> None:
    await paper.synchronise(world)
    await asyncio.to_thread(administration.load_pack, settings, _pack_with_lockers(tmp_path))
    async with asyncio.timeout(10):
        while True:
            if server.frame.bank.version == "1.3.0":
                break
            await asyncio.sleep(0.02)
    given = {
        "applicant_name": paper.ANSWERS["applicant_name"],
        "resident_id": paper.ANSWERS["resident_id"],
        "locker_size": "small",
        "yearly_fee": "3000.00",
    }
    async with (
        _vault(world, tmp_path),
        screen(world.teller, WatchRequest(branch_id="0101")) as shown,
    ):
        draft = await paper.start(world.teller, form="locker")
        draft = await paper.save(world.teller, draft, given)
        draft = await paper.attach(world.teller, draft, "id_front")
        application = await paper.submit(world.teller, await paper.sign(world.teller, draft))
        await desk.approve_whole(world.authoriser, await desk.claim(world.authoriser))
        await shown.until(
            lambda e: e.application.state_note == "授权已通过，等待金库系统分配箱位。"
        )
        await shown.until(lambda e: e.application.state == Application.STATE_EXECUTED)
    result = (await paper.get(world.teller, application.application_id)).result
    assert result.core_reference
    assert not result.account_number


@asynccontextmanager
async def _vault(world: World, folder: Path) -> AsyncIterator[None]:
    """An adapter enrolled for a kind of work that neither the product nor the demo knows."""
    kinds = ("vault.rent_locker",)
    code = await enrolling.make_code(world, Device.KIND_ADAPTER, branch_id="0000", work_kinds=kinds)
    write_customers(folder / "customers.jsonl", 3)
    ledger = Ledger(folder / "vault.sqlite", "629990")
    customers = CustomerFile(folder / "customers.jsonl")
    bank = SimulatedBank(ledger, customers, FaultPlan(Faults()), card_bin="629990")
    async with Caller(world.targets) as caller:
        await caller.enrol(code.enrolment_code)
        stopping = asyncio.Event()
        work = asyncio.create_task(Worker(caller, bank, kinds, Pace()).run(stopping))
        try:
            yield
        finally:
            stopping.set()
            await work


def _pack_with_lockers(folder: Path) -> Path:
    pack = copy_demo(folder)
    change(pack, "bank.yaml", '"1.2.0"', '"1.3.0"')
    (pack / "forms/locker.v1.yaml").write_text(_LOCKER_FORM)
    (pack / "agreements/locker.v1.yaml").write_text(_LOCKER_AGREEMENT)
    (pack / "scenes/locker.yaml").write_text(_LOCKER_SCENE)
    policies = pack / "policies.yaml"
    policies.write_text(policies.read_text() + _LOCKER_POLICY)
    return pack
