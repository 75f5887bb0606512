"""What a database remembers of the installation that it belongs to."""

import uuid

from sqlalchemy import Connection, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from fingertip_server.db.base import Base, Timestamp


class Installation(Base):
    """One row. The epoch changes when a backup is restored, which voids resume tokens."""

    __tablename__ = "installation"

    one: Mapped[bool] = mapped_column(primary_key=True, server_default="true")
    epoch: Mapped[uuid.UUID]
    # Of every key-ring version ever used here; empty before the first server started.
    key_ring: Mapped[str] = mapped_column(server_default="")
    # The fingerprint of the authority that signed here last; empty before the first server started.
    authority: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[Timestamp] = mapped_column(server_default=func.now())


_REMEMBER_AUTHORITY = text("UPDATE installation SET authority = :authority")
_REMEMBER = text("UPDATE installation SET key_ring = :key_ring")


def read(connection: Connection) -> Installation:
    """Returns the row."""
    row = connection.execute(select(Installation.__table__)).one()
    return Installation(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


def remember_key_ring(connection: Connection, fingerprint: str) -> None:
    """Stores the fingerprint of the ring that this database is written with."""
    connection.execute(_REMEMBER, {"key_ring": fingerprint})


def remember_authority(connection: Connection, fingerprint: str) -> None:
    """Stores the fingerprint of the authority with which is signed here."""
    connection.execute(_REMEMBER_AUTHORITY, {"authority": fingerprint})
