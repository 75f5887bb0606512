"""Draws requests from the contract's descriptors: some fit, most are nasty in one place or two."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, cast
from uuid import UUID

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from buf.validate import validate_pb2
from tests.contract import specimens
from tests.contract.knowledge import Knowledge, Record, Value

_LIST_LENGTHS: Final = (0, 1, 1, 2, 3)
_NASTY_LIST_LENGTHS: Final = (0, 51, 51, 10_000)
_LONG_LIST: Final = 1_000
_REQUEST_BYTES_MAX: Final = 4_000_000
_SPENT_MAX: Final = 20

_TEXT: Final = FieldDescriptor.TYPE_STRING
_BYTES: Final = FieldDescriptor.TYPE_BYTES


class Drawing:
    """Draws messages out of what their senders know."""

    def __init__(self) -> None:
        self.knowledge: defaultdict[str, Knowledge] = defaultdict(Knowledge)
        self._of_sender = Knowledge()
        self._draw = random.Random()
        self._spent: list[str] = []

    def request(self, message: Descriptor, sender: str, seed: str) -> bytes:
        """Returns the bytes of a request; with the same seed and knowledge the same ones."""
        draw = self._draw = random.Random(seed)
        # Mostly he asks about what he was told, and sometimes about what somebody else was.
        teller = sender if draw.random() < 0.75 else draw.choice([sender, *self.knowledge])
        self._of_sender = self.knowledge[teller]
        next_page = self._of_sender.next_page(message.full_name) if draw.random() < 0.5 else None
        if next_page is not None:
            return next_page
        drawn = self._message(message, {}, draw.choice((0.0, 0.0, 0.05, 0.2, 0.6)))
        # More than that a server does not even receive.
        content = drawn.SerializeToString(deterministic=True)[:_REQUEST_BYTES_MAX]
        return self._damaged(content) if draw.random() < 0.08 else content

    def spoilt(self, request: Message, seed: str) -> bytes:
        """Returns a request like this one, under an id of its own, with one thing wrong."""
        draw = self._draw = random.Random(seed)
        copy = type(request)()
        copy.CopyFrom(request)
        if hasattr(copy, "request_id"):
            copy.request_id = self._new_id()
        message, field = draw.choice(list(_places(copy)))
        message.ClearField(field.name)
        if draw.random() < 0.8:
            self._fill(message, field, {}, 1.0)
        return copy.SerializeToString(deterministic=True)

    def _damaged(self, content: bytes) -> bytes:
        draw = self._draw
        at = draw.randrange(len(content) + 1)
        return draw.choice(
            (
                draw.randbytes(draw.randrange(1, 40)),
                content[:at],
                content[:at] + draw.randbytes(3) + content[at:],
                content + b"\xff" * 12,
                # A field of a newer contract, which nobody here knows.
                content + b"\xfa\x3f\x02hi",
                # Text that is no UTF-8, as the first field of most requests.
                b"\x0a\x02\xc3\x28" + content,
            )
        )

    def _message(self, message: Descriptor, outer: Record, nastiness: float) -> Message:
        special = specimens.SPECIAL.get(message.full_name)
        drawn: Message = message_factory.GetMessageClass(message)()
        if special is not None:
            special(drawn, self._draw, nastiness)
            return drawn
        names = [field.name for field in message.fields]
        record = outer | self._of_sender.record(names, self._draw)
        chosen = {oneof.name: self._draw.choice(oneof.fields).name for oneof in message.oneofs}
        # What may be left out is often given together or not at all.
        habit = self._draw.choice((0.0, 0.5, 1.0))
        for field in message.fields:
            oneof = field.containing_oneof
            if oneof is not None and chosen[oneof.name] != field.name:
                continue
            # What is unset is as good a test as what is set wrongly.
            absence = habit if _is_optional(field) else nastiness / 4
            if self._draw.random() >= absence:
                self._fill(drawn, field, record, nastiness)
        return drawn

    def _fill(
        self, message: Message, field: FieldDescriptor, record: Record, nastiness: float
    ) -> None:
        is_nasty = self._draw.random() < nastiness
        if field.is_repeated:
            self._fill_list(message, field, record, nastiness, is_nasty=is_nasty)
        elif field.message_type is not None:
            inner = self._message(field.message_type, record, nastiness)
            getattr(message, field.name).CopyFrom(inner)
            getattr(message, field.name).SetInParent()
        else:
            setattr(message, field.name, self._scalar(field, record, is_nasty=is_nasty))

    def _fill_list(
        self,
        message: Message,
        field: FieldDescriptor,
        record: Record,
        nastiness: float,
        *,
        is_nasty: bool,
    ) -> None:
        draw = self._draw
        values = getattr(message, field.name)
        examples = specimens.EXAMPLE_LISTS.get(field.name, ())
        if not is_nasty and draw.random() < 0.5 and _are_of(field, examples):
            values.extend(examples)
            return
        has_wrong_length = is_nasty and draw.random() < 0.3
        count = draw.choice(_NASTY_LIST_LENGTHS if has_wrong_length else _lengths(field))
        # It is the length of a long list that is nasty.
        is_long = count >= _LONG_LIST
        if field.message_type is not None:
            inner = 0.0 if is_long else nastiness
            elements = [
                self._message(field.message_type, record, inner) for _ in range(min(count, 3))
            ]
            values.extend(elements[i % len(elements)] for i in range(count))
        else:
            is_wrong = is_nasty and not is_long
            drawn = [self._scalar(field, {}, is_nasty=is_wrong) for _ in range(count)]
            values.extend(drawn if is_nasty else dict.fromkeys(drawn))

    def _scalar(self, field: FieldDescriptor, record: Record, *, is_nasty: bool) -> object:
        draw = self._draw
        known = None if is_nasty else self._known(field, record)
        if known is not None:
            return known
        match field.type:
            case FieldDescriptor.TYPE_STRING:
                return self._text(field, is_nasty=is_nasty)
            case FieldDescriptor.TYPE_BYTES:
                if not is_nasty and field.name in specimens.EXAMPLE_BYTES:
                    return specimens.EXAMPLE_BYTES[field.name]
                return draw.randbytes(draw.choice(specimens.NASTY_BYTE_COUNTS) if is_nasty else 32)
            case FieldDescriptor.TYPE_BOOL:
                return draw.random() < 0.5
            case FieldDescriptor.TYPE_ENUM:
                return draw.choice(specimens.NASTY_ENUMS if is_nasty else _allowed(field))
            case FieldDescriptor.TYPE_DOUBLE | FieldDescriptor.TYPE_FLOAT:
                return draw.choice(specimens.NASTY_FLOATS)
            case FieldDescriptor.TYPE_INT32:
                return draw.choice(specimens.NASTY_INT32) if is_nasty else self._number(field)
            case _:
                return draw.choice(specimens.NASTY_INT64) if is_nasty else self._number(field)

    def _known(self, field: FieldDescriptor, record: Record) -> Value | None:
        """Returns, mostly, what belongs to the resource that is asked about."""
        if _own_name(field) in specimens.EXAMPLES:
            return None
        kind = {_TEXT: str, _BYTES: bytes}.get(field.type, int)
        if isinstance(record.get(field.name), kind) and self._draw.random() < 0.9:
            return record[field.name]
        is_given = field.name in specimens.EXAMPLE_BYTES | specimens.EXAMPLE_NUMBERS
        if is_given or self._draw.random() < 0.3:
            return None
        return self._of_sender.value(field.name, kind, self._draw)

    def _number(self, field: FieldDescriptor) -> int:
        return specimens.EXAMPLE_NUMBERS.get(field.name, self._draw.randrange(1, 6))

    def _text(self, field: FieldDescriptor, *, is_nasty: bool) -> str:
        draw = self._draw
        examples = _examples(field)
        is_id = field.name.endswith("_id") and not examples
        if is_nasty:
            some_uuids = is_id and draw.random() < 0.5
            return draw.choice(specimens.NASTY_UUIDS if some_uuids else specimens.NASTY_TEXTS)
        if examples:
            return draw.choice(examples)
        if field.name == "request_id":
            return self._request_id()
        if is_id:
            return self._new_id()
        return "" if field.name.endswith("_token") else "某个文本"

    def _request_id(self) -> str:
        """Returns a new one, or seldom one that was used by whomever for whatever."""
        if self._spent and self._draw.random() < 0.05:
            return self._draw.choice(self._spent)
        self._spent.append(self._new_id())
        del self._spent[:-_SPENT_MAX]
        return self._spent[-1]

    def _new_id(self) -> str:
        return str(UUID(int=self._draw.getrandbits(128), version=4))


def _places(message: Message) -> Iterator[tuple[Message, FieldDescriptor]]:
    # One and the same, whatever its stub says.
    descriptor = cast("Descriptor", message.DESCRIPTOR)
    for field in descriptor.fields:
        yield message, field
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if field.is_repeated else [value]:
                yield from _places(inner)


def _are_of(field: FieldDescriptor, examples: Sequence[Message]) -> bool:
    """Tells whether there are examples of this field's type; a name may be that of several."""
    return bool(examples) and examples[0].DESCRIPTOR is field.message_type


def _lengths(field: FieldDescriptor) -> tuple[int, ...]:
    rules = field.GetOptions().Extensions[validate_pb2.field]
    return tuple(n for n in _LIST_LENGTHS if n >= rules.repeated.min_items)


def _examples(field: FieldDescriptor) -> tuple[str, ...]:
    own = specimens.EXAMPLES.get(_own_name(field))
    return own or specimens.EXAMPLES.get(field.name, ())


def _own_name(field: FieldDescriptor) -> str:
    message = field.containing_type
    return f"{message.name if message else ''}.{field.name}"


def _allowed(field: FieldDescriptor) -> list[int]:
    rules = field.GetOptions().Extensions[validate_pb2.field]
    refused = (rules.repeated.items if field.is_repeated else rules).enum.not_in
    values = field.enum_type.values if field.enum_type else ()
    return [value.number for value in values if value.number not in refused]


def _is_optional(field: FieldDescriptor) -> bool:
    rules = field.GetOptions().Extensions[validate_pb2.field]
    if field.message_type is not None:
        is_needed = rules.required or bool(rules.repeated.min_items)
        return field.containing_oneof is None and not is_needed
    return rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE
