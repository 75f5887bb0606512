"""What was planted as personal or secret is found nowhere: not in files, logs, or traces."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from sqlalchemy import make_url

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import StartApplicationRequest
from fingertip.customer.v1.customer_service_pb2 import (
    CustomerRecord,
    GetCustomerViewRequest,
    LookUpCustomerRequest,
    RevealFieldRequest,
)
from fingertip.fulfilment.v1.fulfilment_service_pb2 import CompleteWorkItemRequest
from fingertip.fulfilment.v1.work_item_pb2 import ExecutedApplication, WorkResult
from fingertip.identity.v1.identity_service_pb2 import SignInRequest
from fingertip_client.request_ids import new_request_id
from fingertip_server.db.embedded import SUPERUSER, EmbeddedPostgres
from fingertip_server.identifiers import bank_card, resident_id
from fingertip_server.settings import Settings
from tests.applications import paper
from tests.authorization import desk
from tests.customer import bank, master
from tests.faults.processes import running
from tests.lobby.tickets import card, issue
from tests.world import PASSWORD, Credentials, World, refused


def _name() -> str:
    return "王" + "".join(secrets.choice("㐂㒵㔾㕣") for _ in range(4))


def _resident_id() -> str:
    body = f"190102{secrets.choice(range(1950, 1990))}0520{secrets.randbelow(500) * 2:03d}"
    return body + resident_id.check_character(body)


def _card_number() -> str:
    body = f"622202{secrets.randbelow(10**12):012d}"
    return body + bank_card.check_digit(body)


@dataclass(frozen=True)
class Planted:
    """A person who does not exist, and secrets, told apart from whatever else there is."""

    name: str = field(default_factory=_name)
    resident_id: str = field(default_factory=_resident_id)
    mobile: str = field(default_factory=lambda: f"1542{secrets.randbelow(10**7):07d}")
    address: str = field(default_factory=lambda: f"指尖大道{secrets.randbelow(10**9)}号甲")
    card_number: str = field(default_factory=_card_number)
    unknown_card: str = field(default_factory=_card_number)
    account_number: str = field(default_factory=_card_number)
    wrong_password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    # What is no secret, and stored as it is: who finds nothing of it would find nothing at all.
    source: str = field(default_factory=lambda: f"source-{secrets.token_hex(8)}")

    def texts(self) -> dict[str, str]:
        """Returns what must be found nowhere."""
        texts = {name: getattr(self, name) for name in self.__dataclass_fields__}
        del texts["source"]
        return texts | {"right_password": PASSWORD, "account_in_view": bank.ACCOUNT}


async def test_what_is_personal_is_found_nowhere(
    settings: Settings, template: Credentials, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    planted = Planted()
    trace = tmp_path / "trace.jsonl"
    telling = settings.model_copy(update={"trace_file": trace, "log_level": "debug"})
    async with running(telling, tmp_path, 1) as [server]:
        world = World([server.target], template)
        try:
            await _story(world, planted)
        finally:
            await world.close()
        server.terminate()
        assert await server.ended() == 0
    assert trace.stat().st_size > 0
    assert server.log.stat().st_size > 0
    folder = await _checkpoint(postgres)
    files = [*_files(folder), server.log, trace]
    assert list(_found(files, {"source": planted.source})), "the search finds nothing at all"
    held = {"credential": template.devices["100103"], "token": template.tokens["100103"]}
    assert not list(_found(files, planted.texts() | held))


async def _story(world: World, planted: Planted) -> None:
    """Has every value pass through whatever takes such a value, rightly and wrongly."""
    record = CustomerRecord(
        customer_number="PLANTED-1",
        version=1,
        name=planted.name,
        resident_id=planted.resident_id,
        mobile=planted.mobile,
        address=planted.address,
        card_numbers=[planted.card_number],
        tier_code="private",
        home_branch_id="0101",
        relationship_manager_id="100106",
    )
    await world.crm_adapter.customer.SyncCustomers(master.batch([record], source=planted.source))
    await issue(world.ticket_machine, "B", identification=card(planted.card_number))
    await issue(world.ticket_machine, "B", identification=card(planted.unknown_card))
    customer_id = await _look(world, planted)
    await _be_refused(world, planted)
    await _apply(world, planted, customer_id)


async def _look(world: World, planted: Planted) -> str:
    customer = world.relationship_manager.customer
    found = {
        each.customer_id
        for request in (
            LookUpCustomerRequest(card_number=planted.card_number),
            LookUpCustomerRequest(resident_id=planted.resident_id),
            LookUpCustomerRequest(mobile=planted.mobile),
        )
        for each in (await customer.LookUpCustomer(request)).customers
    }
    [customer_id] = found
    await bank.answer_views(world)
    await customer.GetCustomerView(GetCustomerViewRequest(customer_id=customer_id))
    revealed = [
        (
            await customer.RevealField(
                RevealFieldRequest(customer_id=customer_id, field=each, purpose="核对身份")
            )
        ).value
        for each in (
            RevealFieldRequest.FIELD_NAME,
            RevealFieldRequest.FIELD_RESIDENT_ID,
            RevealFieldRequest.FIELD_MOBILE,
            RevealFieldRequest.FIELD_ADDRESS,
        )
    ]
    person = [planted.name, planted.resident_id, planted.mobile, planted.address]
    assert revealed == person, "what is not known is not hidden either"
    return customer_id


async def _be_refused(world: World, planted: Planted) -> None:
    with refused("WRONG_CREDENTIALS"):
        await world.bare_tablet.identity.SignIn(
            SignInRequest(
                request_id=new_request_id(),
                staff_number="100107",
                password=planted.wrong_password,
            )
        )
    # A number where another one belongs.
    with refused("INVALID_REQUEST"):
        await world.teller.customer.LookUpCustomer(
            LookUpCustomerRequest(resident_id=planted.card_number)
        )


async def _apply(world: World, planted: Planted, customer_id: str) -> None:
    started = await world.teller.applications.StartApplication(
        StartApplicationRequest(
            request_id=new_request_id(), form_code=paper.FORM, customer_id=customer_id
        )
    )
    application: Application = started.application
    answers = dict(paper.ANSWERS) | {
        "applicant_name": planted.name,
        "resident_id": planted.resident_id,
        "mobile": planted.mobile,
        "residence_address": planted.address,
    }
    await paper.submit(world.teller, await paper.fill(world.teller, application, answers))
    task = await desk.claim(world.authoriser)
    await desk.look_at(world.authoriser, task)
    await desk.approve(world.authoriser, task)
    [leased] = await bank.lease(world.core_adapter, "core.open_account", seconds=5)
    account = ExecutedApplication(
        account_number=planted.account_number,
        core_reference="CORE-1",
        content_hash=leased.order.application.content_hash,
    )
    await world.core_adapter.fulfilment.CompleteWorkItem(
        CompleteWorkItemRequest(
            request_id=new_request_id(),
            work_item_id=leased.work_item.work_item_id,
            fence=leased.fence,
            result=WorkResult(executed_application=account),
        )
    )
    await paper.get(world.teller, application.application_id)


async def _checkpoint(postgres: EmbeddedPostgres) -> Path:
    """Has everything written to files, and returns the folder of all of them, log included."""
    url = make_url(postgres.url(role=SUPERUSER, database="postgres"))
    connection = await asyncpg.connect(
        user=url.username,
        database=url.database,
        host=str(url.query["host"]),
        port=int(str(url.query["port"])),
    )
    try:
        await connection.execute("CHECKPOINT")
        return Path(await connection.fetchval("SHOW data_directory")).parent
    finally:
        await connection.close()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _found(files: list[Path], texts: dict[str, str]) -> Iterator[str]:
    """Yields what is found where, in any way in which text is commonly written."""
    patterns = {
        pattern: name
        for name, text in texts.items()
        for pattern in (
            text.encode(),
            text.encode("utf-16-le"),
            text.encode("utf-16-be"),
            json.dumps(text)[1:-1].encode(),
        )
    }
    for path in files:
        # Much of a log written ahead is empty, and would take long to be searched.
        content = path.read_bytes().rstrip(b"\0")
        yield from (f"{name} in {path}" for pattern, name in patterns.items() if pattern in content)
