"""Settles with the server, when it is back, what the machine did without it.

First every ticket that was taken offline is registered, in order, exactly once: each carries the
ids that it was given before it was printed. Then numbers are reserved for the next time.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from fingertip.lobby.v1.lobby_service_pb2 import (
    IssueTicketRequest,
    ReservedNumber,
    ReserveTicketNumbersRequest,
    ReserveTicketNumbersResponse,
)
from fingertip_client import tracing
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_ticket_machine import blocks
from fingertip_ticket_machine.blocks import Block
from fingertip_ticket_machine.journal import Journal, Taken
from fingertip_ticket_machine.machine import utc_now

# As many as the contract allows; the bank's policy may allow fewer.
_COUNT: Final = 50
# Answers about the ticket itself, which asking again does not change.
_FINAL: Final = frozenset(
    {
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
    }
)

# A line whose numbers are used up is not asked for more every few seconds.
_AFTER_REFUSAL: Final = timedelta(minutes=30)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Settlement:
    """What one attempt to settle brought; `trouble` is what ended it early, if anything did."""

    registered: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    reserved: list[str] = field(default_factory=list)
    trouble: Refused | None = None


class Settling:
    """Settles whenever it is asked to."""

    def __init__(
        self,
        caller: Caller,
        journal: Journal,
        service_line_codes: Sequence[str],
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Reserves numbers of the given lines; registers tickets of any."""
        self._caller = caller
        self._journal = journal
        self._service_line_codes = service_line_codes
        self._now = now
        self._refused_at: dict[str, datetime] = {}

    async def settle(self, connection_seconds: float = 0.0) -> Settlement:
        """Does what can be done now; what cannot stays for the next time."""
        settlement = Settlement()
        if not await self._caller.is_reachable(connection_seconds):
            settlement.trouble = Refused(
                grpc.StatusCode.UNAVAILABLE, message="No server is reachable."
            )
            return settlement
        try:
            for taken in self._journal.owed():
                await self._register(taken, settlement)
            for service_line_code in self._service_line_codes:
                await self._reserve(service_line_code, settlement)
        except Refused as refused:
            settlement.trouble = refused
        self._journal.forget_old(self._now())
        return settlement

    async def _register(self, taken: Taken, settlement: Settlement) -> None:
        """Tells the server of one ticket; raises Refused when it has to be told again."""
        capture_time = Timestamp()
        capture_time.FromDatetime(taken.capture_time)
        request = IssueTicketRequest(
            request_id=taken.request_id,
            service_line_code=taken.service_line_code,
            ticket_id=taken.ticket_id,
            reserved_number=ReservedNumber(
                block_id=taken.block_id, sequence_number=taken.sequence_number
            ),
            capture_time=capture_time,
        )
        with tracing.span("ticket registered", after=taken.traceparent):
            journey_id = ""
            try:
                response = await self._caller.lobby.IssueTicket(request)
                journey_id = response.ticket.journey_id
            except Refused as refused:
                if _is_final(refused):
                    self._journal.mark_refused(taken.ticket_id, refused.reason)
                    settlement.refused.append(taken.number)
                    return
                # It may have been heard of before, so long ago that the request is forgotten.
                if refused.code is not grpc.StatusCode.ALREADY_EXISTS:
                    raise
            self._journal.mark_registered(taken.ticket_id)
            with tracing.in_journey(journey_id):
                _log.info("registered %s", taken.number)
        settlement.registered.append(taken.number)

    async def _reserve(self, service_line_code: str, settlement: Settlement) -> None:
        """Asks for a new block where one is due, and always for one that was not answered."""
        now = self._now()
        block = self._journal.block(service_line_code)
        is_due = blocks.is_renewal_due(block, now)
        refused_at = self._refused_at.get(service_line_code)
        was_refused = refused_at is not None and now - refused_at < _AFTER_REFUSAL
        if not self._journal.is_renewing(service_line_code) and (not is_due or was_refused):
            return
        request_id = self._journal.begin_renewal(service_line_code)
        request = ReserveTicketNumbersRequest(
            request_id=request_id,
            service_line_code=service_line_code,
            count=_COUNT,
        )
        try:
            response = await self._caller.lobby.ReserveTicketNumbers(request)
        except Refused as refused:
            if not _is_final(refused) and refused.reason != "TICKET_NUMBERS_EXHAUSTED":
                raise
            # The old block is as it was.
            self._journal.end_renewal(service_line_code, request_id, None)
            self._refused_at[service_line_code] = now
            settlement.refused.append(service_line_code)
            return
        self._journal.end_renewal(
            service_line_code, request_id, _block(service_line_code, response, now)
        )
        settlement.reserved.append(service_line_code)


def _is_final(refused: Refused) -> bool:
    """Says that the ticket, or the line, will be refused as long as it is asked for.

    A time of capture ahead of the server's clock will not be: that clock goes on.
    """
    fields = {violation.field for violation in refused.violations}
    return refused.code in _FINAL and "capture_time" not in fields


def _block(
    service_line_code: str, response: ReserveTicketNumbersResponse, asked_at: datetime
) -> Block:
    day = response.business_day
    return Block(
        service_line_code=service_line_code,
        block_id=response.block_id,
        next_number=response.first_number,
        last_number=response.last_number,
        size=response.last_number - response.first_number + 1,
        business_day=date(day.year, day.month, day.day),
        time_zone=response.time_zone,
        asked_day=blocks.asked_day(asked_at, response.time_zone),
    )
