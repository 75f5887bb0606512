"""Pushes the bank's customer master to the server, from where the server has it on."""

import asyncio
import logging
from typing import Final

from fingertip.customer.v1.customer_service_pb2 import SyncCustomersRequest
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_client.request_ids import new_request_id
from fingertip_core_banking import reporting
from fingertip_core_banking.bank import Bank, BankAnswer

BATCH_RECORDS: Final = 500
# No source's position: the server answers with the one it has, so that nothing is kept here.
_ASK: Final = "?"

_log = logging.getLogger(__name__)


class CustomerSync:
    """The customer master of one source. Positions are the bank's; the server remembers them."""

    def __init__(
        self, caller: Caller, bank: Bank, source: str, *, batch_records: int = BATCH_RECORDS
    ) -> None:
        self._caller = caller
        self._bank = bank
        self._source = source
        self._batch_records = batch_records
        self._position = _ASK

    async def push(self) -> int:
        """Pushes whatever is new, and returns how many records changed something.

        Raises what the bank and the server answer when they do not.
        """
        changed_count = 0
        while True:
            after = "" if self._position == _ASK else self._position
            batch = await self._bank.customers(after, self._batch_records)
            if not batch.records:
                return changed_count
            request = SyncCustomersRequest(
                request_id=new_request_id(),
                source=self._source,
                previous_position=self._position,
                position=batch.position,
                records=batch.records,
            )
            try:
                response = await self._caller.customer.SyncCustomers(request)
            except Refused as refused:
                if refused.reason != "SYNC_POSITION_MISMATCH":
                    raise
                # This process has just started, or another one pushes too.
                self._position = refused.metadata["position"]
                continue
            self._position = response.position
            changed_count += response.changed_count

    async def run(self, stopping: asyncio.Event, interval_seconds: float) -> None:
        """Pushes again and again until told to stop, whatever is away meanwhile."""
        stop = asyncio.create_task(stopping.wait())
        while not stop.done():
            try:
                changed_count = await self.push()
            except BankAnswer as answer:
                _log.warning("the bank gives no customers: %s", answer.code)
            except Refused as refused:
                if refused.code not in reporting.UNDECIDED:
                    stop.cancel()
                    raise
                _log.warning("customers not taken: %s", refused.reason or refused.code.name)
            else:
                if changed_count:
                    _log.info("%d customers changed", changed_count)
            await asyncio.wait([stop], timeout=interval_seconds)
