"""The command line of the ticket machine."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

if TYPE_CHECKING:
    from fingertip_client.credentials import DeviceFile
    from fingertip_ticket_machine.attendant import Place, Served

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Issues queue tickets for a branch, also while its server is away.",
)

Servers = Annotated[
    list[str], typer.Option("--server", help="HOST:PORT of a server; several take turns.")
]
CredentialFile = Annotated[
    Path, typer.Option("--device-credential-file", help="Where the machine's credential is kept.")
]
State = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the machine's journal and slips; by default beside the credential file."
    ),
]
BranchName = Annotated[str, typer.Option(help="What stands at the top of a slip.")]
PrinterPlace = Annotated[
    str,
    typer.Option(
        "--printer",
        help="folder:PATH, device:PATH or network:HOST[:PORT]; by default a folder of the state.",
    ),
]
LineNames = Annotated[
    list[str],
    typer.Option("--offer", help="A service line on the screen, CODE=NAME; one for each."),
]
# Who settles by hand can wait a little for the connection.
_CONNECTION_SECONDS: Final = 5.0
# Lines as most banks letter them. The server knows which of them the branch has.
_LINES: Final = ["B=个人业务", "C=对公业务", "A=贵宾业务"]


@app.command()
def enrol(
    server: Servers,
    device_credential_file: CredentialFile,
    code: Annotated[
        str,
        typer.Option(prompt="Enrolment code", hide_input=True, help="The single-use code."),
    ],
) -> None:
    """Exchanges an enrolment code for the machine's credential."""
    from fingertip_client.caller import Caller

    async def exchange() -> None:
        async with Caller(server) as caller:
            (await caller.enrol(code)).save(device_credential_file)

    with _sentences():
        asyncio.run(exchange())
    typer.echo(f"Enrolled; the credential is in {device_credential_file}.")


@app.command()
def run(
    server: Servers,
    device_credential_file: CredentialFile,
    state: State = None,
    branch_name: BranchName = "",
    printer: PrinterPlace = "",
    offer: LineNames = _LINES,
) -> None:
    """Serves customers at this terminal until it is closed, and settles in the background."""
    from rich.console import Console

    from fingertip_client import tracing
    from fingertip_ticket_machine.attendant import attending, settling_meanwhile
    from fingertip_ticket_machine.loop_thread import LoopThread
    from fingertip_ticket_machine.readers import TerminalReader
    from fingertip_ticket_machine.screen import Screen

    with _sentences(), tracing.exporting("fingertip-ticket-machine"):
        place = _place(server, device_credential_file, state, branch_name, printer, offer)
        _log_into(place.state)
        console = Console()
        with (
            LoopThread() as loop,
            loop.entered(attending(place)) as attendant,
            loop.entered(settling_meanwhile(attendant)),
        ):
            Screen(
                console,
                TerminalReader(console),
                lambda line, who: loop.call(attendant.serve(line, who)),
                branch_name=place.branch_name,
                lines=place.lines,
            ).run()


@app.command()
def issue(  # noqa: PLR0913, PLR0917 - all but two have a default.
    server: Servers,
    device_credential_file: CredentialFile,
    line: Annotated[str, typer.Option(help="The line chosen; by default the first offered.")] = "",
    card: Annotated[
        str, typer.Option(help="The card's number; - reads it where no other process sees it.")
    ] = "",
    resident_id: Annotated[
        str, typer.Option("--id", help="The identity document's number; - as above.")
    ] = "",
    state: State = None,
    branch_name: BranchName = "",
    printer: PrinterPlace = "",
    offer: LineNames = _LINES,
    as_json: Annotated[bool, typer.Option("--json", help="Tells the ticket as JSON.")] = False,
) -> None:
    """Issues and prints one ticket, and then settles what there is to settle."""
    from fingertip_client import tracing
    from fingertip_ticket_machine.attendant import attending
    from fingertip_ticket_machine.readers import identification

    async def serve_one() -> None:
        place = _place(server, device_credential_file, state, branch_name, printer, offer)
        _log_into(place.state)
        who = identification(card=_said(card), resident_id=_said(resident_id))
        async with attending(place) as attendant:
            served = await attendant.serve(line or next(iter(place.lines)), who)
            typer.echo(_as_json(served) if as_json else _as_sentence(served))
            settlement = await attendant.settle()
        if settlement.trouble is not None:
            typer.echo(f"Not settled yet: {settlement.trouble}", err=True)

    with _sentences(), tracing.exporting("fingertip-ticket-machine"):
        asyncio.run(serve_one())


