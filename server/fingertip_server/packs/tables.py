"""The tables of bank packs: which were loaded, and every version of what customers sign."""

from sqlalchemy import CheckConstraint, Index, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from fingertip_server.db.base import Base, Timestamp


class LoadedPack(Base):
    """A version of the pack as it was loaded. One is active; its content never changes."""

    __tablename__ = "pack"
    __table_args__ = (
        Index("uq_pack_is_active", "is_active", unique=True, postgresql_where="is_active"),
    )

    version: Mapped[str] = mapped_column(primary_key=True)
    # Covers all of its files, staff.yaml too, whose people are rows of their own.
    sha256: Mapped[str]
    content: Mapped[dict[str, object]] = mapped_column(JSONB)
    is_active: Mapped[bool]
    loaded_at: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())


class PackDocument(Base):
    """A version of a form or an agreement. Kept for ever: applications refer to it."""

    __tablename__ = "pack_document"
    __table_args__ = (CheckConstraint("kind IN ('agreement', 'form')", "kind"),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[dict[str, object]] = mapped_column(JSONB)
    loaded_at: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
