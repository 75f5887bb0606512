"""Choices that look random and are always the same for the same words."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

_Choice = TypeVar("_Choice")


def number(below: int, *words: object) -> int:
    """Returns a whole number from 0 to just below the limit."""
    digest = hashlib.sha256("/".join(map(str, words)).encode()).digest()
    return int.from_bytes(digest) % below


def fraction(*words: object) -> float:
    """Returns a number from 0 to just below 1."""
    return number(1 << 53, *words) / (1 << 53)


def choice(options: Sequence[_Choice], *words: object) -> _Choice:
    """Returns one of the options."""
    return options[number(len(options), *words)]
