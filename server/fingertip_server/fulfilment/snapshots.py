"""What a new watcher is shown of the queue: what needs a person, or may soon."""

from collections.abc import Iterable

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from fingertip_server.fulfilment import differences, messages, store
from fingertip_server.fulfilment.progress import OPERATORS
from fingertip_server.packs.bank import Bank
from fingertip_server.rpc.drafts import Announced


def branch(connection: Connection, bank: Bank, branch_id: str) -> Iterable[Announced]:  # noqa: ARG001 - every snapshot is asked for in the same way.
    """Yields what is parked or unknown in a branch, and what the bank has otherwise."""
    with Session(connection) as session:
        for row in store.troubled(session, branch_id):
            yield Announced(messages.work_item(row), OPERATORS)
        for difference in differences.open_of(session, branch_id):
            yield Announced(messages.difference(difference), OPERATORS)


def application(connection: Connection, bank: Bank, application_id: str) -> Iterable[Announced]:  # noqa: ARG001 - as above.
    """Yields what is parked or unknown of an application."""
    with Session(connection) as session:
        for row in store.troubled_about(session, "application", application_id):
            yield Announced(messages.work_item(row), OPERATORS)
