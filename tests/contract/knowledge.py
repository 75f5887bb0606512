"""What a fuzzer has learnt from answers: values by name, and which of them belong together."""

import random
from collections import defaultdict
from typing import Final

from google.protobuf.message import Message

Value = str | bytes | int
Record = dict[str, Value]
"""The values of one resource by name: a task with its revision, fence and hash, for example."""

_KNOWN_MAX: Final = 12
# Those of devices and staff are given by hand, so that the fuzzer does not lock itself out.
_NEVER_LEARNT: Final = {"device_id", "staff_id", "request_id"}
# What an answer calls differently from the request that quotes it.
_QUOTED_AS: Final = {"next_offset": "offset", "first_number": "sequence_number"}
_MASKED: Final = "*"


class Knowledge:
    """What exists. With the same answers in the same order, the same is known."""

    def __init__(self) -> None:
        self._values: defaultdict[str, list[Value]] = defaultdict(list)
        self._records: defaultdict[str, dict[Value, Record]] = defaultdict(dict)
        self._next_pages: dict[str, bytes] = {}

    def give(self, name: str, value: Value) -> None:
        """Says that there is such a value."""
        known = self._values[name]
        if value not in known:
            known.append(value)
            del known[:-_KNOWN_MAX]

    def learn(self, answer: Message) -> None:
        """Remembers the ids, hashes, fences and tokens of an answer, and what they belong to."""
        for resource in _resources(answer, {}):
            for name, value in resource.items():
                self.give(name, value)
            for name, value in resource.items():
                if name.endswith("_id") and value:
                    known = self._records[name]
                    # Read again it is as it is now, and the last to be forgotten.
                    known.pop(value, None)
                    known[value] = resource
                    if len(known) > _KNOWN_MAX:
                        del known[next(iter(known))]

    def learn_next(self, request: Message, answer: Message) -> None:
        """Remembers the request of the page after an answer, if there is one."""
        token = getattr(answer, "next_page_token", "")
        if token:
            request.page_token = token  # type: ignore[attr-defined] # a list has both or none
            self._next_pages[request.DESCRIPTOR.full_name] = request.SerializeToString()

    def next_page(self, name: str) -> bytes | None:
        """Returns a list's request of a page that there is."""
        return self._next_pages.pop(name, None)

    def value(self, name: str, kind: type, draw: random.Random) -> Value | None:
        """Returns a value of this name, or None."""
        known = [value for value in self._values[name] if isinstance(value, kind)]
        return draw.choice(known) if known else None

    def record(self, names: list[str], draw: random.Random) -> Record:
        """Returns what belongs to an id of one of these names, if any is known."""
        known = [name for name in names if self._records.get(name)]
        return draw.choice(list(self._records[draw.choice(known)].values())) if known else {}


def _is_masked(value: object) -> bool:
    return isinstance(value, str) and _MASKED in value


def _resources(message: Message, outer: Record) -> list[Record]:
    """Returns the values of a message and of what it holds, each with those around it."""
    own: Record = dict(outer)
    inner: list[Message] = []
    repeated: list[Message] = []
    for field, value in message.ListFields():
        if field.message_type is not None:
            (repeated if field.is_repeated else inner).extend(
                value if field.is_repeated else [value]
            )
        elif not field.is_repeated and field.name not in _NEVER_LEARNT and not _is_masked(value):
            own[_QUOTED_AS.get(field.name, field.name)] = value
    below = [record for each in inner for record in _resources(each, own)]
    # A lease quotes the item that it holds: what stands beside an only part belongs to it too.
    for record in below:
        own = {**record, **own}
    return [*below, *(r for each in repeated for r in _resources(each, own)), own]