@app.command()
def settle(
    server: Servers,
    device_credential_file: CredentialFile,
    state: State = None,
    offer: LineNames = _LINES,
) -> None:
    """Registers what was issued while the server was away, and reserves numbers."""
    from fingertip_client import tracing
    from fingertip_ticket_machine.attendant import attending

    async def settle_now() -> None:
        place = _place(server, device_credential_file, state, "", "", offer)
        _log_into(place.state)
        async with attending(place) as attendant:
            settlement = await attendant.settle(connection_seconds=_CONNECTION_SECONDS)
        for title, what in [
            ("Registered", settlement.registered),
            ("Refused for good", settlement.refused),
            ("New numbers for", settlement.reserved),
        ]:
            if what:
                typer.echo(f"{title}: {' '.join(what)}")
        if settlement.trouble is not None:
            raise settlement.trouble

    with _sentences(), tracing.exporting("fingertip-ticket-machine"):
        asyncio.run(settle_now())


@app.command()
def status(device_credential_file: CredentialFile, state: State = None) -> None:
    """Tells what the machine has in its journal, without asking the server."""
    from fingertip_ticket_machine import reports
    from fingertip_ticket_machine.attendant import JOURNAL
    from fingertip_ticket_machine.journal import Journal
    from fingertip_ticket_machine.machine import utc_now

    with _sentences():
        device = _device(device_credential_file)
        typer.echo(f"{device.display_name}, branch {device.branch_id}, device {device.device_id}")
        with Journal(_folder(state, device_credential_file) / JOURNAL) as journal:
            for sentence in reports.of_journal(journal, utc_now()):
                typer.echo(sentence)


def _place(
    server: Sequence[str],
    device_credential_file: Path,
    state: Path | None,
    branch_name: str,
    printer: str,
    offer: Sequence[str],
) -> "Place":
    """Puts the options together; raises ValueError and CredentialFileError."""
    from fingertip_ticket_machine.attendant import Place

    device = _device(device_credential_file)
    folder = _folder(state, device_credential_file)
    return Place(
        targets=server,
        device=device,
        state=folder,
        branch_name=branch_name or f"网点 {device.branch_id}",
        lines=dict(map(_line, offer)),
        printer=printer or f"folder:{folder / 'tickets'}",
    )


def _log_into(folder: Path) -> None:
    """Keeps what happens out of the customers' sight."""
    from fingertip_client import logs

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    logs.start(folder / "machine.log")


def _device(path: Path) -> "DeviceFile":
    from fingertip_client.credentials import DeviceFile

    return DeviceFile.load(path)


def _folder(state: Path | None, device_credential_file: Path) -> Path:
    return state or device_credential_file.with_name(f"{device_credential_file.stem}-state")


def _line(offered: str) -> tuple[str, str]:
    code, _, name = offered.partition("=")
    if not code or not name:
        raise ValueError(f"A service line is offered as CODE=NAME, and {offered!r} is not.")
    return code, name


def _said(number: str) -> str:
    """Returns a number as it was given, or the next line of the input in place of a dash."""
    return sys.stdin.readline().strip() if number == "-" else number


def _as_sentence(served: "Served") -> str:
    from fingertip_ticket_machine import slips, texts

    slip = served.slip
    parts = [f"{slip.number} {slip.line_name}".strip(), slips.waiting_sentence(slip.waiting_count)]
    if not served.printed_at:
        parts.append(texts.NOT_PRINTED)
    return "，".join(parts)


def _as_json(served: "Served") -> str:
    issued = served.issued
    ticket = {
        "ticket_id": issued.ticket_id,
        "number": issued.number,
        "service_line_code": issued.service_line_code,
        "waiting_count": issued.waiting_count,
        "issued_offline": issued.is_offline,
        "journey_id": issued.journey_id,
        "time": issued.time.isoformat(),
        "printed_at": served.printed_at,
    }
    return json.dumps(ticket, ensure_ascii=False)


@contextlib.contextmanager
def _sentences() -> Iterator[None]:
    """Turns what somebody can put right into a sentence and exit code 1."""
    import sqlite3

    from fingertip_client.credentials import CredentialFileError
    from fingertip_client.refusal import Refused
    from fingertip_ticket_machine import texts
    from fingertip_ticket_machine.journal import NoNumber

    try:
        yield
    except NoNumber as error:
        _fail(texts.of_shortage(error.shortage), error)
    except (Refused, CredentialFileError, ValueError, OSError, sqlite3.DatabaseError) as error:
        _fail(str(error), error)


def _fail(sentence: str, error: Exception) -> NoReturn:
    typer.echo(f"fingertip-ticket-machine: {sentence}", err=True)
    raise typer.Exit(1) from error
