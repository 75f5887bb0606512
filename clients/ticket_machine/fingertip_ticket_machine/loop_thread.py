"""An event loop in a thread of its own, beside a terminal that blocks while it waits."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self, TypeVar

ResultT = TypeVar("ResultT")


class LoopThread:
    """Runs coroutines for the thread that reads the terminal.

    The terminal stays with the main thread, so that Ctrl-C ends a prompt and leaves the terminal
    as it was.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loop")

    def call(self, coroutine: Coroutine[object, object, ResultT]) -> ResultT:
        """Runs a coroutine in the loop and returns or raises what it does."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    @contextlib.contextmanager
    def entered(self, context: AbstractAsyncContextManager[ResultT]) -> Iterator[ResultT]:
        """Enters an asynchronous context in the loop, and leaves it there."""
        stack = contextlib.AsyncExitStack()
        value = self.call(stack.enter_async_context(context))
        try:
            yield value
        finally:
            self.call(stack.aclose())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
