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
authority = typer.Typer(help="Makes what signs for customers and the bank.", no_args_is_help=True)
signature = typer.Typer(help="Proves what customers signed.", no_args_is_help=True)
audit = typer.Typer(help="Proves the journal.", no_args_is_help=True)
app.add_typer(key_ring, name="key-ring")
app.add_typer(admin, name="admin")
app.add_typer(audit, name="audit")
app.add_typer(authority, name="authority")
app.add_typer(signature, name="signature")
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

    from fingertip_server import settings
    from fingertip_server.db import migrating

    with _told():
        revision = asyncio.run(migrating.migrate(settings.owner_url(owner_url)))
        _out.print(f"schema {revision}")


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
    if (kind == "adapter") is not bool(work_kind):
        said = "an adapter needs what it may lease, for example core.open_account; others nothing"
        raise typer.BadParameter(said, param_hint="--work-kind")
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


@authority.command("create")
def create_authority(
    path: Path,
    name: Annotated[str, typer.Option(help="What its certificates are called after.")] = "",
) -> None:
    """Makes an authority. Keep a copy, and hand `authority root` to whoever is to verify."""
    from fingertip_server.authority import keyfile

    with _told():
        keyfile.create(path, name or keyfile.DEFAULT_NAME)
        _out.print(f"{path}", soft_wrap=True)


@authority.command("request")
def request_certificates(
    path: Path,
    name: Annotated[str, typer.Option(help="What its certificates are called after.")] = "",
) -> None:
    """Makes the keys of an authority below the bank's own, and requests for their certificates.

    The requests (PKCS #10, PEM) are written beside FILE, for the bank's authority to issue what
    they ask for; then `authority complete`. With a FILE that is there already they are written
    anew for its keys, also for a built-in authority that is to go below the bank's.
    """
    from fingertip_server.authority import subordination

    with _told():
        for written in subordination.request(path, name):
            _out.print(f"{written}", soft_wrap=True)


@authority.command("complete")
def complete_authority(
    path: Path,
    certificates: Annotated[
        list[Path],
        typer.Argument(help="In PEM: those that were issued, and any between them and the root."),
    ],
    root: Annotated[Path, typer.Option(help="The bank's root certificate in PEM.")],
    former: Annotated[
        list[Path] | None,
        typer.Option(
            help="A root or issuer of keys that were replaced: what it signed still holds."
        ),
    ] = None,
) -> None:
    """Takes the certificates that the bank's authority issued, once nothing is wrong with them.

    To renew, complete again with newer certificates for the same keys, all or some of them, and
    restart every server: what was signed before still verifies, also below a former root.
    """
    from fingertip_server.authority import subordination

    with _told():
        keys = subordination.complete(path, root, certificates, former or [])
        for name, signer in keys.signers.items():
            until = signer.certificate.not_valid_after_utc
            _out.print(f"{path} {name} until {until:%Y-%m-%d}", soft_wrap=True)


@authority.command("root")
def print_root(path: Path) -> None:
    """Prints the root certificate in PEM, by which everything signed here is trusted."""
    from fingertip_server.authority import keyfile

    with _told():
        typer.echo(keyfile.root_in_pem(keyfile.load(path)), nl=False)


@signature.command("verify")
def verify_signature(application_id: str) -> None:
    """Computes anew what a customer's signature proves. Exits with 1 when a link is broken."""
    from fingertip_server import administration, settings

    with _told():
        found = administration.verify_signature(settings.load(), application_id)
        for name, holds, note in found:
            _out.print(f"{name}: {'holds' if holds else f'BROKEN. {note}'}", soft_wrap=True)
        if not all(holds for _, holds, _ in found):
            raise typer.Exit(1)
