"""Whom an application is about: the applicant, and who acts for him."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from fingertip_server.applications import readings
from fingertip_server.applications.readings import Keys, Readings
from fingertip_server.identifiers import mrz, resident_id


class Party(StrEnum):
    """Who somebody is to an application, called as the contract calls him."""

    APPLICANT = "APPLICANT"
    PROXY = "PROXY"
    GUARDIAN = "GUARDIAN"


LABELS = {Party.APPLICANT: "申请人", Party.PROXY: "代理人", Party.GUARDIAN: "监护人"}
# What the field handled_by says of who acts.
_ACTING = {"proxy": Party.PROXY, "guardian": Party.GUARDIAN}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as the right answers tell; what they do not tell is "" or None.

    `resident_id` is a citizen's or permit holder's number, the only one that the police's register
    knows; `document_number` that of whichever document he showed.
    """

    party: Party
    name: str
    resident_id: str
    document_number: str
    birth_date: date | None

    @property
    def is_complete(self) -> bool:
        """Tells whether there is somebody to ask about."""
        return bool(self.name and self.document_number)


def acting(read: Readings) -> Party | None:
    """Returns who acts for the applicant; None when he acts himself."""
    return _ACTING.get(read.right(readings.HANDLED_BY))


def of(read: Readings) -> tuple[Person, ...]:
    """Returns every person of an application, the applicant first."""
    applicant = _person(read, Party.APPLICANT, readings.APPLICANT)
    other = acting(read)
    return (applicant,) if other is None else (applicant, _person(read, other, readings.PROXY))


def keys(party: Party) -> Keys:
    """Returns what the fields about a person are called."""
    return readings.APPLICANT if party is Party.APPLICANT else readings.PROXY


def _person(read: Readings, party: Party, keys: Keys) -> Person:
    number = read.right(keys.resident_id)
    others = (keys.passport_number, keys.hong_kong_macau_permit, keys.taiwan_permit)
    return Person(
        party=party,
        name=read.right(keys.name),
        resident_id=number,
        document_number=number or next((n for key in others if (n := read.right(key))), ""),
        birth_date=_birth_date(read, keys, number),
    )


def _birth_date(read: Readings, keys: Keys, number: str) -> date | None:
    if number:
        return resident_id.birth_date(number)
    zone = read.right(keys.mrz)
    if zone and (born := mrz.parse(zone, today=read.today).birth_date):
        return born
    # A zone whose issuer does not know the day says nothing against what is written.
    written = read.right(keys.birth_date)
    return date.fromisoformat(written) if written else None
