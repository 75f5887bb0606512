"""Who is on shift to decide, and what both sides are told when nobody is."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from fingertip_server.authorization.rules import Parties, Person, somebody_may
from fingertip_server.authorization.tables import Task
from fingertip_server.identity import directory
from fingertip_server.packs.bank import Bank
from fingertip_server.packs.schema_forms import Scene
from fingertip_server.rpc.call import Call

DECIDE = "authorization.decide"

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task goes: a centre, and why it is parked there; "" when it is not."""

    centre_id: str
    park_reason: str


def persons(connection: Connection, bank: Bank, centre_id: str, skill: str) -> list[Person]:
    """Returns who is on shift in a centre and may decide about tasks of a skill."""
    after = ""
    found: list[Person] = []
    while True:
        page = directory.page(connection, centre_id, after, _PAGE)
        found += [
            Person(row.person_id, row.customer_id)
            for row in page
            if row.is_active
            and row.on_shift
            and skill in row.skills
            and DECIDE in bank.permissions(row.roles)
        ]
        if len(page) < _PAGE:
            return found
        after = page[-1].staff_id


def place(connection: Connection, bank: Bank, scene: Scene, parties: Parties) -> Place:
    """Returns the first of a scene's centres where somebody may decide; parks in its first."""
    present = False
    for centre_id in scene.centres:
        found = persons(connection, bank, centre_id, scene.skill_group)
        if somebody_may(found, parties):
            return Place(centre_id, "")
        present = present or bool(found)
    return Place(scene.centres[0], reason(bank, scene.skill_group, present=present))


def is_on_shift(call: Call) -> bool:
    """Tells whether the caller is on shift.

    A process hears of a shift's start a moment later; whoever is off shift by hearsay is looked up.
    """
    if call.principal.on_shift:
        return True
    row = directory.staff(call.connection, call.principal.id)
    return row is not None and row.on_shift


def parties(task: Task, *taking: UUID) -> Parties:
    """Returns whom a task excludes, with those who take a step of it just now."""
    return Parties(task.maker_person_id, task.customer_id, frozenset([*task.taken_by, *taking]))


def reason_to_park(connection: Connection, bank: Bank, task: Task, *taking: UUID) -> str:
    """Returns why nobody in a task's centre may decide about it now; "" when somebody may.

    `taking` are persons who take a step of it just now.
    """
    found = persons(connection, bank, task.centre_id, task.skill)
    if somebody_may(found, parties(task, *taking)):
        return ""
    return reason(bank, task.skill, present=bool(found))


def reason(bank: Bank, skill: str, *, present: bool) -> str:
    """Says what is missing: everybody, or somebody whom the task does not exclude."""
    groups = bank.pack.skill_groups
    name = next((group.name for group in groups if group.code == skill), skill)
    if present:
        return (
            f"当班的“{name}”授权员均为经办本人、客户本人或已作过授权，待其他授权员签到后自动排队。"
        )
    return f"授权中心暂无“{name}”授权员当班，待授权员签到后自动排队。"
