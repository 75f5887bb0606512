"""Who plays: the devices of the demo, and the people at them."""

from dataclasses import dataclass

from fingertip.identity.v1.device_pb2 import Device

BRANCH = "0101"


@dataclass(frozen=True, slots=True)
class Prop:
    """A device, before it is enrolled."""

    name: str
    kind: Device.Kind.ValueType
    branch_id: str
    display_name: str
    work_kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Role:
    """A member of staff, the device he works at, and the module that plays him."""

    staff_number: str
    device: str
    module: str


TICKET_MACHINE = "ticket-machine"
CORE_BANKING = "core-banking"
PROPS = (
    Prop(TICKET_MACHINE, Device.KIND_TICKET_MACHINE, BRANCH, "大堂取号机"),
    Prop("lobby-tablet-1", Device.KIND_TABLET, BRANCH, "大堂平板1"),
    Prop("lobby-tablet-2", Device.KIND_TABLET, BRANCH, "大堂平板2"),
    Prop("desk-3", Device.KIND_TABLET, BRANCH, "3号柜台平板"),
    Prop("desk-4", Device.KIND_TABLET, BRANCH, "4号柜台平板"),
    Prop("manager-tablet", Device.KIND_TABLET, BRANCH, "网点主任平板"),
    Prop("centre-desk-1", Device.KIND_TABLET, "C001", "授权席1"),
    Prop(
        CORE_BANKING,
        Device.KIND_ADAPTER,
        "0000",
        "模拟银行适配器",
        (
            "core.change_mobile",
            "core.open_account",
            "core.open_loan",
            "core.reverse",
            "core.sign_custody",
            "core.sign_up_online_banking",
            "core.view",
            "credit.query_report",
            "crm.resolve_customer",
            "crm.view",
            "police.check_identity",
        ),
    ),
)

KEEPER = Role("100108", "manager-tablet", "vault_keeper")
TELLER = Role("100103", "desk-3", "teller")
SECOND_TELLER = Role("100104", "desk-4", "second_teller")
WATCHERS = (
    Role("100101", "lobby-tablet-1", "lobby_tablet"),
    Role("100102", "lobby-tablet-2", "lobby_tablet"),
    Role("900102", "centre-desk-1", "authoriser"),
)
