"""Why a command was not carried out: every refusal that is told in a sentence, without a trace."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from fingertip_client.credentials import CredentialFileError
from fingertip_client.refusal import Refused
from fingertip_server.app import StartRefused
from fingertip_server.authority.errors import AuthorityError
from fingertip_server.db.embedded import EmbeddedPostgresError
from fingertip_server.db.migrating import Unreachable
from fingertip_server.db.schema import SchemaNotCurrent
from fingertip_server.errors import DomainError
from fingertip_server.packs.bank import NoPack
from fingertip_server.packs.faults import PackRefused
from fingertip_server.protection.errors import KeyRingError
from fingertip_server.rpc.binding import ContractMismatch
from fingertip_server.settings import SettingsRefused

REFUSALS = (
    AuthorityError,
    ContractMismatch,
    CredentialFileError,
    DomainError,
    EmbeddedPostgresError,
    KeyRingError,
    NoPack,
    PackRefused,
    Refused,
    SchemaNotCurrent,
    SettingsRefused,
    StartRefused,
    Unreachable,
)

_errors = Console(stderr=True)


def _sentences(refused: Exception) -> str:
    """Says why, and which fields are at fault."""
    said = [str(refused)]
    if isinstance(refused, Refused):
        said += [f"- {each.field}: {each.description}" for each in refused.violations]
    return "\n".join(said)


@contextmanager
def told() -> Iterator[None]:
    """Tells a refusal in its own words, without a trace, and exits with 1."""
    try:
        yield
    except REFUSALS as refused:
        _errors.print(_sentences(refused), style="red", markup=False, highlight=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
