"""One press is followed through every process that it moves, in spans and in log lines."""

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from fingertip.identity.v1.device_pb2 import Device
from fingertip_client.caller import Caller
from fingertip_client.credentials import DeviceFile
from fingertip_server.demo import cast, customers, parts
from fingertip_server.demo.parts import Stage
from fingertip_server.demo.troupe import Troupe
from fingertip_server.packs.synthetic import SyntheticCustomer
from fingertip_server.settings import Settings
from tests.faults.processes import ServerProcess, running
from tests.identity.enrolling import make_code
from tests.telemetry.spans import Span, Traces
from tests.world import PASSWORD, Credentials, World

_MACHINE, _SERVER = "fingertip-ticket-machine", "fingertip-server"
_TABLET, _ADAPTER = "fingertip-lobby-tablet", "fingertip-core-banking"
_ISSUE = "lobby.v1.LobbyService/IssueTicket"
_COMPLETE = "fulfilment.v1.FulfilmentService/CompleteWorkItem"
_CUSTOMERS = 20
_TABLETS = cast.WATCHERS[:2]


@dataclass(frozen=True)
class Told:
    """What the processes left behind when Ms Wang had been greeted."""

    journey_id: str
    traces: Traces
    trace_files: Sequence[Path]
    server_logs: Sequence[Path]
    folder: Path

    def story(self) -> list[Span]:
        """Returns every span that her press led to."""
        [press] = self.traces.named(_MACHINE, "ticket")
        return self.traces.followed(press)


async def test_a_press_is_followed_through_every_process(
    settings: Settings, template: Credentials, tmp_path: Path
) -> None:
    told = await _played(settings, template, tmp_path)
    _is_one_trace_from_the_machine_to_the_tablet(told.traces)
    _leads_back_from_the_adapters_work_and_on_to_the_tablet(told.traces)
    _lacks_no_part(told)
    _names_its_journey_in_every_span(told)
    _names_its_journey_in_log_lines(told)
    _tells_nothing_personal(told)


def _is_one_trace_from_the_machine_to_the_tablet(traces: Traces) -> None:
    [press] = traces.named(_MACHINE, "ticket")
    [issued] = traces.named(_SERVER, _ISSUE)
    assert not press.parent_id
    assert traces.parent(traces.parent(issued)) == press
    alerted = [s for s in traces.named(_TABLET, "event/arrival") if _is_part(traces, s, issued)]
    claimed = traces.named(_SERVER, "lobby.v1.LobbyService/ClaimArrival")
    assert len(alerted) == len(claimed) == len(_TABLETS)
    assert {traces.parent(traces.parent(span)) for span in claimed} == set(alerted)
    assert {span.trace_id for span in (*alerted, *claimed)} == {press.trace_id}


def _leads_back_from_the_adapters_work_and_on_to_the_tablet(traces: Traces) -> None:
    [issued] = traces.named(_SERVER, _ISSUE)
    work = traces.named(_ADAPTER, "work/crm.view")
    assert work
    assert all(traces.linked(span) == issued for span in work)
    shown = traces.named(_TABLET, "event/customer_section_changed")
    completed = {traces.parent(span) for span in shown}
    assert {(span.service, span.name) for span in completed} == {(_SERVER, _COMPLETE)}
    worked = {traces.parent(traces.parent(span)) for span in completed}
    assert worked.issuperset(work)


def _lacks_no_part(told: Told) -> None:
    assert told.traces.unresolved() == []
    assert {span.service for span in told.story()} == {_MACHINE, _SERVER, _TABLET, _ADAPTER}


def _names_its_journey_in_every_span(told: Told) -> None:
    others = {(s.service, s.name) for s in told.story() if s.journey_id != told.journey_id}
    assert others == set()


def _names_its_journey_in_log_lines(told: Told) -> None:
    lines = {
        "server": [
            line for log in told.server_logs for line in _lines(log) if line.get("method") == _ISSUE
        ],
        "machine": [
            line
            for line in _lines(told.folder / "ticket-machine-state" / "machine.log")
            if line["event"].startswith("issued ")
        ],
        "adapter": [
            line
            for line in _lines(told.folder / f"{cast.CORE_BANKING}.log")
            if line["event"].startswith("crm.view ")
        ],
    }
    assert all(lines.values()), lines
    assert {line["journey_id"] for each in lines.values() for line in each} == {told.journey_id}
    known = {span.trace_id for span in told.story()}
    assert {line["traceparent"].split("-")[1] for line in lines["adapter"]} <= known


