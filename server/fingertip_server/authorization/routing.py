"""Where a task goes, and to whom it is offered first.

Nobody chooses the task that he decides about: the queue gives him the next. That alone would let an
authoriser wait for the moment in which a certain teller submits, so a task that is queued is first
offered to one of the free, drawn by lot, and is his alone for a few seconds. Then it is anybody's.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from fingertip_server.authorization import authorities, centre_store, crowding, eligibility
from fingertip_server.authorization.centre_store import Lane
from fingertip_server.authorization.crowding import Limits, Queue
from fingertip_server.authorization.rules import Decider, may, somebody_may
from fingertip_server.authorization.tables import Task
from fingertip_server.packs.bank import Bank
from fingertip_server.packs.schema_forms import Scene
from fingertip_server.rpc.call import Call


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task goes: a centre, and why it is parked there; "" when it is not."""

    centre_id: str
    park_reason: str


def place(call: Call, scene: Scene, task: Task) -> Place:
    """Returns the first of a scene's centres that can take a task; parks in its first.

    A centre can when somebody there may decide and its queue is not too long for those present.
    Where every queue is too long, it is the centre with the fewest tasks for each of them.
    """
    open_centres: list[tuple[float, str]] = []
    for centre_id in scene.centres:
        found = eligibility.deciders(call.connection, call.bank, centre_id, task.skill)
        if not somebody_may(found, authorities.need(task), eligibility.parties(task)):
            continue
        if len(scene.centres) == 1:
            return Place(centre_id, "")
        queue = _queue(call, Lane(centre_id, scene.skill_group), len(found))
        if not crowding.is_full(queue, _limits(call)):
            return Place(centre_id, "")
        open_centres.append((crowding.load(queue), centre_id))
    if open_centres:
        return Place(min(open_centres, key=lambda each: each[0])[1], "")
    reason = eligibility.reason(call.connection, call.bank, scene.centres, task)
    return Place(scene.centres[0], reason)


def other_centre(
    call: Call, task: Task, *, free_only: bool, among: Callable[[str], bool]
) -> str | None:
    """Returns another centre of a task's scene, `among` some, where somebody may decide now.

    With `free_only` somebody there has nothing else to do; otherwise the queue is not too long.
    """
    scene = call.bank.scene(task.scene_code)
    for centre_id in scene.centres:
        if centre_id == task.centre_id or not among(centre_id):
            continue
        found = eligibility.present(call.connection, call.bank, centre_id, task.skill)
        admitted = _admitted(found, task)
        if not admitted:
            continue
        if free_only:
            if centre_store.busy(call.connection, admitted) != frozenset(admitted):
                return centre_id
        elif not crowding.is_full(
            _queue(call, Lane(centre_id, task.skill), len(found)), _limits(call)
        ):
            return centre_id
    return None


def overflowing(bank: Bank) -> dict[Lane, frozenset[str]]:
    """Returns the lanes from which tasks may go to other centres, with those centres."""
    found: dict[Lane, frozenset[str]] = {}
    for scene in bank.pack.scenes:
        for centre_id, skill in product(scene.centres, scene.skills):
            lane, others = Lane(centre_id, skill), {*scene.centres} - {centre_id}
            if others:
                found[lane] = found.get(lane, frozenset()) | others
    return found


def free_count(call: Call, lane: Lane) -> int:
    """Counts those present in a lane who have nothing to do."""
    found = eligibility.present(call.connection, call.bank, lane.centre_id, lane.skill)
    return len(found) - len(centre_store.busy(call.connection, found) & frozenset(found))


def offer(call: Call, task: Task, *, not_to: str = "") -> None:
    """Makes a queued task the own of one of the free for a moment; of nobody where nobody is free.

    `not_to` names who had it just now.
    """
    if not call.bank.policies.flag("authorization.offers_by_lot"):
        return
    found = eligibility.present(call.connection, call.bank, task.centre_id, task.skill)
    admitted = [each for each in _admitted(found, task) if each != not_to]
    busy = centre_store.busy(call.connection, admitted)
    free = [each for each in admitted if each not in busy]
    if free:
        give_to(call, task, secrets.choice(free), "authorization.offer")


def give_to(call: Call, task: Task, staff_id: str, policy: str) -> None:
    """Makes a queued task a member of staff's own to claim, for as long as a policy says."""
    task.offered_to = staff_id
    task.offered_until = call.now + call.bank.policies.duration(policy)


def _admitted(present: dict[str, Decider], task: Task) -> list[str]:
    need, parties = authorities.need(task), eligibility.parties(task)
    return [staff_id for staff_id, decider in present.items() if may(decider, need, parties)]


def _queue(call: Call, lane: Lane, present: int) -> Queue:
    limits = _limits(call)
    return Queue(
        queued=centre_store.length(call.connection, lane, limits.per_authoriser * present),
        present=present,
        oldest_wait=centre_store.next_waits(call.connection, lane),
    )


def _limits(call: Call) -> Limits:
    policies = call.bank.policies
    return Limits(
        per_authoriser=policies.count("authorization.overflow_tasks_per_authoriser"),
        wait=policies.duration("authorization.overflow_wait"),
    )
