"""The police's register as the simulated bank reaches it.

It knows the customers of the bank, with a photo of each, and everybody else without one; only
numbers of the region 99 are nobody's.
"""

import struct
import zlib
from collections.abc import Mapping

from fingertip.applications.v1 import identity_pb2 as identity
from fingertip.customer.v1.customer_service_pb2 import CustomerRecord
from fingertip_core_banking.bank import IdentityAnswer
from fingertip_core_banking.simulated.customers import Customers

_NOBODYS = "99"
_PHOTO_SIZE = (96, 120)

OUTCOMES: Mapping[str, identity.IdentityOutcome.ValueType] = {
    name.removeprefix("IDENTITY_OUTCOME_").lower(): number
    for name, number in identity.IdentityOutcome.items()
    if number
}
"""The outcomes as a control file has them, for example "name_differs"."""


def answer(customers: Customers, name: str, document_number: str, forced: str) -> IdentityAnswer:
    """Returns what the register says; `forced` is the outcome that a test wants, or ""."""
    outcome = OUTCOMES[forced] if forced else _outcome(customers, name, document_number)
    if outcome == identity.IDENTITY_OUTCOME_CONSISTENT_WITH_PHOTO:
        return IdentityAnswer(outcome, _photo(document_number))
    return IdentityAnswer(outcome)


def _outcome(
    customers: Customers, name: str, document_number: str
) -> identity.IdentityOutcome.ValueType:
    if document_number.startswith(_NOBODYS):
        return identity.IDENTITY_OUTCOME_NUMBER_UNKNOWN
    known = _record(customers, document_number)
    if known is None:
        return identity.IDENTITY_OUTCOME_CONSISTENT_WITHOUT_PHOTO
    if known.name != name:
        return identity.IDENTITY_OUTCOME_NAME_DIFFERS
    return identity.IDENTITY_OUTCOME_CONSISTENT_WITH_PHOTO


def _record(customers: Customers, document_number: str) -> CustomerRecord | None:
    number = customers.number_by_resident_id.get(document_number)
    return customers.by_number.get(number) if number else None


def _photo(document_number: str) -> bytes:
    """Returns a grey PNG, another shade for each number."""
    width, height = _PHOTO_SIZE
    shade = zlib.crc32(document_number.encode()) & 0xFF
    rows = b"".join(b"\0" + bytes([shade]) * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum
