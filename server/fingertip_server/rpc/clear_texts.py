"""Keeps what identifies a customer out of texts that people type and that are kept in the clear."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from fingertip.options.v1 import options_pb2
from fingertip_server.errors import Violation
from fingertip_server.identifiers import bank_card, resident_id

# What stands between the digits of a number that somebody wrote in groups.
_GROUPED = re.compile(r"(?<=[0-9])[ \-](?=[0-9])")
_RESIDENT_ID = re.compile(r"(?<![0-9])([0-9]{17})([0-9Xx])(?![0-9])")
_CARD = re.compile(r"(?<![0-9])([0-9]{15,18})([0-9])(?![0-9])")
_MOBILE = re.compile(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])")
_RULE = (
    "must not have the number of a document, a card or a mobile phone in it:"
    " it is kept in the clear"
)


def faults(message: Message, path: str = "") -> Iterator[Violation]:
    """Yields the texts in which such a number stands."""
    for field, is_text in _plan(message.DESCRIPTOR):
        if not field.is_repeated and not is_text and not message.HasField(field.name):
            continue
        value = getattr(message, field.name)
        for index, element in enumerate(value if field.is_repeated else [value]):
            name = f"{path}{field.name}{f'[{index}]' if field.is_repeated else ''}"
            if not is_text:
                yield from faults(element, f"{name}.")
            elif identifies(element):
                yield Violation(name, _RULE)


def identifies(text: str) -> bool:
    """Tells whether the number of an identity card, a bank card or a mobile phone is in a text."""
    plain = _GROUPED.sub("", unicodedata.normalize("NFKC", text))
    return (
        any(resident_id.check_character(m[1]) == m[2].upper() for m in _RESIDENT_ID.finditer(plain))
        or any(bank_card.check_digit(m[1]) == m[2] for m in _CARD.finditer(plain))
        or _MOBILE.search(plain) is not None
    )


@cache
def _plan(message: Descriptor) -> tuple[tuple[FieldDescriptor, bool], ...]:
    """Returns the texts of a message, and the fields in which there are more."""
    found = []
    for field in message.fields:
        is_text = field.GetOptions().Extensions[options_pb2.clear_text]
        inner = field.message_type
        is_ours = inner is not None and inner.full_name.startswith("fingertip.")
        if is_text or (is_ours and _plan(inner)):
            found.append((field, is_text))
    return tuple(found)
