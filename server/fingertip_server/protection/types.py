"""The column types of personal data."""

from enum import IntEnum

from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator, TypeEngine

from fingertip.options.v1 import options_pb2
from fingertip_server.protection.index import INDEX_BYTES


class DataClass(IntEnum):
    """The classes that are encrypted at rest, numbered as the contract numbers them."""

    C2 = options_pb2.DATA_CLASS_C2
    C3 = options_pb2.DATA_CLASS_C3


class Sealed(bytes):
    """A sealed value: not text, not to be compared, and nothing to read in a log."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Shows the length only."""
        return f"«sealed, {len(self)} bytes»"

    __str__ = __repr__


class Protected(TypeDecorator[Sealed]):
    """The type of every personal column: takes and gives sealed values, never plain ones.

    A value is bound to its row, which a column type does not know: `Protection.seal` makes it.
    """

    impl: TypeEngine[bytes] | type[TypeEngine[bytes]] = LargeBinary
    cache_ok: bool | None = True

    def __init__(self, data_class: DataClass = DataClass.C2) -> None:
        super().__init__()
        self.data_class = data_class

    def process_bind_param(
        self,
        value: Sealed | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature.
    ) -> bytes | None:
        """Refuses what is not sealed."""
        if value is not None and not isinstance(value, Sealed):
            raise TypeError("A personal column takes sealed values only: see Protection.seal.")
        return value

    def process_result_value(
        self,
        value: bytes | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature.
    ) -> Sealed | None:
        """Keeps what was stored recognisable as sealed."""
        return None if value is None else Sealed(value)


class Blind(TypeDecorator[bytes]):
    """The type of a column that finds a personal value by equality, made by `Protection.blind`."""

    impl: TypeEngine[bytes] | type[TypeEngine[bytes]] = LargeBinary
    cache_ok: bool | None = True

    def __init__(self) -> None:
        super().__init__(INDEX_BYTES)
