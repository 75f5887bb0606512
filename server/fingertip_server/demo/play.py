"""Plays the story once: separate processes that talk nothing but gRPC, told as it happens."""

import asyncio
import json
import shutil
import signal
import time
import types
from pathlib import Path

from fingertip_server import administration
from fingertip_server.demo import cast, customers, enrolment, keeper, parts
from fingertip_server.demo.narrator import Narrator
from fingertip_server.demo.parts import Stage
from fingertip_server.demo.staff import open_accounts
from fingertip_server.demo.troupe import PartyFailed, Troupe
from fingertip_server.packs import DEMO
from fingertip_server.packs.synthetic import SyntheticCustomer
from fingertip_server.supervisor import Supervisor

_SERVERS = 2
_TRACES = "traces"
# The bank is slow enough for a part of the view to come late, and once it does not answer at all,
# though it did what it was asked.
_FAULTS = {
    "view_section": {"latency_s": 1.2},
    "execute": {"latency_s": 0.2, "timeout_rate": 1.0, "timeout": "acts"},
}


def play(folder: Path, *, count_of_customers: int = 2000) -> int:
    """Plays the story in a folder, where a second run goes on; returns the exit code.

    The folder's first run decides how many customers the bank has. Whatever ends the story, no
    process is left.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    # A shell that starts it in the background has it ignore Ctrl-C, the one way out.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)
    narrator = Narrator()
    start = time.perf_counter()
    narrator.heading("开门：数据库、服务器、设备")
    try:
        with Supervisor(folder) as supervisor, keeper.keeping(folder):
            narrator.say("启动内嵌 PostgreSQL", f"数据在 {folder}", _since(start))
            stage = _set(supervisor, folder, narrator)
            asyncio.run(_perform(stage, _guest(stage, count_of_customers), narrator))
    except PartyFailed as failed:
        narrator.fail(str(failed))
        return 1
    narrator.say("全部进程已退出", f"演示结束，调用链在 {folder / _TRACES}", _since(start))
    return 0


def _set(supervisor: Supervisor, folder: Path, narrator: Narrator) -> Stage:
    """Loads the bank, starts the servers and enrols the devices."""
    start = time.perf_counter()
    settings = supervisor.settings()
    version, _ = administration.load_pack(settings, DEMO)
    password_file = open_accounts(settings, folder)
    narrator.say("装载示范银行", f"银行包 {version}", _since(start))
    start = time.perf_counter()
    traces = _emptied(folder / _TRACES)
    supervisor.start_servers(_SERVERS, traces=traces)
    narrator.say("启动服务器进程", "，".join(supervisor.targets), _since(start))
    start = time.perf_counter()
    devices = enrolment.enrol(cast.PROPS, folder / "devices", settings, supervisor.targets)
    narrator.say("设备登记", f"{len(devices)} 台，凭证各存于本机", _since(start))
    stage = Stage(folder, list(supervisor.targets), devices, password_file, supervisor.logs, traces)
    stage.faults.write_text(json.dumps(_FAULTS), encoding="utf-8")
    return stage


def _emptied(folder: Path) -> Path:
    """Returns the folder without what an earlier run left in it."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    return folder


def _guest(stage: Stage, count_of_customers: int) -> SyntheticCustomer:
    """Returns Ms Wang, and in a later run on the same folder a new customer in her place."""
    if stage.customers.exists():
        return customers.append_guest(stage.customers)
    customers.write_customers(stage.customers, count_of_customers)
    return customers.ms_wang()


async def _perform(stage: Stage, guest: SyntheticCustomer, narrator: Narrator) -> None:
    staff = (*cast.WATCHERS, cast.KEEPER, cast.TELLER, cast.SECOND_TELLER)
    async with Troupe(narrator.tell, stage.logs, stage.traces) as troupe:
        await troupe.start(
            cast.CORE_BANKING, parts.core_banking(stage), parts.heard_of_core_banking
        )
        for role in staff:
            await troupe.start(role.device, parts.staff(stage, role), parts.heard_of_staff)
        await troupe.start(
            cast.TICKET_MACHINE, parts.ticket_machine(stage), parts.heard_of_ticket_machine
        )
        await troupe.fact("customers_synced")
        for role in staff:
            await troupe.fact(f"ready-{role.staff_number}")
        troupe.cue(cast.KEEPER.device, cast.TELLER.staff_number)
        await troupe.fact("cards")
        narrator.heading("一　取号，贵宾提醒，客户视图")
        troupe.cue(cast.TICKET_MACHINE, guest.card_numbers[0])
        await troupe.fact("greeted")
        narrator.heading("二　面签开户，集中授权退回一次，核心执行恰好一次")
        troupe.cue(cast.TELLER.device, customers.at_the_desk(guest).to_json())
        await troupe.fact("opened")
        narrator.heading("三　变更手机号码，第二柜员在同一平板现场授权")
        journey = await troupe.fact("journey")
        for name in (cast.TICKET_MACHINE, cast.TELLER.device):
            await troupe.end_of(name)
        narrator.heading("四　一次旅程，一条时间线")
        narrator.journey(journey)


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000


def _leave(_number: int, _frame: types.FrameType | None) -> None:
    # The same way out as Ctrl-C.
    signal.raise_signal(signal.SIGINT)
