"""The adapter as a process of its own, killed and stopped like one."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fingertip.identity.v1.device_pb2 import Device
from fingertip.identity.v1.identity_service_pb2 import (
    ListDevicesRequest,
    RevokeDeviceRequest,
)
from fingertip_client.request_ids import new_request_id
from fingertip_core_banking.simulated.ledger import Ledger
from fingertip_server.app import App
from fingertip_server.identity import operator
from fingertip_server.rpc.call import Call
from tests.conftest import Clock
from tests.core_banking.collector import collecting
from tests.core_banking.orders import CARD, opening, reversing, told
from tests.core_banking.specimens import CARD_BIN, write_customers
from tests.fulfilment.queue import Owner, Queue
from tests.world import World

Run = Callable[..., Coroutine[Any, Any, asyncio.subprocess.Process]]


@pytest.fixture
async def run(server: App, credential_file: Path, tmp_path: Path) -> AsyncIterator[Run]:
    """Starts adapters, and ends those that are still there."""
    started: list[asyncio.subprocess.Process] = []
    write_customers(tmp_path / "customers.jsonl")

    async def start(*options: str, **environment: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from fingertip_core_banking.cli import app; app()",
            "run",
            f"--server=127.0.0.1:{server.port}",
            f"--device-credential-file={credential_file}",
            f"--customers={tmp_path / 'customers.jsonl'}",
            f"--ledger={tmp_path / 'ledger.sqlite'}",
            f"--faults={tmp_path / 'faults.json'}",
            "--no-sync",
            *options,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **environment},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite", CARD_BIN)


async def ended(process: asyncio.subprocess.Process, seconds: float = 20) -> tuple[int | None, str]:
    """Returns how a process ended, and what it said."""
    _, said = await asyncio.wait_for(process.communicate(), seconds)
    return process.returncode, said.decode()


async def test_an_adapter_killed_after_the_bank_acted_opens_no_second_account(
    queue: Queue, owner: Owner, run: Run, tmp_path: Path
) -> None:
    draft = opening()
    await queue.ask(draft)
    doomed = await run("--die-after-acting=1")
    code, _ = await ended(doomed)
    assert code == -signal.SIGKILL
    [booking] = ledger(tmp_path).bookings()
    row = await queue.row(draft.operation_id)
    # The bank acted, and nobody was told.
    assert row["state"] in {"LEASED", "UNKNOWN"}
    await run()
    await told(owner, "unknown", "done")
    assert ledger(tmp_path).bookings() == [booking]
    assert owner.told[1][2].executed_application.account_number == booking.account_number  # type: ignore[attr-defined]


async def test_an_adapter_killed_after_the_bank_reversed_reverses_nothing_twice(
    queue: Queue, owner: Owner, run: Run, tmp_path: Path
) -> None:
    opened = opening()
    await queue.ask(opened)
    process = await run("--die-after-acting=2")
    await told(owner, "done")
    draft = reversing(opened)
    await queue.ask(draft)
    assert (await ended(process))[0] == -signal.SIGKILL
    # The bank reversed, and nobody was told.
    bookings = ledger(tmp_path).bookings()
    assert [booking.operation_id for booking in bookings] == [
        opened.operation_id,
        draft.operation_id,
    ]
    assert (await queue.row(draft.operation_id))["state"] in {"LEASED", "UNKNOWN"}
    await run()
    await told(owner, "done", "unknown", "done")
    assert ledger(tmp_path).bookings() == bookings
    result = owner.told[2][2].executed_reversal  # type: ignore[attr-defined]
    assert result.core_reference == bookings[1].core_reference


async def test_adapters_killed_again_and_again_open_each_account_once(
    queue: Queue, owner: Owner, run: Run, clock: Clock, tmp_path: Path
) -> None:
    drafts = [opening() for _ in range(12)]
    await queue.ask(*drafts)
    for _ in range(3):
        code, _ = await ended(await run("--die-after-acting=2", "--concurrency=3"))
        assert code == -signal.SIGKILL
        await clock.advance(5)
    await run("--concurrency=3")
    async with asyncio.timeout(60):
        while owner.words.count("done") < len(drafts):
            await clock.advance(5)
            await asyncio.sleep(0.2)
    booked = [booking.operation_id for booking in ledger(tmp_path).bookings()]
    assert sorted(booked) == sorted(draft.operation_id for draft in drafts)
    assert set(owner.words) == {"unknown", "done"}


async def test_an_adapter_told_to_stop_finishes_what_it_holds(
    queue: Queue, owner: Owner, run: Run, tmp_path: Path
) -> None:
    draft = opening()
    process = await run("--latency=1")
    await queue.ask(draft)
    await queue.has_state("LEASED", draft)
    process.send_signal(signal.SIGTERM)
    code, said = await ended(process)
    assert (code, owner.words) == (0, ["done"]), said
    assert len(ledger(tmp_path).bookings()) == 1


async def test_faults_are_switched_from_outside(
    queue: Queue, owner: Owner, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "faults.json").write_text(json.dumps({"execute": {"refusal_rate": 1}}))
    await run()
    await queue.ask(opening())
    await told(owner, "failed")
    (tmp_path / "faults.json").unlink()
    await queue.ask(opening())
    await told(owner, "failed", "done")


async def test_two_adapters_share_the_work(
    queue: Queue, owner: Owner, run: Run, tmp_path: Path
) -> None:
    await asyncio.gather(run("--latency=0.02"), run("--latency=0.02"))
    drafts = [opening() for _ in range(40)]
    await queue.ask(*drafts)
    await told(owner, *["done"] * 40)
    assert len(ledger(tmp_path).bookings()) == 40


async def test_the_adapters_span_leads_back_to_the_call_that_asked(
    queue: Queue, owner: Owner, run: Run
) -> None:
    trace_id, span_id = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    await queue.ask(opening(), opening())
    await queue.database.as_owner(
        "UPDATE work_item SET traceparent = $1, journey_id = gen_random_uuid()",
        f"00-{trace_id}-{span_id}-01",
    )
    async with collecting() as collector:
        process = await run(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.port}")
        await told(owner, "done", "done")
        process.terminate()
        await ended(process)
        worked = [span for span in collector.spans if span.name == "work/core.open_account"]
        exported = str(collector.requests)
    assert len(worked) == 2
    for span, (_, item, _) in zip(
        sorted(worked, key=_journey), sorted(owner.told, key=_journey_of), strict=True
    ):
        [link] = span.links
        assert (link.trace_id.hex(), link.span_id.hex()) == (trace_id, span_id)
        assert _journey(span) == str(item.journey_id)
    assert CARD not in exported
    assert not any(str(told[2]) in exported for told in owner.told)


def _journey(span: Any) -> str:  # noqa: ANN401 - protobuf's span.
    [value] = [a.value.string_value for a in span.attributes if a.key == "fingertip.journey_id"]
    return str(value)


def _journey_of(told: tuple[str, Any, object]) -> str:
    return str(told[1].journey_id)


async def test_an_adapter_is_enrolled_and_then_works(
    server: App, world: World, queue: Queue, owner: Owner, run: Run, tmp_path: Path
) -> None:
    codes: list[str] = []

    def invite(call: Call) -> None:
        made = operator.create_enrolment_code(
            call,
            kind=Device.KIND_ADAPTER,
            branch_id="0000",
            display_name="核心适配器",
            work_kinds=("core.open_account", "core.view"),
        )
        codes.append(made.code)

    await server.pipeline.due("operator/enrolment_code", invite)
    path = tmp_path / "new.json"
    enrolling = [
        sys.executable,
        "-c",
        "from fingertip_core_banking.cli import app; app()",
        "enrol",
        f"--server=127.0.0.1:{server.port}",
        f"--code={codes[0]}",
        f"--device-credential-file={path}",
    ]
    process = await asyncio.create_subprocess_exec(*enrolling)
    assert await asyncio.wait_for(process.wait(), 20) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    await run(f"--device-credential-file={path}")
    await queue.ask(opening())
    await told(owner, "done")
    process = await asyncio.create_subprocess_exec(*enrolling, stderr=asyncio.subprocess.PIPE)
    code, said = await ended(process)
    assert code == 1
    assert "ENROLMENT_CODE_INVALID" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--device-credential-file=/nowhere/adapter.json", "is absent: enrol this device first"),
        ("--customers=/nowhere/customers.jsonl", "No such file"),
        ("--faults=customers.jsonl", "Extra data"),
    ],
)
async def test_what_an_operator_can_put_right_is_a_sentence(
    run: Run, queue: Queue, option: str, sentence: str, tmp_path: Path
) -> None:
    option = option.replace("=customers.jsonl", f"={tmp_path / 'customers.jsonl'}")
    code, said = await ended(await run(option))
    assert code == 1
    assert sentence in said
    assert "Traceback" not in said


async def test_a_revoked_adapter_ends_although_it_waits(
    queue: Queue, owner: Owner, run: Run, world: World
) -> None:
    process = await run()
    await queue.ask(opening())
    await told(owner, "done")
    devices = await world.security_admin.identity.ListDevices(ListDevicesRequest(page_size=200))
    [adapter] = [d for d in devices.devices if "core.open_account" in d.work_kinds]
    await world.security_admin.identity.RevokeDevice(
        RevokeDeviceRequest(request_id=new_request_id(), device_id=adapter.device_id)
    )
    code, said = await ended(process, seconds=5)
    assert code == 1
    assert "NOT_SIGNED_IN" in said


async def test_the_day_is_closed_by_a_command_of_its_own(
    queue: Queue, owner: Owner, run: Run, server: App, credential_file: Path, tmp_path: Path
) -> None:
    draft = opening()
    await queue.ask(draft)
    await run()
    await told(owner, "done")
    [booking] = ledger(tmp_path).bookings()
    day = datetime.fromtimestamp(booking.booked_at, ZoneInfo("Asia/Shanghai")).date()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from fingertip_core_banking.cli import app; app()",
        "reconcile",
        f"--server=127.0.0.1:{server.port}",
        f"--device-credential-file={credential_file}",
        f"--customers={tmp_path / 'customers.jsonl'}",
        f"--ledger={tmp_path / 'ledger.sqlite'}",
        f"--business-day={day}",
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, said.decode()) == (0, f"{day} closed with 1 operations\n")
    assert (await queue.row(draft.operation_id))["listed_on"] == day
