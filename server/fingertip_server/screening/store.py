"""The statements on hits."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, select, tuple_
from sqlalchemy.orm import Session

from fingertip_server.rpc.call import Call
from fingertip_server.screening.tables import ScreeningHit, ScreeningRecord

Found = Row[ScreeningHit, ScreeningRecord]

_HITS: Select[ScreeningHit, ScreeningRecord] = (
    select(ScreeningHit, ScreeningRecord)
    .join(ScreeningRecord, ScreeningRecord.screening_id == ScreeningHit.screening_id)
    .execution_options(populate_existing=True)
)
_KEY = tuple_(ScreeningHit.hit_time, ScreeningHit.screening_id)


def find(session: Session, screening_id: UUID) -> Found | None:
    """Returns a hit with its record."""
    return session.execute(_HITS.where(ScreeningHit.screening_id == screening_id)).one_or_none()


def lock(call: Call, screening_id: UUID) -> Found | None:
    """Returns a hit with its record, the hit locked."""
    return call.session.execute(
        _HITS.where(ScreeningHit.screening_id == screening_id).with_for_update(
            key_share=True, of=ScreeningHit
        )
    ).one_or_none()


def open_hits(session: Session) -> Sequence[Found]:
    """Returns what waits for compliance, the oldest first."""
    return session.execute(_HITS.where(ScreeningHit.state == "OPEN").order_by(_KEY)).all()


def page(
    call: Call, *, only_open: bool, after: tuple[datetime, UUID] | None, size: int
) -> Sequence[Found]:
    """Returns hits, the newest first."""
    statement = _HITS
    if only_open:
        statement = statement.where(ScreeningHit.state == "OPEN")
    if after is not None:
        statement = statement.where(after > _KEY)
    newest_first = (ScreeningHit.hit_time.desc(), ScreeningHit.screening_id.desc())
    return call.session.execute(statement.order_by(*newest_first).limit(size)).all()
