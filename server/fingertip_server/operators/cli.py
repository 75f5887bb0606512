"""The commands of operators: what became of the work that adapters do."""

import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper as EnumTypeWrapper

items = typer.Typer(help="Looks after the work of adapters, as yourself.", no_args_is_help=True)
operations = typer.Typer(
    help="Tells in what the bank's books and ours differ, as yourself.", no_args_is_help=True
)

Result = TypeVar("Result")
State = TypeVar("State", bound=int)

Server = Annotated[
    list[str],
    typer.Option("--server", envvar="FINGERTIP_SERVER", help="HOST:PORT; several take turns."),
]
Credential = Annotated[
    Path,
    typer.Option(
        "--device-credential-file",
        envvar="FINGERTIP_DEVICE",
        help="This machine's credential, made by `fingertip items enrol`.",
    ),
]
StaffNumber = Annotated[
    str, typer.Option("--as", envvar="FINGERTIP_STAFF", help="Your staff number.")
]
Purpose = Annotated[str, typer.Option(help="Why, for the journal.")]
_SERVERS = ["127.0.0.1:50051"]
_CREDENTIAL = Path("var/desk.json")


@items.command("enrol")
def enrol(
    enrolment_code: Annotated[str, typer.Argument(help="Of `admin enrolment-code --kind tablet`.")],
    server: Server = _SERVERS,
    device_credential_file: Credential = _CREDENTIAL,
) -> None:
    """Makes this machine a device on which operators sign in."""
    from fingertip_server.operators import desk
    from fingertip_server.refusals import told

    with told():
        typer.echo(desk.enrol(server, enrolment_code, device_credential_file))


@items.command("list")
def list_items(
    staff: StaffNumber,
    state: Annotated[str, typer.Option(help="For example PARKED; all without it.")] = "",
    kind: Annotated[str, typer.Option(help="For example core.open_account.")] = "",
    server: Server = _SERVERS,
    device_credential_file: Credential = _CREDENTIAL,
) -> None:
    """Lists work items, newest first."""
    from fingertip.fulfilment.v1.work_item_pb2 import WorkItem
    from fingertip_server.operators import showing, work

    states = _states(WorkItem.State, state)
    found = at_desk(
        server, device_credential_file, staff, lambda caller: work.items(caller, states, kind)
    )
    for item in found:
        typer.echo(showing.item_line(item))


@items.command("show")
def show_item(
    work_item_id: str,
    staff: StaffNumber,
    server: Server = _SERVERS,
    device_credential_file: Credential = _CREDENTIAL,
) -> None:
    """Shows one work item."""
    from fingertip_server.operators import showing, work

    item = at_desk(
        server, device_credential_file, staff, lambda caller: work.item(caller, work_item_id)
    )
    for fact in showing.facts(item):
        typer.echo(fact)


@items.command("retry")
def retry_item(
    work_item_id: str,
    purpose: Purpose,
    staff: StaffNumber,
    server: Server = _SERVERS,
    device_credential_file: Credential = _CREDENTIAL,
) -> None:
    """Gives a parked item new attempts: an inquiry first, if it has an effect."""
    from fingertip_server.operators import showing, work

    item = at_desk(
        server,
        device_credential_file,
        staff,
        lambda caller: work.retry(caller, work_item_id, purpose),
    )
    typer.echo(showing.item_line(item))


@items.command("give-up")
def give_up_item(
    work_item_id: str,
    purpose: Purpose,
    staff: StaffNumber,
    yes: Annotated[bool, typer.Option("--yes", help="Does not ask again.")] = False,
    server: Server = _SERVERS,
    device_credential_file: Credential = _CREDENTIAL,
) -> None:
    """Ends a parked item undone. One with an effect ends when a second person says so too."""
    from fingertip.fulfilment.v1.work_item_pb2 import WorkItem
    from fingertip_client.caller import Caller
    from fingertip_server.operators import showing, work

    async def decide(caller: Caller) -> WorkItem:
        seen = await work.item(caller, work_item_id)
        for fact in showing.facts(seen):
            typer.echo(fact)
        if not yes:
            typer.confirm("Give it up?", abort=True)
        return await work.give_up(caller, seen, purpose)

    item = at_desk(server, device_credential_file, staff, decide)
    typer.echo(showing.item_line(item))
    if item.state == WorkItem.STATE_PARKED:
        typer.echo("Asked for. It ends when another operator gives it up too.")


@operations.command("differences")
def list_differences(
    staff: StaffNumber,
    state: Annotated[str, typer.Option(help="OPEN, EXPLAINED or SETTLED; all for ''.")] = "OPEN",
    server: Server = _SERVERS,
    device_credential_file: Credential = _CREDENTIAL,
) -> None:
    """Lists differences, newest first."""
    from fingertip.fulfilment.v1.operation_pb2 import OperationDifference
    from fingertip_server.operators import showing, work

    states = _states(OperationDifference.State, state)
    found = at_desk(
        server, device_credential_file, staff, lambda caller: work.differences(caller, states)
    )
    for difference in found:
        typer.echo(showing.difference_line(difference))


@operations.command("explain")
def explain_difference(
    difference_id: str,
    purpose: Purpose,
    staff: StaffNumber,
    server: Server = _SERVERS,
    device_credential_file: Credential = _CREDENTIAL,
) -> None:
    """Explains an open difference, for the journal and those who read it later."""
    from fingertip_server.operators import showing, work

    explained = at_desk(
        server,
        device_credential_file,
        staff,
        lambda caller: work.explain(caller, difference_id, purpose),
    )
    if explained is None:
        typer.echo(f"There is no open difference {difference_id}.", err=True)
        raise typer.Exit(1)
    for fact in showing.facts(explained):
        typer.echo(fact)


@operations.command("list")
def list_operations(
    business_day: Annotated[
        datetime, typer.Argument(formats=["%Y-%m-%d"], help="The bank's business day.")
    ],
    staff: StaffNumber,
    source: Annotated[str, typer.Option(help="Whose books.")] = "core",
    server: Server = _SERVERS,
    device_credential_file: Credential = _CREDENTIAL,
) -> None:
    """Lists what the bank reported of a day, journalled as a read."""
    from fingertip_server.operators import showing, work

    found = at_desk(
        server,
        device_credential_file,
        staff,
        lambda caller: work.operations(caller, source, business_day.date()),
    )
    for operation in found:
        typer.echo(showing.operation_line(operation))


def _states(kind: "EnumTypeWrapper[State]", name: str) -> "list[State]":
    """Returns the state of that name, or none for all; says which there are for any other."""
    known = {each.removeprefix("STATE_"): kind.Value(each) for each in kind.keys()[1:]}
    if name and name not in known:
        raise typer.BadParameter(f"'{name}' is none of {', '.join(known)}.", param_hint="--state")
    return [known[name]] if name else []


def at_desk(
    server: list[str],
    credential_file: Path,
    staff_number: str,
    work: "Callable[..., Awaitable[Result]]",
) -> Result:
    """Does something as the operator, whose password is asked for or read from standard input."""
    from fingertip_server.operators.desk import Desk
    from fingertip_server.refusals import told

    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    with told():
        return Desk(tuple(server), credential_file, staff_number, password).do(work)
