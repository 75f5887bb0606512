"""The feed's table."""

import uuid

from sqlalchemy import BigInteger, Boolean, Index, SmallInteger, Text, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from fingertip_server.db.base import Base, Timestamp


class FeedEvent(Base):
    """An event of a topic. Appended, read, and deleted after 24 h, never changed."""

    __tablename__ = "feed_event"
    __table_args__ = (Index("ix_feed_event_created_at", "created_at"),)

    topic: Mapped[str] = mapped_column(primary_key=True)
    # One position per transaction; ordinal counts the events within it.
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    ordinal: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    event_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    payload: Mapped[bytes]
    journey_id: Mapped[uuid.UUID | None]
    traceparent: Mapped[str]
    audience_permission: Mapped[str]
    audience_skill: Mapped[str]
    audience_staff: Mapped[list[str]] = mapped_column(ARRAY(Text))
    audience_on_shift: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[Timestamp] = mapped_column(server_default=func.fingertip_now())
