"""Follows the security topic in every process: who was revoked is forgotten at once.

What a process remembers of callers is good only while it reads this topic.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from fingertip_server.events import feed
from fingertip_server.events.feed import SECURITY, Commit
from fingertip_server.events.readers import Readers, Subscription
from fingertip_server.rpc.units import Units

# A reading is made every second; after this long without one, nothing remembered is trusted.
_TRUSTED_SECONDS = 4.0


@dataclass(slots=True)
class SecurityWatch:
    """Tells `invalidate` the subject of each revocation, role change and shift change."""

    units: Units
    readers: Readers
    invalidate: Callable[[str], None]
    _subscription: Subscription | None = field(default=None)

    async def start(self) -> None:
        """Follows the topic from its present end on."""
        head, _ = await self.units.autocommit(lambda c: feed.head(c, SECURITY))
        self._subscription = Subscription(head.position, self._hear)
        self.readers.subscribe(SECURITY, self._subscription)

    def is_trusted(self) -> bool:
        """Says whether the topic was read lately."""
        return time.monotonic() - self.readers.read_time(SECURITY) < _TRUSTED_SECONDS

    def _hear(self, commit: Commit) -> bool:
        for subject in commit.invalidated:
            self.invalidate(subject)
        if commit.invalidated:
            self.readers.poke_all()
        # Heard is heard: nothing has to wait in a queue.
        return False
