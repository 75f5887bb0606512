"""Callers that this process knows already."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from fingertip_server.identity.principals import Found
from fingertip_server.packs.bank import Bank
from fingertip_server.rpc.principal import Principal


@dataclass(slots=True)
class Known:
    """A caller as the bank had him and, of a session, when this process last saw it in use."""

    found: Found
    bank: Bank
    idle_seconds: float
    last_used_seconds: float


class PrincipalCache:
    """Callers by their credentials. They are forgotten by "staff:…", "device:…" or "session:…"."""

    def __init__(self) -> None:
        self._known: dict[bytes, Known] = {}
        self._keys: defaultdict[str, set[bytes]] = defaultdict(set)

    def get(self, key: bytes) -> Known | None:
        """Returns who has these credentials, if that is known."""
        return self._known.get(key)

    def put(self, key: bytes, known: Known) -> None:
        """Remembers who has these credentials."""
        self.drop(key)
        self._known[key] = known
        for subject in _subjects(known.found.principal):
            self._keys[subject].add(key)

    def drop(self, key: bytes) -> None:
        """Forgets who has these credentials."""
        known = self._known.pop(key, None)
        if known is None:
            return
        for subject in _subjects(known.found.principal):
            self._keys[subject].discard(key)
            if not self._keys[subject]:
                del self._keys[subject]

    def forget(self, subject: str) -> None:
        """Forgets all that concerns a subject."""
        for key in tuple(self._keys.get(subject, ())):
            self.drop(key)

    def drop_where(self, is_over: Callable[[Known], bool]) -> None:
        """Forgets those for whom something holds."""
        for key in [key for key, known in self._known.items() if is_over(known)]:
            self.drop(key)


def _subjects(principal: Principal) -> tuple[str, ...]:
    device = f"device:{principal.device_id}"
    if principal.session_id is None:
        return (device,)
    return (device, f"staff:{principal.id}", f"session:{principal.session_id}")
