"""The command line of the server."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fingertip_server.operators import cli as operators

app = typer.Typer(
    name="fingertip",
    help="Fingertip (指尖), the open mobile branch: server, demo and operator's tools.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
key_ring = typer.Typer(help="Makes and rotates key rings.", no_args_is_help=True)
admin = typer.Typer(help="Enrols devices and sets passwords, journalled.", no_args_is_help=True)
audit = typer.Typer(help="Proves the journal.", no_args_is_help=True)
app.add_typer(key_ring, name="key-ring")
app.add_typer(admin, name="admin")
app.add_typer(audit, name="audit")
app.add_typer(operators.items, name="items")
app.add_typer(operators.operations, name="operations")

_FOLDER = Path("var")
_out = Console()

Folder = Annotated[Path, typer.Option(help="Where PostgreSQL, keys and logs are kept.")]
OwnerUrl = Annotated[
    str, typer.Option(envvar="OWNER_DATABASE_URL", help="The database as the schema's owner.")
]


@contextmanager
def _told() -> Iterator[None]:
    """Tells a refusal in its own words; what it takes to know them is imported only then."""
    from fingertip_server.refusals import told

    with told():
        yield


@app.command()
def serve(
    demo: Annotated[bool, typer.Option(help="Loads the demo bank and opens it to you.")] = False,
    folder: Folder = _FOLDER,
    port_file: Annotated[
        Path | None, typer.Option(help="Gets the port, once the server listens on it.")
    ] = None,
) -> None:
    """Serves until SIGTERM or Ctrl-C.

    With DATABASE_URL and FINGERTIP_KEY_RING set it serves that database. Without, it starts a
    private PostgreSQL in FOLDER, and a server on it at 127.0.0.1:50051 (FINGERTIP_LISTEN).
    """
    import os

    from fingertip_server import settings

    with _told():
        if "DATABASE_URL" in os.environ:
            from fingertip_server.serving import serve as run

            run(settings.load(), port_file=port_file)
            return
        from fingertip_server.demo import standing

        # Whole lines: one of them is a command to copy.
        tell = partial(_out.print, soft_wrap=True)
        raise typer.Exit(standing.stand(folder, is_demo=demo, tell=tell))


@app.command()
def demo(
    folder: Folder = _FOLDER / "demo",
    customers: Annotated[int, typer.Option(min=1, help="How many customers the bank has.")] = 2000,
) -> None:
    """Plays the story once, with real processes, and tells it as it happens."""
    from fingertip_server.demo import play

    with _told():
        raise typer.Exit(play.play(folder, count_of_customers=customers))


@app.command()
def migrate(owner_url: OwnerUrl) -> None:
    """Brings the schema up to date. Several at once do it once."""
    import asyncio

    from fingertip_server.db import migrating

    with _told():
        _out.print(f"schema {asyncio.run(migrating.migrate(owner_url))}")


@app.command()
def load(pack: Annotated[Path, typer.Argument(help="A folder of YAML.")]) -> None:
    """Makes PACK the bank's active pack; a wrong one is refused whole, with every fault."""
    from fingertip_server import administration, settings

    with _told():
        version, is_new = administration.load_pack(settings.load(), pack)
        _out.print(f"pack {version} {'is active now' if is_new else 'was active already'}")


@app.command()
def customers(
    out: Annotated[Path, typer.Option(help="Gets one customer a line, as JSON.")],
    count: Annotated[int, typer.Option(min=1)] = 2000,
) -> None:
    """Writes synthetic customers of the demo bank, for the simulated bank to read."""
    from fingertip_server.demo.customers import write_customers

    with _told():
        write_customers(out, count)
        _out.print(f"{count} customers in {out}")


@key_ring.command("create")
def create_key_ring(path: Path) -> None:
    """Makes a key ring with one version. Keep a copy: losing it loses every personal field."""
    from fingertip_server.protection import keyfile

    with _told():
        _out.print(f"{path} {keyfile.create(path).fingerprint()}", soft_wrap=True)


@key_ring.command("rotate")
def rotate_key_ring(path: Path) -> None:
    """Adds a version, which seals from now on; restart every server with the new file."""
    from fingertip_server.protection import keyfile

    with _told():
        _out.print(f"{path} {keyfile.rotate(path).fingerprint()}", soft_wrap=True)


@admin.command("enrolment-code")
def enrolment_code(
    kind: Annotated[str, typer.Option(help="tablet, ticket-machine or adapter.")],
    branch: Annotated[str, typer.Option(help="The branch, centre or head office.")],
    name: Annotated[str, typer.Option(help="The device's name for people.")],
    work_kind: Annotated[
        list[str] | None, typer.Option(help="What an adapter may lease; may be repeated.")
    ] = None,
) -> None:
    """Prints a single-use code with which one device is enrolled within 10 minutes."""
    from fingertip.identity.v1.device_pb2 import Device
    from fingertip_server import administration, settings

    kinds = {
        "tablet": Device.KIND_TABLET,
        "ticket-machine": Device.KIND_TICKET_MACHINE,
        "adapter": Device.KIND_ADAPTER,
    }
    if kind not in kinds:
        raise typer.BadParameter(f"is one of {', '.join(kinds)}", param_hint="--kind")
    with _told():
        code = administration.create_enrolment_code(
            settings.load(),
            kind=kinds[kind],
            branch_id=branch,
            display_name=name,
            work_kinds=tuple(work_kind or ()),
        )
        _out.print(code)


@admin.command("set-password")
def set_password(staff_number: str) -> None:
    """Sets a password, asked for at the terminal or read from standard input."""
    from fingertip_server import administration, settings

    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    with _told():
        administration.set_password(settings.load(), staff_number, password)
        _out.print(f"{staff_number} may sign in")


@audit.command("verify")
def verify(
    chain: Annotated[str, typer.Option(help="One chain; all of them without it.")] = "",
) -> None:
    """Computes every link of the journal anew. Exits with 1 at the first that does not fit."""
    from fingertip_server import administration, settings
    from fingertip_server.audit.journal import Finding

    def tell(name: str, finding: Finding) -> None:
        found = finding.sentence or "intact"
        where = f" at {finding.broken_position}" if finding.sentence else ""
        _out.print(f"{name}: {finding.verified_count} entries, {found}{where}")

    with _told():
        if not administration.verify_audit(settings.load(), chain, tell):
            raise typer.Exit(1)
