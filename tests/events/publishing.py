"""Publishes tickets into the feed without a lobby: what a ticket says does not matter there."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import grpc

from fingertip.events.v1.events_service_pb2 import WatchRequest, WatchResponse
from fingertip.lobby.v1.ticket_pb2 import Ticket
from fingertip_client.caller import Caller
from fingertip_server.app import App
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.drafts import EVERYBODY, Audience

BRANCH = "0101"


async def publish(
    app: App, version: int, *, audience: Audience = EVERYBODY, count: int = 1, desk: str = ""
) -> None:
    """Appends one transaction with tickets of this version to the branch's feed."""

    def work(call: Call) -> None:
        call.home = BRANCH
        for number in range(count):
            ticket = Ticket(ticket_id=str(UUID(int=number)), version=version, desk=desk)
            call.publish(ticket, audience)

    await app.pipeline.due("test/publish", work)


@asynccontextmanager
async def watching(
    caller: Caller, token: str = "", **scope: str
) -> AsyncIterator["grpc.aio.UnaryStreamCall[WatchRequest, WatchResponse]"]:
    """Opens a raw stream, and cancels it in the end."""
    request = WatchRequest(resume_token=token, **(scope or {"branch_id": BRANCH}))
    stream = caller.events.Watch(request)
    try:
        yield stream
    finally:
        stream.cancel()


async def next_message(
    stream: "grpc.aio.UnaryStreamCall[WatchRequest, WatchResponse]", seconds: float = 5.0
) -> WatchResponse:
    """Returns the next message, whatever it is."""
    async with asyncio.timeout(seconds):
        message = await stream.read()
    assert isinstance(message, WatchResponse), "the stream ended"
    return message


async def next_events(
    stream: "grpc.aio.UnaryStreamCall[WatchRequest, WatchResponse]", seconds: float = 5.0
) -> WatchResponse:
    """Returns the next message that has events."""
    while True:
        message = await next_message(stream, seconds)
        if message.events:
            return message


def versions(messages: Sequence[WatchResponse]) -> list[int]:
    """Returns the tickets' versions in order."""
    return [event.ticket.version for message in messages for event in message.events]
