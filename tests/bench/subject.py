"""Our server, whole, but for two things that a load generator cannot do.

It sends the same bytes each time: so each IssueTicket gets a fresh request_id here, before the
pipeline sees it. And a line has 999 numbers a day: here it has more.
"""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import uvloop

from fingertip.lobby.v1.lobby_service_pb2 import IssueTicketRequest
from fingertip_server import telemetry
from fingertip_server.app import App
from fingertip_server.packs.bank import Bank
from fingertip_server.rpc.binding import Method
from fingertip_server.rpc.pipeline import Context, Pipeline
from fingertip_server.serving import spare_collector
from fingertip_server.settings import Settings

_NUMBERS = 100_000_000


class _FreshIds(Pipeline):
    async def unary(self, method: Method, content: bytes, context: Context) -> bytes:
        if method.short_name == "IssueTicket":
            request = IssueTicketRequest.FromString(content)
            request.request_id = str(uuid4())
            content = request.SerializeToString()
        return await super().unary(method, content, context)


async def _serve(url: str, key_ring: str, authority: str) -> None:
    settings = Settings(
        database_url=url,
        key_ring=Path(key_ring),
        authority=Path(authority),
        listen="127.0.0.1:0",
        log_level="info",
    )
    app = App(settings, pipeline=_FreshIds)
    await app.start()
    app.frame.bank = _with_more_numbers(app.frame.bank)
    spare_collector()
    sys.stdout.write(f"{app.port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def _with_more_numbers(bank: Bank) -> Bank:
    lines = tuple(
        line.model_copy(update={"last_number": _NUMBERS}) for line in bank.pack.service_lines
    )
    pack = replace(bank.pack, service_lines=lines)
    return Bank(pack, pack.forms, pack.agreements)


if __name__ == "__main__":
    telemetry.start("bench", trace_file=None, sample_ratio=1.0, log_level="info")
    uvloop.run(_serve(*sys.argv[1:]))
