"""What can be wrong with an application, as a value."""

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """The kinds of faults, called as the contract calls them."""

    MISSING = "MISSING"
    MALFORMED = "MALFORMED"
    CHECK_DIGIT = "CHECK_DIGIT"
    TOO_LONG = "TOO_LONG"
    NOT_A_CHOICE = "NOT_A_CHOICE"
    EXPIRED = "EXPIRED"
    CONTRADICTION = "CONTRADICTION"
    AGE = "AGE"
    WARNING = "WARNING"
    LIMIT = "LIMIT"
    RESTRICTED = "RESTRICTED"
    PENDING = "PENDING"
    IDENTITY_UNCHECKED = "IDENTITY_UNCHECKED"
    IDENTITY_UNRESOLVED = "IDENTITY_UNRESOLVED"
    VOUCHER_MISSING = "VOUCHER_MISSING"
    VOUCHER_VOID = "VOUCHER_VOID"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: of which field, attachment, sighting, identity or signature, and what is wrong.

    The sentence is for the teller and never repeats an answer.
    """

    subject: str
    kind: FaultKind
    note: str

    @property
    def hinders(self) -> bool:
        """Tells whether the application cannot be submitted with it; a warning does not."""
        return self.kind != FaultKind.WARNING
