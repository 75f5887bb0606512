"""The journal's table."""

import uuid

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from fingertip_server.db.base import Base, Timestamp


class AuditEntry(Base):
    """A link of a chain. The application's role may append and read, nothing else."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        CheckConstraint("outcome IN ('DONE', 'REFUSED')", "outcome"),
        Index(
            "ix_audit_entry_journey_id",
            "journey_id",
            "time",
            postgresql_where="journey_id IS NOT NULL",
        ),
    )

    chain: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    time: Mapped[Timestamp]
    actor_kind: Mapped[str]
    actor_id: Mapped[str]
    actor_name: Mapped[str]
    device_id: Mapped[str]
    action: Mapped[str]
    outcome: Mapped[str]
    reason: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[str]
    object_state: Mapped[str]
    journey_id: Mapped[uuid.UUID | None]
    purpose: Mapped[str]
    # Keyed hash of the request: proves what was asked without telling it.
    commitment: Mapped[bytes]
    # Who proved at the actor's device to stand by; empty for nobody.
    second_person_id: Mapped[str] = mapped_column(server_default="")
    second_person_name: Mapped[str] = mapped_column(server_default="")
    # Names the algorithm of the digest, so that old entries verify under their own.
    suite: Mapped[str]
    digest: Mapped[bytes]
    link: Mapped[bytes]
