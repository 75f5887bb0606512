"""The methods of ScreeningService."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from fingertip.screening.v1.screening_service_pb2 import (
    CloseScreeningHitRequest,
    CloseScreeningHitResponse,
    ListScreeningHitsRequest,
    ListScreeningHitsResponse,
    SyncScreeningListRequest,
    SyncScreeningListResponse,
)
from fingertip_server.rpc import paging
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.phases import Outside
from fingertip_server.screening import messages, rules, store, sync, timers


async def prepare_sync_screening_list(
    outside: Outside, request: SyncScreeningListRequest
) -> sync.BlindBatch:
    """Makes the batch's entries recognisable, aside of the event loop."""
    entries = rules.newest_of_each(request.entries)
    return await asyncio.to_thread(sync.blind, outside.protection, entries)


def sync_screening_list(call: Call, request: SyncScreeningListRequest) -> SyncScreeningListResponse:
    """Takes over a batch of a list, if it follows the one before."""
    batch = call.prepared
    if not isinstance(batch, sync.BlindBatch):
        raise TypeError("A batch is made ready before its transaction.")
    stored = sync.lock_list(call.connection, request.list_code)
    rules.check_follows(stored, request.previous_position)
    changed_count = sync.store(call.connection, request.list_code, batch)
    sync.move_list(call.connection, request.list_code, request.position)
    call.record("screening_list", request.list_code)
    return SyncScreeningListResponse(position=request.position, changed_count=changed_count)


def list_screening_hits(call: Call, request: ListScreeningHitsRequest) -> ListScreeningHitsResponse:
    """Lists the bank's hits, and journals the look."""
    page = paging.open_page(call, request)
    found = store.page(
        call,
        only_open=request.only_open,
        after=(datetime.fromisoformat(page.after[0]), UUID(page.after[1])) if page.after else None,
        size=page.size,
    )
    response = ListScreeningHitsResponse(hits=[messages.hit(each) for each in found])
    if len(found) == page.size:
        last = found[-1][0]
        key = (last.hit_time.astimezone(UTC).isoformat(), str(last.screening_id))
        response.next_page_token = paging.next_token(call, request, key)
    call.record("screening_hit", "")
    return response


def close_screening_hit(call: Call, request: CloseScreeningHitRequest) -> CloseScreeningHitResponse:
    """Notes that compliance has dealt with a hit."""
    found = store.lock(call, UUID(request.screening_hit_id))
    if found is None:
        raise rules.no_hit()
    hit = found[0]
    if hit.state != "OPEN":
        raise rules.wrong_state(hit.state)
    hit.state = "CLOSED"
    hit.closed_by = call.principal.id
    hit.version += 1
    call.journey_id = hit.journey_id
    call.record("screening_hit", hit.screening_id, hit.state, request.purpose)
    message = messages.hit(found)
    for office in timers.head_offices(call.bank)[:1]:
        call.publish(message, timers.COMPLIANCE, topic=office)
    return CloseScreeningHitResponse(hit=message)
