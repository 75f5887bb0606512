"""Times the way from a ticket to the alert on a stream."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import grpc

from fingertip.customer.v1.customer_service_pb2 import CustomerRecord, SyncCustomersRequest
from fingertip.events.v1.events_service_pb2 import WatchRequest, WatchResponse
from fingertip.events.v1.events_service_pb2_grpc import EventsServiceStub
from fingertip.lobby.v1.lobby_service_pb2 import Identification, IssueTicketRequest
from fingertip.lobby.v1.lobby_service_pb2_grpc import LobbyServiceStub
from fingertip_client.request_ids import new_request_id
from fingertip_server.identifiers import bank_card
from tests.bench.load import Server
from tests.world import Credentials, World

_PACE_SECONDS = 0.02


@dataclass(frozen=True)
class Alerts:
    """Milliseconds from sending a ticket's request to reading its alert."""

    milliseconds: list[float]

    def percentile(self, percent: int) -> float:
        """Returns a percentile."""
        return statistics.quantiles(self.milliseconds, n=100)[percent - 1]


def _card(number: int) -> str:
    body = f"629990{number:09d}"
    return body + bank_card.check_digit(body)


async def sync_important_customers(server: Server, credentials: Credentials, count: int) -> None:
    """Gives the bank customers whose arrival is an alert, one for each time."""
    world = World([server.target], credentials)
    previous = ""
    for start in range(0, count, 100):
        records = [
            CustomerRecord(
                customer_number=f"BENCH{number}",
                version=1,
                name="王测试",
                card_numbers=[_card(number)],
                tier_code="private",
                home_branch_id="0101",
                relationship_manager_id="100106",
            )
            for number in range(start, min(start + 100, count))
        ]
        request = SyncCustomersRequest(
            request_id=new_request_id(),
            source="bench",
            previous_position=previous,
            position=str(start),
            records=records,
        )
        previous = (await world.crm_adapter.customer.SyncCustomers(request)).position
    await world.close()


async def measure_ours(server: Server, credentials: Credentials, count: int) -> Alerts:
    """Times alerts of our server: the customer is found, sealed, journalled and announced."""
    world = World([server.target], credentials)
    try:

        async def issue(number: int) -> None:
            identification = Identification(card_number=_card(number))
            await world.ticket_machine.lobby.IssueTicket(
                IssueTicketRequest(
                    request_id=new_request_id(),
                    service_line_code="A",
                    identification=identification,
                )
            )

        stream = world.lobby_manager.events.Watch(WatchRequest(branch_id="0101"))
        return await _measure(stream, issue, _is_arrival, count)
    finally:
        await world.close()


async def measure_reference(server: Server, count: int) -> Alerts:
    """Times the reference's own stream; it writes the same rows, in one statement."""
    async with grpc.aio.insecure_channel(server.target) as channel:
        lobby = LobbyServiceStub(channel)

        async def issue(number: int) -> None:
            who = Identification(card_number=f"BENCH{number}")
            await lobby.IssueTicket(IssueTicketRequest(service_line_code="A", identification=who))

        stream = EventsServiceStub(channel).Watch(WatchRequest())
        return await _measure(stream, issue, lambda m: bool(m.events), count)


def _is_arrival(message: WatchResponse) -> bool:
    return any(event.HasField("arrival") for event in message.events)


def _alerts(message: object, is_alert: Callable[[WatchResponse], bool]) -> bool:
    if not isinstance(message, WatchResponse):
        raise ConnectionError("the stream ended")
    return is_alert(message)


async def _measure(
    stream: "grpc.aio.UnaryStreamCall[WatchRequest, WatchResponse]",
    issue: Callable[[int], Awaitable[None]],
    is_alert: Callable[[WatchResponse], bool],
    count: int,
) -> Alerts:
    taken: list[float] = []
    try:
        # The stream stands when it has said something.
        await stream.read()
        for number in range(count):
            started = time.perf_counter()
            issuing = asyncio.ensure_future(issue(number))
            async with asyncio.timeout(10):
                while not _alerts(await stream.read(), is_alert):
                    pass
            taken.append((time.perf_counter() - started) * 1000)
            await issuing
            await asyncio.sleep(_PACE_SECONDS)
    finally:
        stream.cancel()
    return Alerts(taken)
