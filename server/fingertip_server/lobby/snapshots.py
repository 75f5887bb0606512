"""What a new watcher of a branch is shown of its lobby."""

from collections.abc import Iterator

from sqlalchemy import Connection

from fingertip_server.lobby import arrivals, messages, store
from fingertip_server.packs.bank import Bank
from fingertip_server.rpc.drafts import Announced


def branch(connection: Connection, bank: Bank, branch_id: str) -> Iterator[Announced]:
    """Yields today's tickets that are not over, and the arrivals that are not resolved."""
    today = {"branch_id": branch_id, "time_zone": str(bank.time_zone(branch_id))}
    for row in connection.execute(store.OPEN_TICKETS, today):
        yield Announced(messages.ticket(row))
    for row in connection.execute(store.OPEN_ARRIVALS, {"the_branch_id": branch_id}):
        yield Announced(messages.arrival(row, bank), arrivals.audience(row))
    for row in connection.execute(store.OPEN_ARRIVALS_ELSEWHERE, {"the_branch_id": branch_id}):
        yield Announced(messages.arrival(row, bank), arrivals.only_manager(row))
