"""What a new watcher of a centre is shown."""

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from fingertip_server.authorization import changes
from fingertip_server.authorization.rules import OPEN
from fingertip_server.authorization.tables import Task
from fingertip_server.rpc.drafts import Announced

# More than any centre decides before they expire; beyond, a list by pages serves better.
_TASKS_MAX = 5_000

_OPEN = select(Task).where(Task.state.in_(OPEN)).order_by(Task.create_time, Task.task_id)


def centre(connection: Connection, centre_id: str) -> list[Announced]:
    """Returns the open tasks of a centre, or on site of a branch, oldest first, at most 5,000."""
    statement = _OPEN.where(Task.centre_id == centre_id).limit(_TASKS_MAX)
    with Session(connection) as session:
        return [each for task in session.scalars(statement) for each in changes.announced(task)]
