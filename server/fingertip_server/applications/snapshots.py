"""What new watchers of a branch or an application are shown."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Connection, Select, or_, select
from sqlalchemy.orm import Session

from fingertip_server.applications import changes, store
from fingertip_server.applications.rules import PENDING
from fingertip_server.applications.tables import Application
from fingertip_server.rpc.drafts import Announced

_PENDING = (
    select(Application)
    .where(or_(Application.state.in_(PENDING), Application.is_reversing))
    .order_by(Application.create_time, Application.application_id)
)


def branch(connection: Connection, branch_id: str) -> Iterable[Announced]:
    """Returns the branch's applications of which something is still to be expected."""
    return _announced(connection, _PENDING.where(Application.branch_id == branch_id))


def application(connection: Connection, application_id: str) -> Iterable[Announced]:
    """Returns one application, whatever its state."""
    the_one = select(Application).where(Application.application_id == UUID(application_id))
    return _announced(connection, the_one)


def branch_of(connection: Connection, application_id: UUID) -> str | None:
    """Returns the branch of an application; nothing when there is none."""
    return connection.execute(
        select(Application.branch_id).where(Application.application_id == application_id)
    ).scalar_one_or_none()


def _announced(connection: Connection, statement: Select[Application]) -> list[Announced]:
    with Session(connection) as session:
        return [
            changes.announced(row, store.evidence(session, row.application_id))
            for row in session.scalars(statement).all()
        ]
