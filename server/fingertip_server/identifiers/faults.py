"""The one way in which an identifier is refused."""

from enum import StrEnum


class FaultKind(StrEnum):
    """What is wrong with a value; screens choose their words by it."""

    EMPTY = "empty"
    LENGTH = "length"
    CHARACTERS = "characters"
    HIDDEN_CHARACTER = "hidden_character"
    PRIVATE_USE = "private_use"
    CHECK_DIGIT = "check_digit"
    DATE = "date"
    FUTURE_DATE = "future_date"


class IdentifierFault(ValueError):
    """Says why a value is not an identifier of its kind; never repeats the value itself.

    It is a `ValueError`, so that a form checks its fields one by one, collects what each raises
    and reports all of it at once.
    """

    def __init__(self, kind: FaultKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
