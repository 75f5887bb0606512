"""The demo bank's people, machines and adapters, signed in and ready to call."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

import grpc
import pytest
from argon2 import PasswordHasher
from sqlalchemy import Connection

from fingertip.identity.v1.device_pb2 import Device
from fingertip.identity.v1.identity_service_pb2 import EndShiftRequest, StartShiftRequest
from fingertip.identity.v1.second_person_pb2 import SecondPerson
from fingertip.vouchers.v1.voucher_pb2 import SerialRange
from fingertip.vouchers.v1.vouchers_service_pb2 import HandOverStockRequest, ReceiveStockRequest
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_client.request_ids import new_request_id
from fingertip_client.retry import Patience
from fingertip_server.app import App
from fingertip_server.identity import accounts, operator
from fingertip_server.packs import DEMO, loading, reading
from fingertip_server.packs.schema import Pack
from fingertip_server.packs.schema_policies import Policies

PASSWORD = "keyboard-battery-staple"


# At work when a test begins; authorisers besides 900102 come when a test calls them.
ON_SHIFT = ("100101", "100102", "100103", "100104", "100105", "100106", "100108", "900102")
# Who has blank cards when a test begins, by who gave them.
CARD_HOLDERS = {"100108": ("100103", "100104", "100105", "100106"), "100205": ("100202",)}
_CARDS = 100
_DEVICES = 10
CORE_WORK = (
    "core.change_mobile",
    "core.open_account",
    "core.open_loan",
    "core.reverse",
    "core.sign_custody",
    "core.sign_up_online_banking",
    "core.view",
    "credit.query_report",
)
_MACHINES: dict[str, tuple[Device.Kind.ValueType, str, tuple[str, ...]]] = {
    "ticket_machine": (Device.KIND_TICKET_MACHINE, "0101", ()),
    "other_ticket_machine": (Device.KIND_TICKET_MACHINE, "0102", ()),
    "bare_tablet": (Device.KIND_TABLET, "0101", ()),
    "crm_adapter": (Device.KIND_ADAPTER, "0000", ("crm.view", "crm.resolve_customer")),
    "police_adapter": (Device.KIND_ADAPTER, "0000", ("police.check_identity",)),
    "core_adapter": (Device.KIND_ADAPTER, "0000", CORE_WORK),
}


@dataclass
class Credentials:
    """What the template's devices and staff hold."""

    devices: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)


class _Named:
    """A caller of the world by the name of his role."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, world: "World", owner: type["World"]) -> Caller:
        return world.caller(self._name)


# Which world a caller is of, for what others have to do before he can go on.
_WORLDS: "WeakKeyDictionary[Caller, World]" = WeakKeyDictionary()


def world_of(caller: Caller) -> "World":
    """Returns the world that a caller is of."""
    return _WORLDS[caller]


class World:
    """Callers by role, each made when first asked for."""

    def __init__(self, targets: Sequence[str], credentials: Credentials) -> None:
        self.targets = list(targets)
        # Its own: what a test enrols is in that test's database alone.
        self.credentials = Credentials(dict(credentials.devices), dict(credentials.tokens))
        self._callers: dict[str, Caller] = {}

    def caller(self, name: str) -> Caller:
        """Returns a member of staff by number, or a machine by its name."""
        if name not in self._callers:
            # A test wants to see the first answer, not the third.
            patience = Patience(budget_seconds=10.0, attempt_seconds=10.0)
            caller = Caller(self.targets, device=self.credentials.devices[name], patience=patience)
            caller.credentials.token = self.credentials.tokens.get(name, "")
            self._callers[name] = caller
            _WORLDS[caller] = self
        return self._callers[name]

    lobby_manager = _Named("100101")
    second_lobby_manager = _Named("100102")
    teller = _Named("100103")
    second_teller = _Named("100104")
    teller_with_two_accounts = _Named("100105")
    relationship_manager = _Named("100106")
    branch_manager = _Named("100108")
    other_lobby_manager = _Named("100201")
    other_teller = _Named("100202")
    authoriser = _Named("900102")
    authoriser_who_is_a_customer = _Named("900101")
    authoriser_without_the_skill = _Named("900103")
    authoriser_with_two_accounts = _Named("900105")
    centre_supervisor = _Named("900109")
    auditor = _Named("000001")
    security_admin = _Named("000002")
    compliance = _Named("000011")
    authoriser_of_compliance = _Named("900111")
    operations = _Named("000003")
    second_operations = _Named("000004")
    ticket_machine = _Named("ticket_machine")
    other_ticket_machine = _Named("other_ticket_machine")
    bare_tablet = _Named("bare_tablet")
    crm_adapter = _Named("crm_adapter")
    core_adapter = _Named("core_adapter")
    police_adapter = _Named("police_adapter")

    async def close(self) -> None:
        """Closes every caller's channel."""
        await asyncio.gather(*(caller.close() for caller in self._callers.values()))


