"""The small types of which a pack's schema is made.

The files give every scalar as the text that was written; pydantic turns it into what a field says.
"""

import re
from datetime import time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
)

from fingertip_server.identifiers import names
from fingertip_server.packs import quantities

_CLOCK_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class Frozen(BaseModel):
    """A part of a pack: it never changes and refuses keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _check_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone such as Asia/Shanghai.") from None
    return name


def _read_clock_time(written: object) -> time:
    match = _CLOCK_TIME.fullmatch(written) if isinstance(written, str) else None
    if not match:
        raise ValueError("A time of day is written as 09:00.")
    return time(int(match[1]), int(match[2]))


def _read_duration(written: object) -> timedelta:
    return quantities.parse_duration(written if isinstance(written, str) else "")


# What people read: one line, or a page.
Title = Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$", max_length=100)]
Sentence = Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$", max_length=500)]
PageOfText = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
PersonName = Annotated[str, AfterValidator(names.normalise)]

# What programs match: debit_card_account, lobby.tickets.issue, debit_card_account.v1, 0101.
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
DottedWords = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$", max_length=64)
]
VersionedWord = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.v[1-9][0-9]{0,3}$", max_length=64)
]
UnitCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{2,12}$")]
StaffNumber = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{4,16}$")]
CustomerNumber = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{4,32}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]

TimeZone = Annotated[str, AfterValidator(_check_time_zone)]
# Both are written again as they are read.
ClockTime = Annotated[
    time, BeforeValidator(_read_clock_time), PlainSerializer(lambda value: f"{value:%H:%M}")
]
Duration = Annotated[
    timedelta,
    BeforeValidator(_read_duration),
    PlainSerializer(lambda value: f"{value // timedelta(seconds=1)} s"),
]
