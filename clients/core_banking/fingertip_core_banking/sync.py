"""Pushes what the bank keeps in lists to the server, from where the server has it on."""

import asyncio
import logging
from abc import ABC, abstractmethod
from typing import Final, Generic, TypeVar

from fingertip.customer.v1.customer_service_pb2 import SyncCustomersRequest
from fingertip.screening.v1.screening_service_pb2 import SyncScreeningListRequest
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_client.request_ids import new_request_id
from fingertip_core_banking import reporting
from fingertip_core_banking.bank import Bank, BankAnswer, CustomerBatch, ScreeningBatch

BATCH_RECORDS: Final = 500
# No position of anybody's: the server answers with the one it has, so that nothing is kept here.
_ASK: Final = "?"

_Batch = TypeVar("_Batch", CustomerBatch, ScreeningBatch)

_log = logging.getLogger(__name__)


class Sync(ABC, Generic[_Batch]):
    """Something that is pushed in batches. Positions are the bank's; the server remembers them."""

    # What is pushed, for the log.
    what: str

    def __init__(self, caller: Caller, bank: Bank, *, batch_records: int = BATCH_RECORDS) -> None:
        self._caller = caller
        self._bank = bank
        self._batch_records = batch_records
        self._position = _ASK

    @abstractmethod
    async def _read(self, after_position: str) -> _Batch:
        """Reads the next batch from the bank."""

    @abstractmethod
    async def _send(self, batch: _Batch, previous_position: str) -> int:
        """Sends a batch, and returns how many records it changed."""

    @abstractmethod
    def _is_empty(self, batch: _Batch) -> bool:
        """Tells whether there is nothing new."""

    async def push(self) -> int:
        """Pushes whatever is new, and returns how many records changed something.

        Raises what the bank and the server answer when they do not.
        """
        changed_count = 0
        while True:
            batch = await self._read("" if self._position == _ASK else self._position)
            if self._is_empty(batch):
                return changed_count
            try:
                changed_count += await self._send(batch, self._position)
            except Refused as refused:
                if refused.reason != "SYNC_POSITION_MISMATCH":
                    raise
                # This process has just started, or another one pushes too.
                self._position = refused.metadata["position"]
                continue
            self._position = batch.position

    async def run(self, stopping: asyncio.Event, interval_seconds: float) -> None:
        """Pushes again and again until told to stop, whatever is away meanwhile."""
        stop = asyncio.create_task(stopping.wait())
        while not stop.done():
            try:
                changed_count = await self.push()
            except BankAnswer as answer:
                _log.warning("the bank gives no %s: %s", self.what, answer.code)
            except Refused as refused:
                if refused.code not in reporting.UNDECIDED:
                    stop.cancel()
                    raise
                _log.warning("%s not taken: %s", self.what, refused.reason or refused.code.name)
            else:
                if changed_count:
                    _log.info("%d %s changed", changed_count, self.what)
            await asyncio.wait([stop], timeout=interval_seconds)


class CustomerSync(Sync[CustomerBatch]):
    """The customer master of one source."""

    what = "customers"

    def __init__(
        self, caller: Caller, bank: Bank, source: str, *, batch_records: int = BATCH_RECORDS
    ) -> None:
        super().__init__(caller, bank, batch_records=batch_records)
        self._source = source

    async def _read(self, after_position: str) -> CustomerBatch:
        return await self._bank.customers(after_position, self._batch_records)

    async def _send(self, batch: CustomerBatch, previous_position: str) -> int:
        request = SyncCustomersRequest(
            request_id=new_request_id(),
            source=self._source,
            previous_position=previous_position,
            position=batch.position,
            records=batch.records,
        )
        return (await self._caller.customer.SyncCustomers(request)).changed_count

    def _is_empty(self, batch: CustomerBatch) -> bool:
        return not batch.records


class ScreeningSync(Sync[ScreeningBatch]):
    """One list of persons with whom the bank may do no business, or not without compliance."""

    what = "entries of a screening list"

    def __init__(
        self, caller: Caller, bank: Bank, list_code: str, *, batch_records: int = BATCH_RECORDS
    ) -> None:
        super().__init__(caller, bank, batch_records=batch_records)
        self._list_code = list_code

    async def _read(self, after_position: str) -> ScreeningBatch:
        return await self._bank.screening_entries(
            self._list_code, after_position, self._batch_records
        )

    async def _send(self, batch: ScreeningBatch, previous_position: str) -> int:
        request = SyncScreeningListRequest(
            request_id=new_request_id(),
            list_code=self._list_code,
            previous_position=previous_position,
            position=batch.position,
            entries=batch.entries,
        )
        return (await self._caller.screening.SyncScreeningList(request)).changed_count

    def _is_empty(self, batch: ScreeningBatch) -> bool:
        return not batch.entries
