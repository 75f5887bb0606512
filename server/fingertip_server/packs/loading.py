"""Loads a bank pack into the database, whole or not at all."""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, bindparam, func, insert, select, update

from fingertip_server.identity import roster
from fingertip_server.packs.faults import Fault, PackRefused
from fingertip_server.packs.schema import Pack
from fingertip_server.packs.schema_forms import Agreement, Form
from fingertip_server.packs.stored import StoredPack
from fingertip_server.packs.tables import LoadedPack, PackDocument

# Servers that start together load one after the other. The number stands for "pack".
_LOCK = select(func.pg_advisory_xact_lock(0x7061636B))
_FIND = select(LoadedPack.sha256, LoadedPack.is_active).where(
    LoadedPack.version == bindparam("the_version")
)
_DEACTIVATE = update(LoadedPack).where(LoadedPack.is_active).values(is_active=False)
_ACTIVATE = (
    update(LoadedPack).where(LoadedPack.version == bindparam("the_version")).values(is_active=True)
)
_DOCUMENT = select(PackDocument.content).where(
    PackDocument.kind == bindparam("the_kind"),
    PackDocument.code == bindparam("the_code"),
    PackDocument.version == bindparam("the_version"),
)


def load(connection: Connection, pack: Pack) -> bool:
    """Makes the pack the active one and says whether it was not yet.

    Runs in the caller's transaction. Loading the active pack again changes nothing. Raises
    `PackRefused` when a version was loaded before with another content, of the pack as a whole or
    of a form or agreement. Staff whom the pack no longer lists are suspended; passwords stay.

    Processes that are running notice it by the event "pack:<version>" of topic "security", which
    the caller sends, and replace their `Bank`.
    """
    connection.execute(_LOCK)
    found = connection.execute(_FIND, {"the_version": pack.version}).one_or_none()
    if found is not None and found.sha256 != pack.sha256:
        message = f"Version {pack.version} was loaded with another content; raise the version."
        raise PackRefused([Fault("bank.yaml", 0, message)])
    if found is not None and found.is_active:
        return False
    _keep_documents(connection, pack)
    connection.execute(_DEACTIVATE)
    if found is not None:
        connection.execute(_ACTIVATE, {"the_version": pack.version})
    else:
        content = StoredPack.of(pack).model_dump(mode="json")
        row = {"version": pack.version, "sha256": pack.sha256, "content": content}
        connection.execute(insert(LoadedPack), row | {"is_active": True})
    roster.replace(connection, pack)
    return True


def _keep_documents(connection: Connection, pack: Pack) -> None:
    faults = [
        *_keep(connection, "form", pack.forms),
        *_keep(connection, "agreement", pack.agreements),
    ]
    if faults:
        raise PackRefused(faults)


def _keep(
    connection: Connection, kind: str, documents: Iterable[Form | Agreement]
) -> Iterator[Fault]:
    """Keeps the documents that are new, and finds those that changed."""
    for document in documents:
        key = {"the_kind": kind, "the_code": document.code, "the_version": document.version}
        known = connection.execute(_DOCUMENT, key).scalar_one_or_none()
        if known is None:
            row = {"kind": kind, "code": document.code, "version": document.version}
            content = document.model_dump(mode="json")
            connection.execute(insert(PackDocument), row | {"content": content})
        elif type(document).model_validate(known) != document:
            message = "This version was loaded with another content; a change is a new version."
            yield Fault(f"{kind}s/{document.reference}.yaml", 0, message)
