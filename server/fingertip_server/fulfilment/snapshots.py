"""What a new watcher of a branch is shown of the queue: what needs a person."""

from collections.abc import Iterable

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from fingertip_server.fulfilment import messages, store
from fingertip_server.fulfilment.progress import OPERATORS
from fingertip_server.packs.bank import Bank
from fingertip_server.rpc.drafts import Announced


def branch(connection: Connection, bank: Bank, branch_id: str) -> Iterable[Announced]:  # noqa: ARG001 - every snapshot is asked in the same way.
    """Yields the items of a branch or centre that are parked or unknown."""
    with Session(connection) as session:
        for row in store.troubled(session, branch_id):
            yield Announced(messages.work_item(row), OPERATORS)


centre = branch
