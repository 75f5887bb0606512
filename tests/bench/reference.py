"""The least that can do the same: grpc.aio and asyncpg, one statement per call, nothing else.

Reads `DATABASE_URL`-like parts from its arguments, listens on a free port and prints it.
"""

import asyncio
import sys
from typing import Any
from uuid import uuid4

import asyncpg
import grpc
import uvloop

from fingertip.events.v1.events_service_pb2 import WatchRequest, WatchResponse
from fingertip.lobby.v1.lobby_service_pb2 import (
    IssueTicketRequest,
    IssueTicketResponse,
    ListTicketsRequest,
    ListTicketsResponse,
)
from fingertip.lobby.v1.ticket_pb2 import Ticket

_SCHEMA = """
CREATE TABLE IF NOT EXISTS reference_sequence (line text PRIMARY KEY, next_number int NOT NULL);
CREATE TABLE IF NOT EXISTS reference_ticket (
    ticket_id uuid PRIMARY KEY, line text NOT NULL, number int NOT NULL, state text NOT NULL,
    issued_at timestamptz NOT NULL DEFAULT clock_timestamp(), UNIQUE (line, number));
CREATE INDEX IF NOT EXISTS reference_waiting ON reference_ticket (line) WHERE state = 'WAITING';
CREATE INDEX IF NOT EXISTS reference_order ON reference_ticket (issued_at, ticket_id);
CREATE TABLE IF NOT EXISTS reference_journal (
    id bigserial PRIMARY KEY, request_id uuid UNIQUE, answer bytea, entry text, event bytea);
CREATE TABLE IF NOT EXISTS reference_customer (
    card text PRIMARY KEY, customer_id uuid NOT NULL DEFAULT gen_random_uuid(), name bytea);
INSERT INTO reference_customer (card)
    SELECT 'BENCH' || n FROM generate_series(0, 9999) AS n ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS reference_arrival (
    arrival_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), ticket_id uuid NOT NULL,
    customer_id uuid NOT NULL UNIQUE, name bytea);
CREATE TABLE IF NOT EXISTS reference_timer (
    kind text, subject uuid, due_at timestamptz NOT NULL, PRIMARY KEY (kind, subject));
CREATE TABLE IF NOT EXISTS reference_work (
    work_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), kind text NOT NULL,
    customer_id uuid NOT NULL, state text NOT NULL, content bytea);
CREATE UNIQUE INDEX IF NOT EXISTS reference_open ON reference_work (kind, customer_id)
    WHERE state = 'READY';
"""
# The ticket, its number, a stored answer, an entry and an event: as durable as ours, unchained.
_ISSUE = """
WITH drawn AS (
    INSERT INTO reference_sequence AS s (line, next_number) VALUES ($2, 2)
    ON CONFLICT (line) DO UPDATE SET next_number = s.next_number + 1
    RETURNING s.next_number - 1 AS number
), issued AS (
    INSERT INTO reference_ticket (ticket_id, line, number, state)
    SELECT $1, $2, number, 'WAITING' FROM drawn RETURNING number, issued_at
), noted AS (
    INSERT INTO reference_journal (request_id, answer, entry, event) VALUES ($3, $4, $5, $4)
)
SELECT number, issued_at, (
    SELECT count(*) FROM reference_ticket WHERE line = $2 AND state = 'WAITING'
) AS waiting_count FROM issued
"""
# The same for a customer who is alerted: besides, the arrival with its event and its escalation,
# and a question to the bank for each of the five parts of a view.
_ALERT = _ISSUE.replace(
    "WITH drawn AS",
    """
WITH known AS (
    SELECT customer_id, name FROM reference_customer WHERE card = $6
), arrived AS (
    INSERT INTO reference_arrival (ticket_id, customer_id, name)
    SELECT $1, customer_id, name FROM known RETURNING arrival_id
), timed AS (
    INSERT INTO reference_timer (kind, subject, due_at)
    SELECT 'escalate', arrival_id, clock_timestamp() + interval '1 minute' FROM arrived
), asked AS (
    INSERT INTO reference_work (kind, customer_id, state, content)
    SELECT 'section' || n, customer_id, 'READY', $4 FROM known, generate_series(1, 5) AS n
), told AS (
    INSERT INTO reference_journal (event) VALUES ($4)
), drawn AS""",
)
_LIST = (
    "SELECT ticket_id, line, number, state, issued_at FROM reference_ticket"
    " ORDER BY issued_at, ticket_id LIMIT $1"
)
_ANSWER = b"x" * 200


