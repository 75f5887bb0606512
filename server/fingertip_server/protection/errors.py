"""What can be wrong with keys and with what was made with them."""

from pathlib import Path


class ProtectionError(Exception):
    """Says in a sentence, without the value, why something protected cannot be used."""


class KeyRingError(ProtectionError):
    """Says everything that is wrong with a key-ring file."""

    def __init__(self, path: Path, faults: list[str]) -> None:
        super().__init__(f"Key ring {path} cannot be used: {'; '.join(faults)}.")
        self.faults = faults


class Unreadable(ProtectionError):
    """Says that a sealed value was changed, moved, or made with keys that are not here."""


class Forged(ProtectionError):
    """Says that a token was not signed here, or for another purpose."""
