"""What a new watcher of the head office is shown: the hits that wait for compliance."""

from collections.abc import Iterable

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from fingertip_server.packs.bank import Bank
from fingertip_server.rpc.drafts import Announced
from fingertip_server.screening import messages, store
from fingertip_server.screening.timers import COMPLIANCE, head_offices


def branch(connection: Connection, bank: Bank, branch_id: str) -> Iterable[Announced]:
    """Returns the open hits to a head office, and nothing to anybody else."""
    if branch_id not in head_offices(bank)[:1]:
        return []
    with Session(connection) as session:
        return [Announced(messages.hit(found), COMPLIANCE) for found in store.open_hits(session)]