class Reference:
    """Two unary methods and a stream that is told from memory."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._watchers: set[asyncio.Queue[WatchResponse]] = set()

    async def issue(
        self, request: IssueTicketRequest, _context: "grpc.aio.ServicerContext[object, object]"
    ) -> IssueTicketResponse:
        """Issues a ticket, durably, and tells the watchers."""
        ticket_id = uuid4()
        statement = _ISSUE
        known: tuple[str, ...] = ()
        if request.HasField("identification"):
            statement, known = _ALERT, (request.identification.card_number,)
        row = await self._pool.fetchrow(
            statement,
            ticket_id,
            request.service_line_code,
            uuid4(),
            _ANSWER,
            "IssueTicket",
            *known,
        )
        if row is None:
            raise LookupError("no number was drawn")
        ticket = Ticket(
            ticket_id=str(ticket_id),
            service_line_code=request.service_line_code,
            number=f"{request.service_line_code}{row['number']:03d}",
            state=Ticket.STATE_WAITING,
        )
        ticket.issue_time.FromDatetime(row["issued_at"])
        for watcher in self._watchers:
            message = WatchResponse()
            message.events.add().ticket.CopyFrom(ticket)
            watcher.put_nowait(message)
        return IssueTicketResponse(ticket=ticket, waiting_count=row["waiting_count"])

    async def list(
        self, request: ListTicketsRequest, _context: "grpc.aio.ServicerContext[object, object]"
    ) -> ListTicketsResponse:
        """Lists tickets in the order of issue."""
        response = ListTicketsResponse()
        for row in await self._pool.fetch(_LIST, request.page_size):
            ticket = response.tickets.add(
                ticket_id=str(row["ticket_id"]),
                service_line_code=row["line"],
                number=f"{row['line']}{row['number']:03d}",
            )
            ticket.issue_time.FromDatetime(row["issued_at"])
        return response

    async def watch(
        self,
        _request: WatchRequest,
        context: "grpc.aio.ServicerContext[WatchRequest, WatchResponse]",
    ) -> None:
        """Tells of tickets as they are issued."""
        queue: asyncio.Queue[WatchResponse] = asyncio.Queue()
        self._watchers.add(queue)
        await context.write(WatchResponse())
        try:
            while True:
                await context.write(await queue.get())
        finally:
            self._watchers.discard(queue)


async def _serve(socket: str, port: str, user: str, database: str) -> None:
    pool = await asyncpg.create_pool(
        host=socket, port=int(port), user=user, database=database, min_size=10, max_size=10
    )
    await pool.execute(_SCHEMA)
    reference = Reference(pool)
    unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    lobby: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "IssueTicket": unary(
            reference.issue,
            IssueTicketRequest.FromString,
            IssueTicketResponse.SerializeToString,
        ),
        "ListTickets": unary(
            reference.list, ListTicketsRequest.FromString, ListTicketsResponse.SerializeToString
        ),
    }
    events: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "Watch": stream(reference.watch, WatchRequest.FromString, WatchResponse.SerializeToString)
    }
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler("fingertip.lobby.v1.LobbyService", lobby),
            grpc.method_handlers_generic_handler("fingertip.events.v1.EventsService", events),
        )
    )
    bound = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{bound}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(_serve(*sys.argv[1:]))
