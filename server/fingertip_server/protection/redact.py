"""Tells what is in a message without what is personal in it, for logs and spans.

Goes by the contract: a field whose data class is C2 or C3 is never shown, whatever it holds, and
neither is what a newer contract may have added (unknown fields).
"""

import functools
import itertools
from collections.abc import Iterator, Mapping, MutableSequence

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from fingertip.options.v1 import options_pb2

_HIDDEN = {options_pb2.DATA_CLASS_C2: "«C2»", options_pb2.DATA_CLASS_C3: "«C3»"}
_TEXT_CHARS_MAX = 200
_CUT = "…"


def redact(message: Message, chars_max: int = 2000) -> str:
    """Returns the fields of a message on one line, personal ones by class, bytes by length."""
    pieces: list[str] = []
    left = chars_max
    for piece in _message(message):
        pieces.append(piece[:left])
        left -= len(piece)
        if left < 0:
            pieces.append(_CUT)
            break
    return "".join(pieces)


def _message(message: Message) -> Iterator[str]:
    separator = "{"
    for field, value in message.ListFields():
        yield f"{separator}{field.name}: "
        yield from _field(field, value)
        separator = ", "
    yield "{}" if separator == "{" else "}"


def _field(field: FieldDescriptor, value: object) -> Iterator[str]:
    hidden = _hidden(field)
    if hidden:
        yield hidden
    elif isinstance(value, Mapping) and field.message_type is not None:
        of_values = field.message_type.fields_by_name["value"]
        for separator, key in zip(_separators(), value, strict=False):
            yield f"{separator}{_text(str(key))}: "
            yield from _single(of_values, value[key])
        yield "]"
    elif isinstance(value, MutableSequence):
        for separator, entry in zip(_separators(), value, strict=False):
            yield separator
            yield from _single(field, entry)
        yield "]"
    else:
        yield from _single(field, value)


def _single(field: FieldDescriptor, value: object) -> Iterator[str]:
    if isinstance(value, Message):
        yield from _message(value)
    elif isinstance(value, bytes):
        yield f"«{len(value)} bytes»"
    elif isinstance(value, str):
        yield _text(value)
    elif field.enum_type is not None and isinstance(value, int):
        known = field.enum_type.values_by_number.get(value)
        yield known.name if known else str(value)
    else:
        yield str(value)


def _text(value: str) -> str:
    # repr escapes whatever could end the line, turn its direction or hide in it.
    return repr(value[:_TEXT_CHARS_MAX]) + (_CUT if len(value) > _TEXT_CHARS_MAX else "")


def _separators() -> Iterator[str]:
    return itertools.chain(["["], itertools.repeat(", "))


@functools.cache
def _hidden(field: FieldDescriptor) -> str:
    """Returns what stands for a personal field, and nothing for the others."""
    return _HIDDEN.get(field.GetOptions().Extensions[options_pb2.data_class], "")
