"""Who is on shift to decide, and what both sides are told when nobody is."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection

from fingertip_server.authorization import authorities
from fingertip_server.authorization.rules import (
    Decider,
    Parties,
    may,
    not_eligible,
    rule_against,
    somebody_may,
)
from fingertip_server.authorization.tables import Task
from fingertip_server.identity import directory
from fingertip_server.identity.directory import StaffRow
from fingertip_server.packs.bank import Bank
from fingertip_server.rpc.call import Call

DECIDE = "authorization.decide"


def present(connection: Connection, bank: Bank, centre_id: str, skill: str) -> dict[str, Decider]:
    """Returns who is on shift in a centre and may decide about tasks of a skill, by staff number.

    Nobody counts on who is on a break.
    """
    rows = [row for row in _able(connection, bank, centre_id, skill) if not row.on_break]
    deciders = authorities.deciders(connection, rows, skill)
    return {row.staff_id: decider for row, decider in zip(rows, deciders, strict=True)}


def deciders(connection: Connection, bank: Bank, centre_id: str, skill: str) -> list[Decider]:
    """Returns those who may decide about tasks of a skill in a centre now."""
    return list(present(connection, bank, centre_id, skill).values())


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
    return Parties(
        task.maker_person_id,
        task.customer_id,
        frozenset([*task.taken_by, *taking]),
        frozenset(task.barred),
    )


def is_on_break(call: Call) -> bool:
    """Tells whether the caller is on a break; whoever is by hearsay is looked up."""
    if not call.principal.on_break:
        return False
    row = directory.staff(call.connection, call.principal.id)
    return row is not None and row.on_break


def reason_to_park(connection: Connection, bank: Bank, task: Task, *taking: UUID) -> str:
    """Returns why nobody in a task's centre may decide about it now; "" when somebody may.

    `taking` are persons who take a step of it just now.
    """
    found = deciders(connection, bank, task.centre_id, task.skill)
    if somebody_may(found, authorities.need(task), parties(task, *taking)):
        return ""
    return reason(connection, bank, [task.centre_id], task)


def reason(connection: Connection, bank: Bank, centre_ids: Sequence[str], task: Task) -> str:
    """Says what centres in which nobody may decide about a task lack.

    Somebody of its level, somebody else, somebody back from a break, or everybody.
    """
    skill = task.skill
    groups = bank.pack.skill_groups
    name = next((group.name for group in groups if group.code == skill), skill)
    able = [row for each in centre_ids for row in _able(connection, bank, each, skill)]
    there = [row for row in able if not row.on_break]
    if there and all(row.effective_level < task.level for row in there):
        return f"当班的“{name}”授权员均无{task.level}级授权权限，待有权限的授权员签到后自动排队。"
    if there:
        return (
            f"当班的“{name}”授权员均为经办本人、客户本人或已作过授权，待其他授权员签到后自动排队。"
        )
    if able:
        return f"当班的“{name}”授权员均在休息，待授权员返岗后自动排队。"
    return f"授权中心暂无“{name}”授权员当班，待授权员签到后自动排队。"


def require_eligible(call: Call, task: Task, staff_id: str) -> None:
    """Raises NOT_ELIGIBLE unless a member of staff may decide about a task, and is there to."""
    row = directory.staff(call.connection, staff_id)
    rule = _obstacle(call.bank, task, row)
    if row is not None and not rule:
        by = authorities.decider(call.connection, row, task.skill)
        rule = rule_against(by, parties(task))
        if not rule and not may(by, authorities.need(task), parties(task)):
            rule = "level"
    if rule:
        raise not_eligible(rule)


def _obstacle(bank: Bank, task: Task, row: StaffRow | None) -> str:
    if row is None or not row.is_active or row.branch_id != task.centre_id:
        return "centre"
    if task.skill not in row.skills or DECIDE not in bank.permissions(row.roles):
        return "skill"
    if not row.on_shift:
        return "shift"
    return "break" if row.on_break else ""


def _able(connection: Connection, bank: Bank, centre_id: str, skill: str) -> list[StaffRow]:
    return [
        row
        for row in directory.on_shift(connection, centre_id)
        if skill in row.skills and DECIDE in bank.permissions(row.roles)
    ]
