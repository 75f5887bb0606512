"""Sends the bank's list of a business day to the server, which compares it with what it knows."""

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import uuid4

from google.type.date_pb2 import Date

from fingertip.fulfilment.v1.fulfilment_service_pb2 import ReportOperationsRequest
from fingertip.fulfilment.v1.operation_pb2 import BankOperation, OperationsDay
from fingertip_client.caller import Caller
from fingertip_client.request_ids import new_request_id
from fingertip_core_banking.bank import Bank

# The contract's limit.
PIECE_OPERATIONS: Final = 200


async def reconcile(
    caller: Caller,
    bank: Bank,
    source: str,
    business_day: date,
    *,
    piece_operations: int = PIECE_OPERATIONS,
) -> OperationsDay:
    """Sends a whole list and closes the day; returns it as the server has it.

    Sent again, after a process died in the middle or the bank corrected its books, the list takes
    the place of the former one. Raises what the bank and the server answer when they do not:
    SYNC_POSITION_MISMATCH says that somebody else has begun to send the same day.
    """
    list_id, sent, position = str(uuid4()), 0, ""

    async def send(operations: Sequence[BankOperation], *, is_last: bool) -> OperationsDay:
        response = await caller.fulfilment.ReportOperations(
            ReportOperationsRequest(
                request_id=new_request_id(),
                source=source,
                business_day=Date(
                    year=business_day.year, month=business_day.month, day=business_day.day
                ),
                list_id=list_id,
                position=sent,
                operations=operations,
                is_last=is_last,
            )
        )
        return response.day

    while True:
        batch = await bank.operations(business_day, position, piece_operations)
        if not batch.operations:
            return await send((), is_last=True)
        await send(batch.operations, is_last=False)
        sent += len(batch.operations)
        position = batch.position
