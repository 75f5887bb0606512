"""What can be wrong with signatures, time-stamps and the keys that they are made with."""

from pathlib import Path


class AuthorityError(Exception):
    """Says everything that is wrong with the authority's file or the anchors beside it."""

    def __init__(self, path: Path, faults: list[str], purpose: str = "used") -> None:
        super().__init__(f"Authority {path} cannot be {purpose}: {'; '.join(faults)}.")
        self.faults = faults


class Broken(Exception):
    """Says in a sentence why a signature, a certificate or a time-stamp proves nothing."""


class StampRefused(Exception):
    """Says in a sentence why there is no time-stamp now."""
