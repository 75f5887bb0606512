"""Whether a customer has read what he agrees to: which text, to its end, and for how long."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fingertip.applications.v1.signature_pb2 import AgreementRead
from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors

# A tablet that counts whole seconds may be ahead by one, and its count began a little later.
_AHEAD_SECONDS_MAX = 2


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the form, and how long it takes to read."""

    code: str
    version: int
    sha256: bytes
    reading_seconds_min: int


@dataclass(frozen=True, slots=True)
class Showing:
    """Since when a text is shown."""

    version: int
    sha256: bytes
    show_time: datetime


def require_read(
    texts: Sequence[Text],
    showings: Mapping[str, Showing],
    reported: Iterable[AgreementRead],
    now: datetime,
) -> list[AgreementRead]:
    """Returns what was read, in the form's order, each with the time since when it was shown.

    Raises AGREEMENT_UNKNOWN, AGREEMENT_CHANGED or AGREEMENT_NOT_READ, which names the agreement.
    What the tablet counted is believed only as far as the server's clock agrees.
    """
    by_code = {each.agreement_code: each for each in reported}
    for code in by_code.keys() - {text.code for text in texts}:
        raise unknown(code, "agreements_read")
    return [_read(text, showings.get(text.code), by_code.get(text.code), now) for text in texts]


def _read(
    text: Text, showing: Showing | None, reported: AgreementRead | None, now: datetime
) -> AgreementRead:
    if reported is None or showing is None:
        raise _not_read(text, "shown")
    if {(reported.version, reported.sha256), (showing.version, showing.sha256)} != {
        (text.version, text.sha256)
    }:
        raise errors.Conflict(
            ErrorReason.ERROR_REASON_AGREEMENT_CHANGED,
            "Another text than this was read. Show it anew.",
            agreement_code=text.code,
        )
    if not reported.scrolled_to_end:
        raise _not_read(text, "end")
    elapsed = (now - showing.show_time).total_seconds()
    left = text.reading_seconds_min - min(elapsed, reported.seconds)
    if left > 0 or reported.seconds > elapsed + _AHEAD_SECONDS_MAX:
        raise _not_read(text, "time", max(0, math.ceil(left)))
    read = AgreementRead()
    read.CopyFrom(reported)
    read.show_time.FromDatetime(showing.show_time)
    return read


def unknown(code: str, named_by: str) -> errors.InvalidArgument:
    """Returns the refusal for a text that a form does not have, with the request's field of it."""
    return errors.InvalidArgument(
        ErrorReason.ERROR_REASON_AGREEMENT_UNKNOWN,
        "The form has no such agreement.",
        violations=[errors.Violation(named_by, "must be one that the form has")],
        agreement_code=code,
    )


def _not_read(text: Text, missing: str, seconds_left: int = 0) -> errors.InvalidState:
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_AGREEMENT_NOT_READ,
        "The customer has not read an agreement as he has to before he signs.",
        agreement_code=text.code,
        missing=missing,
        seconds_left=str(seconds_left),
    )
