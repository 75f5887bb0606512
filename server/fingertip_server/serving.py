"""Runs a server process until it is told to stop."""

import asyncio
import gc
import signal
from pathlib import Path

import uvloop

from fingertip_server import telemetry
from fingertip_server.app import App
from fingertip_server.settings import Settings

_SERVICE = "fingertip-server"
# Objects that may be garbage before it is looked for; ten calls make about as many.
_GARBAGE_MAX = 10_000


def serve(settings: Settings, *, port_file: Path | None = None) -> None:
    """Serves until SIGTERM or SIGINT, then drains. Raises what `App.start` refuses.

    The port that it listens on is written to `port_file`, once it does.
    """
    telemetry.start(
        _SERVICE,
        trace_file=settings.trace_file,
        sample_ratio=settings.trace_sample_ratio,
        log_level=settings.log_level,
    )
    try:
        uvloop.run(_serve(settings, port_file))
    finally:
        telemetry.stop()


def spare_collector() -> None:
    """Has the garbage collector leave alone what was made so far, and look less often.

    What is made at start stays; walking it again and again would cost a tenth of every call.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE_MAX)


async def _serve(settings: Settings, port_file: Path | None) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    app = App(settings)
    await app.start()
    spare_collector()
    if port_file is not None:
        # Written beside and renamed: whoever waits for the file finds all of it.
        beside = port_file.with_suffix(".part")
        beside.write_text(f"{app.port}\n")
        beside.replace(port_file)
    await stopping.wait()
    await app.drain()