@contextmanager
def _read_as_refusals() -> Iterator[None]:
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise Refused.from_error(error) from error


@contextmanager
def refused(reason: str) -> Iterator[pytest.ExceptionInfo[Refused]]:
    """Expects a refusal with this reason, of a call or of a stream."""
    with pytest.raises(Refused) as caught, _read_as_refusals():
        yield caught
    assert caught.value.reason == reason, caught.value


def read_demo(*, offers: bool = False) -> Pack:
    """Returns the demo bank's pack, but without what makes tests slow or a matter of chance.

    Nobody takes time to read, but in tests about reading; and nobody is offered a task by lot,
    unless a test is about `offers`: otherwise chance would say which authoriser gets it first.
    """
    pack = reading.read_pack(DEMO)
    changed = {"agreements.characters_per_second": "1000000"}
    if not offers:
        changed["authorization.offers_by_lot"] = "false"
    rows = tuple(
        row.model_copy(update={"value": changed.get(row.key, row.value)})
        for row in pack.policy_rows
    )
    return replace(pack, policy_rows=rows, policies=Policies.of(rows))


async def furnish(app: App) -> Credentials:
    """Loads the demo bank into a migrated database, enrols its devices and signs its staff in."""
    pack = read_demo()
    await app.units.transaction(lambda connection: loading.load(connection, pack))
    await app.start()
    # As few passes as there can be: signing everybody in is not what is tested.
    password_hash = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    numbers = [member.staff_number for member in pack.staff]

    def set_passwords(connection: Connection) -> None:
        for number in numbers:
            accounts.replace_password(connection, number, password_hash)

    await app.units.transaction(set_passwords)
    codes = await _codes(app, pack)
    credentials = Credentials()
    for name, code in codes.items():
        async with Caller([f"127.0.0.1:{app.port}"]) as caller:
            credentials.devices[name] = (await caller.enrol(code)).credential
            if name in numbers:
                await caller.sign_in(name, PASSWORD)
                credentials.tokens[name] = caller.credentials.token
            if name in ON_SHIFT:
                await caller.identity.StartShift(StartShiftRequest(request_id=new_request_id()))
    await _hand_out_cards(app, credentials)
    await app.drain()
    return credentials


async def _hand_out_cards(app: App, credentials: Credentials) -> None:
    """Gives those who take applications blank cards and security devices of their own."""
    world = World([f"127.0.0.1:{app.port}"], credentials)
    first, device = 90_000_001, 20_260_001
    for keeper, holders in CARD_HOLDERS.items():
        visitors = [each for each in (keeper, *holders) if each not in ON_SHIFT]
        for visitor in visitors:
            start = StartShiftRequest(request_id=new_request_id())
            await world.caller(visitor).identity.StartShift(start)
        for holder in holders:
            await _hand_out(
                world.caller(keeper),
                holder,
                _range("debit_card", "JK", first, _CARDS),
                _range("security_device", "UK", device, _DEVICES),
            )
            first, device = first + _CARDS, device + _DEVICES
        for visitor in visitors:
            end = EndShiftRequest(request_id=new_request_id())
            await world.caller(visitor).identity.EndShift(end)
    await world.close()


async def _hand_out(keeper: Caller, holder: str, *ranges: SerialRange) -> None:
    second = SecondPerson(staff_number=holder, password=PASSWORD)
    await keeper.vouchers.ReceiveStock(
        ReceiveStockRequest(request_id=new_request_id(), ranges=ranges, second_person=second)
    )
    await keeper.vouchers.HandOverStock(
        HandOverStockRequest(request_id=new_request_id(), ranges=ranges, second_person=second)
    )


def _range(voucher_type: str, prefix: str, first: int, count: int) -> SerialRange:
    return SerialRange(
        voucher_type=voucher_type,
        first_serial=f"{prefix}{first}",
        last_serial=f"{prefix}{first + count - 1}",
    )


async def _codes(app: App, pack: Pack) -> dict[str, str]:
    codes: dict[str, str] = {}

    async def invite(
        name: str, kind: Device.Kind.ValueType, branch: str, work_kinds: Sequence[str]
    ) -> None:
        await app.pipeline.due(
            "operator/enrolment_code",
            lambda call: codes.__setitem__(
                name,
                operator.create_enrolment_code(
                    call,
                    kind=kind,
                    branch_id=branch,
                    display_name=f"{name} 的设备",
                    work_kinds=work_kinds,
                ).code,
            ),
        )

    for member in pack.staff:
        await invite(member.staff_number, Device.KIND_TABLET, member.branch, ())
    for name, (kind, branch, work_kinds) in _MACHINES.items():
        await invite(name, kind, branch, work_kinds)
    return codes
