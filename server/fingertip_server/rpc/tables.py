"""The tables of the frame: stored answers, topic heads, timers."""

import uuid

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from fingertip_server.db.base import Base, Timestamp


class Idempotency(Base):
    """What a caller was answered under a request_id. Appended, read, and deleted after 8 days."""

    __tablename__ = "idempotency"
    __table_args__ = (Index("ix_idempotency_created_at", "created_at"),)

    scope: Mapped[str] = mapped_column(primary_key=True)
    method: Mapped[str] = mapped_column(primary_key=True)
    request_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    # Sealed: an answer may hold personal data.
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())


class TopicHead(Base):
    """Where a topic's feed and audit chain end.

    Its row is locked as the last thing before commit, so that order of positions is order of
    commit.
    """

    __tablename__ = "topic_head"
    __table_args__ = (CheckConstraint("feed_floor <= feed_position", "floor"),)

    topic: Mapped[str] = mapped_column(primary_key=True)
    feed_position: Mapped[int] = mapped_column(BigInteger, server_default="0")
    # Events up to here are no longer kept.
    feed_floor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    chain_position: Mapped[int] = mapped_column(BigInteger, server_default="0")
    chain_link: Mapped[bytes] = mapped_column(LargeBinary, server_default="")


class Timer(Base):
    """Something that will happen to a subject when its time has come."""

    __tablename__ = "timer"
    __table_args__ = (Index("ix_timer_due_at", "due_at"),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[Timestamp]
    attempts: Mapped[int] = mapped_column(server_default="0")
