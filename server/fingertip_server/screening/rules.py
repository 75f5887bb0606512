"""Pure decisions about lists: how an entry is recognised, and what its hit hinders."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip.screening.v1.screening_service_pb2 import ScreeningEntry
from fingertip_server import errors
from fingertip_server.identifiers import names, text
from fingertip_server.identifiers.faults import IdentifierFault
from fingertip_server.screening.values import Effect, Findings, Match, Means, Person

# 港澳居民来往内地通行证 with the count of its renewals.
_RENEWED_PERMIT = re.compile(r"[HM][0-9]{10}")
# Between the parts of a name, which lists write in another order than passports do.
_BETWEEN = re.compile(r"[\s·'\u2019.,-]+")


def keys_of_person(person: Person) -> Iterator[tuple[Means, str]]:
    """Yields what a person is found by."""
    if person.document_number:
        yield Means.DOCUMENT, document_key(person.document_number)
    if person.name and person.birth_date is not None:
        yield Means.NAME, name_key(person.name, person.birth_date)


def keys_of_entry(entry: ScreeningEntry) -> Iterator[tuple[Means, str]]:
    """Yields what an entry is found by, each once. A name without a birth date finds too many."""
    found = {(Means.DOCUMENT, document_key(number)) for number in entry.document_numbers}
    if entry.HasField("birth_date"):
        born = _date(entry)
        if born is not None:
            found |= {(Means.NAME, name_key(name, born)) for name in entry.names}
    yield from sorted(found)


def document_key(number: str) -> str:
    """Returns the one spelling of a document's number."""
    compact = text.to_compact(number).upper()
    if _RENEWED_PERMIT.fullmatch(compact):
        # The holder keeps the number; what lists add to it counts the cards.
        compact = compact[:9]
    return f"{Means.DOCUMENT}:{compact}"


def name_key(name: str, born: date) -> str:
    """Returns the one spelling of a name, its parts in one order, with the birth date."""
    spelt = name
    with suppress(IdentifierFault):
        spelt = names.normalise(name)
    parts = sorted(_BETWEEN.split(unicodedata.normalize("NFKC", spelt).casefold()))
    return f"{Means.NAME}:{' '.join(part for part in parts if part)}|{born.isoformat()}"


def check_follows(stored: str, previous: str) -> None:
    """Raises SYNC_POSITION_MISMATCH unless a batch follows the last one; "" starts anew."""
    if previous and previous != stored:
        raise errors.Conflict(
            ErrorReason.ERROR_REASON_SYNC_POSITION_MISMATCH,
            "The batch does not follow the last one applied.",
            position=stored,
        )


def newest_of_each(entries: Iterable[ScreeningEntry]) -> Sequence[ScreeningEntry]:
    """Returns of each entry the record with the highest version, always in the same order."""
    newest: dict[str, ScreeningEntry] = {}
    for entry in entries:
        known = newest.get(entry.entry_number)
        if known is None or entry.version > known.version:
            newest[entry.entry_number] = entry
    return [newest[number] for number in sorted(newest)]


def hinders(findings: Findings, decided: Collection[tuple[str, str, str]]) -> bool:
    """Tells whether nothing may be done: for a block, and for a review that nobody decided about.

    `decided` are the entries that compliance's authoriser knew of when he decided.
    """
    return any(_hinders(match, decided) for match in findings.matches)


def _hinders(match: Match, decided: Collection[tuple[str, str, str]]) -> bool:
    return match.effect is Effect.BLOCK or match.entry not in decided


def no_hit() -> errors.NotFound:
    """Returns the refusal for a hit that is not there."""
    return errors.NotFound(
        ErrorReason.ERROR_REASON_SCREENING_HIT_NOT_FOUND, "There is no such hit."
    )


def wrong_state(state: str) -> errors.InvalidState:
    """Returns the refusal to close a hit twice."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_SCREENING_HIT_STATE, "The hit was dealt with.", state=state
    )


def hit() -> errors.InvalidState:
    """Returns the refusal that tells nobody more than whom to call."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_SCREENING_HIT, "Call the compliance department."
    )


def _date(entry: ScreeningEntry) -> date | None:
    written = entry.birth_date
    try:
        return date(written.year, written.month, written.day)
    except ValueError:
        # A list that knows the year alone.
        return None
