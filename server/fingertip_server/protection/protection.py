"""What the rest of the server calls to protect data; one object per process."""

from uuid import UUID

from sqlalchemy import Column, Table
from sqlalchemy.orm import InstrumentedAttribute

from fingertip_server.protection.index import BlindIndex
from fingertip_server.protection.keyring import KeyRing, Purpose
from fingertip_server.protection.sealing import Sealer, context_of
from fingertip_server.protection.signing import Commitments, Signer, TokenHasher
from fingertip_server.protection.types import Blind, Protected, Sealed

RowId = UUID | str | int
PersonalColumn = (
    InstrumentedAttribute[Sealed] | InstrumentedAttribute[Sealed | None] | Column[Sealed]
)
IndexColumn = InstrumentedAttribute[bytes] | InstrumentedAttribute[bytes | None] | Column[bytes]


class Protection:
    """Seals, finds, commits and signs with one key ring.

    Columns are given as they are declared (`Customer.phone`, `customers.c.phone`); what it needs
    to know of each is computed once. A row is named by its primary key; a UUID and its text are
    the same row.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._fields = Sealer(ring, Purpose.FIELD)
        self._answers = Sealer(ring, Purpose.ANSWER)
        self._commitments = Commitments(ring)
        self._tokens = TokenHasher(ring)
        self._signer = Signer(ring)
        self._places: dict[object, bytes] = {}
        self._indexes: dict[object, BlindIndex] = {}

    def seal(self, column: PersonalColumn, row_id: RowId, value: str | bytes) -> Sealed:
        """Encrypts a value for one column of one row."""
        plaintext = value.encode() if isinstance(value, str) else value
        return Sealed(self._fields.seal(self._context(column, row_id), plaintext))

    def open(self, column: PersonalColumn, row_id: RowId, sealed: bytes) -> str:
        """Decrypts a text; raises Unreadable when it is not this row's or was changed."""
        return self.open_bytes(column, row_id, sealed).decode()

    def open_bytes(self, column: PersonalColumn, row_id: RowId, sealed: bytes) -> bytes:
        """Decrypts a value that is not text."""
        return self._fields.open(self._context(column, row_id), sealed)

    def blind(self, column: IndexColumn, normalised: str) -> bytes:
        """Returns what the column finds a value by; see `index` for what it may be used for."""
        index = self._indexes.get(column)
        if index is None:
            index = self._indexes[column] = BlindIndex(self._ring, _place(column, Blind))
        return index.of(normalised)

    def commit(self, value: bytes) -> bytes:
        """Commits to a value for the audit, another commitment every time."""
        return self._commitments.commit(value)

    def is_commitment_to(self, commitment: bytes, value: bytes) -> bool:
        """Tells whether a commitment is about this value."""
        return self._commitments.matches(commitment, value)

    def answer_seal(self, principal: str, method: str, request_id: str, answer: bytes) -> bytes:
        """Encrypts the stored answer of one call of one principal."""
        return self._answers.seal(context_of(principal, method, request_id), answer)

    def answer_open(self, principal: str, method: str, request_id: str, sealed: bytes) -> bytes:
        """Decrypts a stored answer; raises Unreadable when it is another call's."""
        return self._answers.open(context_of(principal, method, request_id), sealed)

    def token_hash(self, token: str) -> bytes:
        """Returns the 32 bytes under which the database finds a bearer token."""
        return self._tokens.hash(token)

    def sign(self, purpose: str, payload: bytes) -> bytes:
        """Signs what a client carries for us, for one purpose ("page", "resume")."""
        return self._signer.sign(purpose, payload)

    def verify(self, purpose: str, signed: bytes) -> bytes:
        """Returns the payload; raises Forged when it was not signed here for this purpose."""
        return self._signer.verify(purpose, signed)

    def _context(self, column: PersonalColumn, row_id: RowId) -> bytes:
        place = self._places.get(column)
        if place is None:
            place = self._places[column] = _place(column, Protected)
        return place + str(row_id).encode()


def _place(column: PersonalColumn | IndexColumn, wanted: type[Protected | Blind]) -> bytes:
    declared = column.property.columns[0] if isinstance(column, InstrumentedAttribute) else column
    if not isinstance(declared, Column) or not isinstance(declared.table, Table):
        raise TypeError(f"{declared} is not a column of a table.")
    if not isinstance(declared.type, wanted):
        raise TypeError(f"{declared} is not of the type {wanted.__name__}.")
    return context_of(declared.table.name, declared.name)
