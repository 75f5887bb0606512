"""The values that screening is made of."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID


class Effect(StrEnum):
    """What an entry demands, called as the contract calls it. The graver comes first."""

    BLOCK = "BLOCK"
    REVIEW = "REVIEW"


class Stage(StrEnum):
    """Before which act the lists are looked at, called as the contract calls it."""

    SUBMISSION = "SUBMISSION"
    APPROVAL = "APPROVAL"
    EXECUTION = "EXECUTION"


class Means(StrEnum):
    """What an entry is recognised by."""

    DOCUMENT = "DOCUMENT"
    NAME = "NAME"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to be looked for; `party` says who he is to the subject."""

    party: str
    name: str
    birth_date: date | None
    document_number: str


@dataclass(frozen=True, slots=True)
class Match:
    """An entry that a person agrees with."""

    party: str
    list_code: str
    entry_number: str
    means: Means
    effect: Effect

    @property
    def entry(self) -> tuple[str, str, str]:
        """Says who stands where, by whatever he was recognised."""
        return self.party, self.list_code, self.entry_number


@dataclass(frozen=True, slots=True)
class Findings:
    """What the lists say of some persons; `positions` tells which version of each was asked."""

    matches: tuple[Match, ...]
    positions: dict[str, str]

    @property
    def effect(self) -> Effect | None:
        """Returns the gravest effect; None when nobody stands on a list."""
        effects = {match.effect for match in self.matches}
        return next((effect for effect in Effect if effect in effects), None)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is about to be done, and to whom it belongs."""

    application_id: UUID
    revision: int
    branch_id: str
    journey_id: UUID | None
