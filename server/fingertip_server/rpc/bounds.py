"""Finds what must be refused before the contract's rules are looked at.

Rules cost time with every element of a list, some with its square: one request of 4 MiB would hold
up the process for a minute. And no text may hold NUL, which the database cannot store.
"""

from collections.abc import Iterator
from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from buf.validate import validate_pb2
from fingertip_server.errors import Violation

_NUL = "\x00"


def faults(request: Message, content: bytes) -> Iterator[Violation]:
    """Yields lists that are longer than the contract allows, or else texts with NUL."""
    found = list(_too_long(request, ""))
    yield from found
    # Almost no request has a zero byte, so that almost none is searched.
    if not found and 0 in content:
        yield from _with_nul(request, "")


def _too_long(message: Message, path: str) -> Iterator[Violation]:
    for field, items_max, is_outer in _lists(message.DESCRIPTOR):
        elements = _elements(message, field)
        if items_max is not None and len(elements) > items_max:
            yield Violation(f"{path}{field.name}", f"must have at most {items_max} items")
        elif is_outer:
            for element in elements:
                yield from _too_long(element, f"{path}{field.name}.")


def _with_nul(message: Message, path: str) -> Iterator[Violation]:
    for field, value in message.ListFields():
        values = value if field.is_repeated else (value,)
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for element in values:
                yield from _with_nul(element, f"{path}{field.name}.")
        elif field.type == FieldDescriptor.TYPE_STRING and any(_NUL in text for text in values):
            yield Violation(f"{path}{field.name}", "must not contain U+0000")


def _elements(message: Message, field: FieldDescriptor) -> list[Message]:
    value = getattr(message, field.name)
    if field.is_repeated:
        return value  # type: ignore[no-any-return] # a repeated container, which has a length
    return [value] if message.HasField(field.name) else []


@cache
def _lists(message: Descriptor) -> tuple[tuple[FieldDescriptor, int | None, bool], ...]:
    """Returns a message's lists with their maxima, and the fields in which there are more."""
    found = []
    for field in message.fields:
        inner = field.message_type
        is_ours = inner is not None and inner.full_name.startswith("fingertip.")
        is_outer = is_ours and bool(_lists(inner))
        rules = field.GetOptions().Extensions[validate_pb2.field]
        items_max = rules.repeated.max_items if rules.repeated.HasField("max_items") else None
        if is_outer or (field.is_repeated and items_max is not None):
            found.append((field, items_max, is_outer))
    return tuple(found)
