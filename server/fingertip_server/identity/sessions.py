"""Staff sessions in the database. Who may use one is decided in `authentication`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import (
    TIMESTAMP,
    ColumnElement,
    Connection,
    Integer,
    Interval,
    Update,
    Uuid,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from fingertip_server.db.base import NOW
from fingertip_server.identity.tables import StaffSession


@dataclass(frozen=True, slots=True)
class Session:
    """A session as the contract shows it."""

    session_id: UUID
    staff_id: str
    device_id: UUID
    expires_at: datetime


_FIND = select(
    StaffSession.session_id,
    StaffSession.staff_id,
    StaffSession.device_id,
    StaffSession.expires_at,
).where(StaffSession.session_id == bindparam("the_session_id"))
_RENEW = (
    update(StaffSession)
    .where(
        StaffSession.session_id == bindparam("the_session_id"),
        StaffSession.ended_at.is_(None),
        StaffSession.expires_at > func.fingertip_now(),
    )
    .values(token_hash=bindparam("new_token_hash"), last_used_at=func.fingertip_now())
    .returning(StaffSession.session_id)
)


def _ending(which: ColumnElement[bool]) -> Update:
    # Locked in one order, like `note_use` does, so that the two never wait for each other.
    ended = (
        select(StaffSession.session_id)
        .where(which, StaffSession.ended_at.is_(None))
        .order_by(StaffSession.session_id)
        .with_for_update(key_share=True)
        .cte("ended")
    )
    return (
        update(StaffSession)
        .where(StaffSession.session_id == ended.c.session_id)
        .values(ended_at=func.fingertip_now())
    )


_END = _ending(StaffSession.session_id == bindparam("the_session_id"))
_END_OF_STAFF = _ending(StaffSession.staff_id == bindparam("the_staff_id"))
_END_OF_DEVICE = _ending(StaffSession.device_id == bindparam("the_device_id"))

_seen = (
    func.unnest(
        bindparam("session_ids", type_=ARRAY(Uuid())),
        bindparam("used_at", type_=ARRAY(TIMESTAMP(timezone=True))),
    )
    .table_valued("session_id", "used_at", name="seen")
    .render_derived()
)
_locked = (
    select(StaffSession.session_id, _seen.c.used_at)
    .join_from(StaffSession, _seen, StaffSession.session_id == _seen.c.session_id)
    .order_by(StaffSession.session_id)
    .with_for_update(key_share=True, of=StaffSession)
    .cte("used")
)
_NOTE_USE = (
    update(StaffSession)
    .where(StaffSession.session_id == _locked.c.session_id)
    .values(last_used_at=func.greatest(StaffSession.last_used_at, _locked.c.used_at))
)

# One that ended early expires soon after, so that one index finds them all.
_FORGET = delete(StaffSession).where(
    StaffSession.session_id.in_(
        select(StaffSession.session_id)
        .where(StaffSession.expires_at < NOW - bindparam("kept", type_=Interval))
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)
    )
)


def start(
    connection: Connection,
    *,
    token_hash: bytes,
    staff_id: str,
    device_id: UUID,
    expires_at: datetime,
) -> Session:
    """Starts a session that is found by its token's hash."""
    session = Session(uuid4(), staff_id, device_id, expires_at)
    connection.execute(
        insert(StaffSession),
        {
            "session_id": session.session_id,
            "token_hash": token_hash,
            "staff_id": staff_id,
            "device_id": device_id,
            "expires_at": expires_at,
        },
    )
    return session


def find(connection: Connection, session_id: UUID) -> Session:
    """Returns a session that exists, over or not."""
    return Session(*connection.execute(_FIND, {"the_session_id": session_id}).one())


def renew_token(connection: Connection, session_id: UUID, token_hash: bytes) -> bool:
    """Puts a token in the place of the one before, and says whether the session still goes on."""
    parameters = {"the_session_id": session_id, "new_token_hash": token_hash}
    return connection.execute(_RENEW, parameters).one_or_none() is not None


def end(connection: Connection, session_id: UUID) -> None:
    """Ends a session."""
    connection.execute(_END, {"the_session_id": session_id})


def end_of_staff(connection: Connection, staff_id: str) -> None:
    """Ends all sessions of a member of staff."""
    connection.execute(_END_OF_STAFF, {"the_staff_id": staff_id})


def end_of_device(connection: Connection, device_id: UUID) -> None:
    """Ends all sessions on a device."""
    connection.execute(_END_OF_DEVICE, {"the_device_id": device_id})


def forget(connection: Connection, kept: timedelta, most: int) -> int:
    """Deletes sessions that expired so long ago, at most so many, and returns how many."""
    return connection.execute(_FORGET, {"kept": kept, "most": most}).rowcount


def note_use(connection: Connection, last_used_seconds: Mapping[UUID, float]) -> None:
    """Writes down when sessions were used, where that is later than what is known."""
    connection.execute(
        _NOTE_USE,
        {
            "session_ids": list(last_used_seconds),
            "used_at": [datetime.fromtimestamp(s, UTC) for s in last_used_seconds.values()],
        },
    )
