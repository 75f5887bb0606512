"""Finds what must be refused before the contract's rules are looked at.

Rules cost time with every element of a list, some with its square: one request of 4 MiB would hold
up the process for a minute. No text may hold NUL, which the database cannot store, and no value of
Google's types may be one that does not exist.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from buf.validate import validate_pb2
from fingertip_server.errors import Violation
from fingertip_server.rpc import wellknown

Element = TypeVar("Element")

_NUL = "\x00"


def faults(request: Message, content: bytes) -> Iterator[Violation]:
    """Yields lists that are longer than the contract allows, or else values that cannot be."""
    found = list(_too_long(request, ""))
    yield from found
    if found:
        return
    yield from wellknown.faults(request)
    # Almost no request has a zero byte, so that almost none is searched.
    if 0 in content:
        yield from _with_nul(request, "")


def _too_long(message: Message, path: str) -> Iterator[Violation]:
    for field, items_max, is_outer in _lists(message.DESCRIPTOR):
        elements = _elements(message, field)
        if items_max is not None and len(elements) > items_max:
            yield Violation(f"{path}{field.name}", f"must have at most {items_max} items")
        elif is_outer:
            for name, element in _named(field, elements, path):
                yield from _too_long(element, f"{name}.")


def _with_nul(message: Message, path: str) -> Iterator[Violation]:
    for field, value in message.ListFields():
        for name, element in _named(field, value if field.is_repeated else [value], path):
            if isinstance(element, Message):
                yield from _with_nul(element, f"{name}.")
            elif isinstance(element, str) and _NUL in element:
                yield Violation(name, "must not contain U+0000")


def _named(
    field: FieldDescriptor, elements: Iterable[Element], path: str
) -> Iterator[tuple[str, Element]]:
    for index, element in enumerate(elements):
        yield f"{path}{field.name}{f'[{index}]' if field.is_repeated else ''}", element


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
