"""The database's time without asking it each time."""

import time
from datetime import UTC, datetime


class DatabaseClock:
    """Tells the time of `fingertip_now()`, as seconds since 1970, from the last time it was seen.

    Whoever reads the database's time tells it: the authenticator does with each caller whom it
    looks up. A test that moves the clock tells it too.
    """

    def __init__(self) -> None:
        self._offset_seconds = time.time() - time.monotonic()

    def observe(self, now: datetime) -> None:
        """Takes over what the database just said."""
        self._offset_seconds = now.timestamp() - time.monotonic()

    def seconds(self) -> float:
        """Returns the time now."""
        return time.monotonic() + self._offset_seconds

    def now(self) -> datetime:
        """Returns the time now as an instant in UTC."""
        return datetime.fromtimestamp(self.seconds(), UTC)