def _tells_nothing_personal(told: Told) -> None:
    written = [
        json.dumps(json.loads(line), ensure_ascii=False)
        for path in told.trace_files
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert any(told.journey_id in line for line in written)
    for personal in (*_personal(customers.ms_wang()), PASSWORD):
        assert not any(personal in line for line in written), personal


async def _played(settings: Settings, template: Credentials, folder: Path) -> Told:
    """Has a ticket machine, two servers, two tablets and an adapter greet Ms Wang."""
    traces = folder / "traces"
    traces.mkdir()
    async with AsyncExitStack() as stack:
        servers = []
        for name in ("server-1", "server-2"):
            (folder / name).mkdir()
            telling = {"trace_file": traces / f"{name}.jsonl", "log_level": "info"}
            servers += await stack.enter_async_context(
                running(settings.model_copy(update=telling), folder / name, 1)
            )
        journey_id = await _greet(await _set(servers, template, folder, traces))
        for server in servers:
            server.terminate()
        for server in servers:
            assert await server.ended() == 0
    logs = [server.log for server in servers]
    return Told(journey_id, Traces.read(traces), sorted(traces.iterdir()), logs, folder)


async def _set(
    servers: Sequence[ServerProcess], template: Credentials, folder: Path, traces: Path
) -> Stage:
    """Gives every party what it needs."""
    targets = [server.target for server in servers]
    devices = {
        name: folder / f"{name}.json"
        for name in (cast.TICKET_MACHINE, cast.CORE_BANKING, *(role.device for role in _TABLETS))
    }
    _save(devices[cast.TICKET_MACHINE], template.devices["ticket_machine"])
    for role in _TABLETS:
        _save(devices[role.device], template.devices[role.staff_number])
    world = World(targets, template)
    invited = await make_code(
        world,
        Device.KIND_ADAPTER,
        branch_id="0000",
        work_kinds=("core.open_account", "core.view", "crm.resolve_customer", "crm.view"),
    )
    await world.close()
    async with Caller(targets) as caller:
        (await caller.enrol(invited.enrolment_code)).save(devices[cast.CORE_BANKING])
    (folder / "password").write_text(PASSWORD)
    stage = Stage(folder, targets, devices, folder / "password", folder, traces)
    customers.write_customers(stage.customers, _CUSTOMERS)
    return stage


async def _greet(stage: Stage) -> str:
    """Plays the story up to where a tablet has everything of Ms Wang; returns her journey."""
    async with Troupe(lambda _: None, stage.logs, stage.traces) as troupe:
        await troupe.start(
            cast.CORE_BANKING, parts.core_banking(stage), parts.heard_of_core_banking
        )
        for role in _TABLETS:
            await troupe.start(role.device, parts.staff(stage, role), parts.heard_of_staff)
        await troupe.start(
            cast.TICKET_MACHINE, parts.ticket_machine(stage), parts.heard_of_ticket_machine
        )
        await troupe.fact("customers_synced")
        for role in _TABLETS:
            await troupe.fact(f"ready-{role.staff_number}")
        troupe.cue(cast.TICKET_MACHINE, customers.ms_wang().card_numbers[0])
        journey_id = await troupe.fact("greeted")
        await troupe.end_of(cast.TICKET_MACHINE)
    return journey_id


def _save(path: Path, credential: str) -> None:
    DeviceFile(device_id="", branch_id="0101", display_name="", credential=credential).save(path)


def _is_part(traces: Traces, span: Span, whole: Span) -> bool:
    return bool(span.parent_id) and traces.parent(span) == whole


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _personal(customer: SyntheticCustomer) -> list[str]:
    return [
        customer.name,
        customer.resident_id,
        customer.mobile,
        customer.address,
        *customer.card_numbers,
    ]
