"""Measures our server beside a bare one that does the same durable work, in one run.

Server CPU per call is what the server's process used while the load ran, divided by the calls; the
two take turns, and medians are printed. Needs h2load (Debian: nghttp2-client).
"""

import argparse
import asyncio
import shutil
import statistics
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url

from fingertip.lobby.v1.lobby_service_pb2 import IssueTicketRequest, ListTicketsRequest
from fingertip_server import telemetry
from fingertip_server.app import App
from fingertip_server.authority import keyfile as authority_file
from fingertip_server.db import migrating
from fingertip_server.db.embedded import APPLICATION, OWNER, SUPERUSER, EmbeddedPostgres
from fingertip_server.protection import keyfile
from fingertip_server.settings import Settings
from tests.bench import claims, signing
from tests.bench.alerts import Alerts, measure_ours, measure_reference, sync_important_customers
from tests.bench.claims import Cost
from tests.bench.load import Load, Round, Server, run_load
from tests.bench.signing import Times
from tests.sql import run_sql
from tests.world import Credentials, furnish

_LOBBY = "fingertip.lobby.v1.LobbyService"
_out = Console()


def _loads(credentials: Credentials) -> list[Load]:
    device = credentials.devices["100103"]
    staff = {"fingertip-device": device, "authorization": f"Bearer {credentials.tokens['100103']}"}
    machine = {"fingertip-device": credentials.devices["ticket_machine"]}
    fresh = "00000000-0000-4000-8000-000000000000"
    return [
        Load("look-up read", f"{_LOBBY}/ListTickets", ListTicketsRequest(page_size=1), staff),
        Load(
            "IssueTicket",
            f"{_LOBBY}/IssueTicket",
            IssueTicketRequest(request_id=fresh, service_line_code="B"),
            machine,
        ),
    ]


async def _bench(folder: Path, wanted: argparse.Namespace) -> None:
    with EmbeddedPostgres(folder / "postgres") as postgres:
        settings = await _prepared(postgres, folder)
        credentials = await furnish(App(settings))
        # First, while nobody is connected to the bank that is copied for it.
        _show_costs(await claims.measure(postgres, settings, credentials, wanted.rounds))
        ours = await Server.started(
            "tests.bench.subject",
            settings.database_url,
            str(settings.key_ring),
            str(settings.authority),
        )
        socket = str(make_url(postgres.url()).query["host"])
        reference = await Server.started(
            "tests.bench.reference", socket, "5432", OWNER, "fingertip"
        )
        try:
            for load in _loads(credentials):
                results: dict[str, list[Round]] = {"reference": [], "fingertip": []}
                for number in range(wanted.rounds + 1):
                    for name, server in (("reference", reference), ("fingertip", ours)):
                        result = await run_load(
                            server, load, wanted.calls if number else wanted.calls // 4
                        )
                        # The first round warms caches, plans and pools.
                        if number:
                            results[name].append(result)
                        await _settle(postgres)
                _show(load, results)
            await sync_important_customers(ours, credentials, wanted.alerts)
            _show_alerts(
                await measure_reference(reference, wanted.alerts),
                await measure_ours(ours, credentials, wanted.alerts),
            )
            _show_times(
                await signing.measure(ours, credentials, wanted.submissions, wanted.decisions)
            )
        finally:
            await ours.stop()
            await reference.stop()


async def _prepared(postgres: EmbeddedPostgres, folder: Path) -> Settings:
    await migrating.migrate(postgres.url(role=OWNER))
    ring = folder / "key-ring.json"
    keyfile.create(ring)
    authority = folder / "authority.json"
    authority_file.create(authority)
    return Settings(
        database_url=postgres.url(role=APPLICATION),
        key_ring=ring,
        authority=authority,
        listen="127.0.0.1:0",
        production=False,
        log_level="error",
    )


async def _settle(postgres: EmbeddedPostgres) -> None:
    """Serves who waits, so that counting a queue costs both the same in every round."""
    url = postgres.url(role=SUPERUSER)
    await run_sql(url, "UPDATE reference_ticket SET state = 'COMPLETED' WHERE state = 'WAITING'")
    await run_sql(
        url,
        "UPDATE ticket SET state = 'COMPLETED', desk = '1', ended_at = clock_timestamp()"
        " WHERE state = 'WAITING'",
    )
    await run_sql(url, "VACUUM ANALYZE ticket, reference_ticket")


def _show(load: Load, results: dict[str, list[Round]]) -> None:
    table = Table(title=f"{load.name}: medians of {len(results['fingertip'])} rounds")
    for column in ("server", "calls/s", "server CPU/call", "ratio of CPU"):
        table.add_column(column, justify="right")
    bare = statistics.median(r.cpu_microseconds for r in results["reference"])
    for name, rounds in results.items():
        cpu = statistics.median(r.cpu_microseconds for r in rounds)
        rate = statistics.median(r.calls_per_second for r in rounds)
        table.add_row(name, f"{rate:,.0f}", f"{cpu:,.0f} µs", f"{cpu / bare:.2f}")
    _out.print(table)


def _show_alerts(bare: Alerts, ours: Alerts) -> None:
    table = Table(title="ticket to alert on a stream")
    for column in ("server", "p50", "p99", "ratio of p50"):
        table.add_column(column, justify="right")
    for name, alerts in (("reference", bare), ("fingertip", ours)):
        ratio = alerts.percentile(50) / bare.percentile(50)
        row = (f"{alerts.percentile(p):.2f} ms" for p in (50, 99))
        table.add_row(name, *row, f"{ratio:.2f}")
    _out.print(table)


def _show_times(measured: list[Times]) -> None:
    table = Table(title="time that the system adds to dual control")
    for column in ("from → to", "n", "p50", "p95", "limit"):
        table.add_column(column, justify="right")
    for times in measured:
        row = (f"{times.percentile(p):.1f} ms" for p in (50, 95))
        table.add_row(times.name, str(len(times.milliseconds)), *row, f"{times.limit_ms:.0f} ms")
    _out.print(table)


def _show_costs(costs: list[Cost]) -> None:
    table = Table(title="claims: what a long queue costs")
    for column in ("queued", "n", "p50", "server CPU/claim", "ratio of p50", "ratio of CPU"):
        table.add_column(column, justify="right")
    for cost in costs:
        table.add_row(
            f"{cost.queued:,}",
            str(len(cost.milliseconds)),
            f"{cost.median_ms:.2f} ms",
            f"{cost.median_cpu:,.0f} µs",
            f"{cost.median_ms / costs[0].median_ms:.2f}",
            f"{cost.median_cpu / costs[0].median_cpu:.2f}",
        )
    _out.print(table)


def main() -> None:
    """Runs the bench."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (default 5)")
    parser.add_argument("--calls", type=int, default=4000, help="calls a round (default 4000)")
    parser.add_argument("--alerts", type=int, default=300, help="alerts timed (default 300)")
    parser.add_argument("--submissions", type=int, default=500, help="default 500, at 50/s")
    parser.add_argument("--decisions", type=int, default=100, help="default 100, one by one")
    wanted = parser.parse_args()
    if shutil.which("h2load") is None:
        parser.error("h2load is missing: install Debian's nghttp2-client")
    telemetry.start("bench", trace_file=None, sample_ratio=1.0, log_level="error")
    with tempfile.TemporaryDirectory(prefix="fingertip-bench-") as folder:
        asyncio.run(_bench(Path(folder), wanted))


if __name__ == "__main__":
    main()
