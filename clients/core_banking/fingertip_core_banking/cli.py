"""The command line of the adapter, with the simulated bank behind it."""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Works for a Fingertip server in the place of a bank's systems.",
)

Server = Annotated[
    list[str], typer.Option("--server", help="HOST:PORT of a server; several take turns.")
]
CredentialFile = Annotated[
    Path, typer.Option("--device-credential-file", help="Where the adapter's credential is kept.")
]
Rate = Annotated[float, typer.Option(min=0, max=1)]


@app.command()
def enrol(
    server: Server,
    code: Annotated[str, typer.Option(help="The single-use enrolment code.")],
    device_credential_file: CredentialFile,
) -> None:
    """Exchanges an enrolment code for the adapter's credential."""
    from fingertip_client.caller import Caller
    from fingertip_client.refusal import Refused

    async def exchange() -> None:
        async with Caller(server) as caller:
            (await caller.enrol(code)).save(device_credential_file)

    with _sentences(Refused, ValueError):
        asyncio.run(exchange())


@app.command()
def run(  # noqa: PLR0913, PLR0917 - what can be switched is many, and each has a default.
    server: Server,
    device_credential_file: CredentialFile,
    customers: Annotated[Path, typer.Option(help="The customer master, one JSON line each.")],
    ledger: Annotated[Path, typer.Option(help="The simulated bank's books; made if absent.")],
    sync: Annotated[
        bool, typer.Option(help="Whether to bring the customer master, as a CRM does.")
    ] = True,
    screening_list: Annotated[
        list[Path] | None,
        typer.Option(help="A screening list to bring, one JSON line each; may be given often."),
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=50)] = 8,
    bank_seconds_max: Annotated[
        float, typer.Option(help="After how long a call to the bank counts as unanswered.")
    ] = 10.0,
    sync_seconds: Annotated[
        float, typer.Option(help="How often to look for changed customers.")
    ] = 5.0,
    card_bin: Annotated[
        str, typer.Option(help="What account numbers begin with, 6 to 8 digits.")
    ] = "629990",
    latency: Annotated[float, typer.Option(min=0, help="Seconds that every call takes.")] = 0.0,
    failure_rate: Rate = 0.0,
    refusal_rate: Rate = 0.0,
    timeout_rate: Rate = 0.0,
    faults: Annotated[
        Path | None, typer.Option(help="A control file that switches faults while running.")
    ] = None,
    die_after_acting: Annotated[
        int, typer.Option(min=0, help="Kills the process in its n-th booking.")
    ] = 0,
) -> None:
    """Works until it is told to stop, then finishes what it holds."""
    from fingertip_client import logs, tracing
    from fingertip_client.caller import Caller
    from fingertip_client.credentials import CredentialFileError, DeviceFile
    from fingertip_client.refusal import Refused
    from fingertip_core_banking.simulated.customers import CustomerFile, CustomerFileFault
    from fingertip_core_banking.simulated.faults import EVERY_OPERATION, FaultPlan, Faults
    from fingertip_core_banking.simulated.ledger import Ledger
    from fingertip_core_banking.simulated.lists import Lists
    from fingertip_core_banking.simulated.simulated_bank import SimulatedBank
    from fingertip_core_banking.sync import CustomerSync, ScreeningSync
    from fingertip_core_banking.worker import Pace, Worker

    logs.start()

    async def work() -> None:
        stopping = _stop_on_signals()
        master = CustomerFile(customers)
        plan = FaultPlan(Faults(latency, failure_rate, refusal_rate, timeout_rate), faults)
        # Wrong files are told of now, not when the first work comes.
        master.customers()
        plan.faults(EVERY_OPERATION)
        lists = Lists(screening_list or ())
        for code in lists.codes:
            lists.entries(code)
        bank = SimulatedBank(
            Ledger(ledger, card_bin),
            master,
            plan,
            card_bin=card_bin,
            die_after_acting=die_after_acting,
            lists=lists,
        )
        device = DeviceFile.load(device_credential_file)
        async with Caller(server, device=device.credential) as caller:
            pace = Pace(concurrency=concurrency, bank_seconds_max=bank_seconds_max)
            parts: list[Coroutine[object, object, None]] = [
                # All kinds that it was enrolled for: which there are, the bank's pack says.
                Worker(caller, bank, (), pace).run(stopping)
            ]
            if sync:
                parts.append(CustomerSync(caller, bank, "crm").run(stopping, sync_seconds))
            parts += [
                ScreeningSync(caller, bank, code).run(stopping, sync_seconds)
                for code in lists.codes
            ]
            await _together(parts, stopping)

    told = (Refused, CredentialFileError, CustomerFileFault, OSError, ValueError)
    with _sentences(*told), tracing.exporting("fingertip-core-banking"):
        asyncio.run(work())


@app.command()
def reconcile(
    server: Server,
    device_credential_file: CredentialFile,
    customers: Annotated[Path, typer.Option(help="The customer master, one JSON line each.")],
    ledger: Annotated[Path, typer.Option(help="The simulated bank's books.")],
    business_day: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The bank's business day.")
    ],
    source: Annotated[str, typer.Option(help="Whose books these are.")] = "core",
    card_bin: Annotated[str, typer.Option(help="As `run` has it.")] = "629990",
) -> None:
    """Sends the bank's list of operations of a day, and closes it."""
    from fingertip_client import logs
    from fingertip_client.caller import Caller
    from fingertip_client.credentials import CredentialFileError, DeviceFile
    from fingertip_client.refusal import Refused
    from fingertip_core_banking import reconciliation
    from fingertip_core_banking.bank import BankAnswer
    from fingertip_core_banking.simulated.customers import CustomerFile, CustomerFileFault
    from fingertip_core_banking.simulated.faults import FaultPlan, Faults
    from fingertip_core_banking.simulated.ledger import Ledger
    from fingertip_core_banking.simulated.simulated_bank import SimulatedBank

    logs.start()

    async def send() -> None:
        bank = SimulatedBank(
            Ledger(ledger, card_bin),
            CustomerFile(customers),
            FaultPlan(Faults()),
            card_bin=card_bin,
        )
        device = DeviceFile.load(device_credential_file)
        async with Caller(server, device=device.credential) as caller:
            day = await reconciliation.reconcile(caller, bank, source, business_day.date())
        typer.echo(f"{business_day.date()} closed with {day.operation_count} operations")

    told = (Refused, BankAnswer, CredentialFileError, CustomerFileFault, OSError, ValueError)
    with _sentences(*told):
        asyncio.run(send())


async def _together(
    parts: Sequence[Coroutine[object, object, None]], stopping: asyncio.Event
) -> None:
    """Runs the parts until all have ended; the first that fails stops the others in order."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        stopping.set()
        await asyncio.wait(tasks)
    for task in tasks:
        task.result()


def _stop_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


@contextlib.contextmanager
def _sentences(*expected: type[Exception]) -> Iterator[None]:
    """Turns what an operator can put right into a sentence and exit code 1."""
    try:
        yield
    except expected as error:
        typer.echo(f"fingertip-core-banking: {error}", err=True)
        raise typer.Exit(1) from error
