"""A server to be frozen: it streams one message, says where it listens, and waits."""

import asyncio
import sys

from google.protobuf.message import Message

from fingertip.events.v1.events_service_pb2 import SnapshotEnd, WatchResponse
from tests.client import scripted


async def watch(request: Message, context: scripted.Context) -> scripted.Messages:
    """Sends an empty snapshot and stays open."""
    yield WatchResponse(resume_token="t1", snapshot_end=SnapshotEnd())
    await asyncio.Event().wait()


async def lobby(request: Message, context: scripted.Context) -> Message:
    """Never answers."""
    await asyncio.Event().wait()
    return request


async def main() -> None:
    """Serves until killed."""
    async with (
        scripted.serving("fingertip.events.v1.EventsService", streams={"Watch": watch}) as events,
        scripted.serving("fingertip.lobby.v1.LobbyService", unary={"GetLobby": lobby}) as desk,
    ):
        sys.stdout.write(f"{events.target} {desk.target}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
