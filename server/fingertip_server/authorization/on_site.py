"""A second person decides at the maker's tablet, while the maker stays signed in (双柜员).

The same rules, the same content and the same decision as in a centre. The second person proves
himself by his own factor, and the customer's signature stays good when the task goes to the centre
after all.
"""

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from fingertip.authorization.v1.authorization_service_pb2 import (
    ApproveOnSiteRequest,
    ApproveOnSiteResponse,
    RejectOnSiteRequest,
    RejectOnSiteResponse,
    ReturnOnSiteRequest,
    ReturnOnSiteResponse,
    RouteToCentreRequest,
    RouteToCentreResponse,
)
from fingertip.identity.v1.second_person_pb2 import SecondPerson
from fingertip_server.authorization import (
    anchors,
    authorities,
    changes,
    deciding,
    eligibility,
    messages,
    rules,
    tasks,
)
from fingertip_server.authorization.deciding import Checker, Verdict
from fingertip_server.authorization.rules import State
from fingertip_server.authorization.tables import Task
from fingertip_server.identity import second_person
from fingertip_server.rpc.call import Call

STAND_BY = "authorization.decide_on_site"


class Quoting(Protocol):
    """A decision on site, as far as it quotes what was shown and who stands by."""

    task_id: str
    revision: int
    content_hash: bytes

    @property
    def second_person(self) -> SecondPerson:
        """Returns who decides."""


def approve(call: Call, request: ApproveOnSiteRequest) -> ApproveOnSiteResponse:
    """Decides that exactly the content quoted will be executed."""

    def verdict(task: Task) -> Verdict:
        passed = deciding.require_checklist(task, request.findings)
        deciding.require_amount(call, task, request.amount if request.HasField("amount") else None)
        return Verdict(State.APPROVED, passed_items=passed)

    return ApproveOnSiteResponse(task=messages.task(_decided(call, request, verdict)))


def reject(call: Call, request: RejectOnSiteRequest) -> RejectOnSiteResponse:
    """Decides that the content will never be executed."""
    verdict = Verdict(State.REJECTED, note=request.note)
    return RejectOnSiteResponse(task=messages.task(_decided(call, request, lambda _: verdict)))


def send_back(call: Call, request: ReturnOnSiteRequest) -> ReturnOnSiteResponse:
    """Decides that the maker has to correct something first."""

    def verdict(task: Task) -> Verdict:
        names = changes.names_of(call, task)
        return Verdict(State.RETURNED, defects=anchors.resolved(names, request.defects, "defects"))

    return ReturnOnSiteResponse(task=messages.task(_decided(call, request, verdict)))


def route_to_centre(call: Call, request: RouteToCentreRequest) -> RouteToCentreResponse:
    """Has the centre decide, because nobody on site can."""
    task = _makers(call, request.task_id)
    rules.require_decidable_on_site(tasks.held(task), task.revision, task.content_hash, call.now)
    tasks.send_to_centre(call, task)
    call.record("task", task.task_id, task.state, request.purpose)
    return RouteToCentreResponse(task=messages.task(task))


def _decided(call: Call, request: Quoting, verdict: Callable[[Task], Verdict]) -> Task:
    second = second_person.verified(call, request, STAND_BY)
    task = _makers(call, request.task_id)
    by = authorities.decider(call.connection, second, task.skill)
    excluded = eligibility.parties(task)
    rules.require_four_eyes(by, excluded)
    rules.require_decidable_on_site(
        tasks.held(task), request.revision, request.content_hash, call.now
    )
    checker = Checker(
        second.staff_id,
        by.person,
        authorities.held(call, by, task, excluded),
        call.principal.device_id,
        on_site=True,
    )
    return deciding.decide_on_site(call, task, checker, verdict(task))


def _makers(call: Call, task_id: str) -> Task:
    """Returns a task of the caller's branch, which is his own, locked."""
    task = changes.lock(call, UUID(task_id), of_centre=call.principal.branch_id)
    if task is None:
        raise rules.no_task()
    rules.require_maker(task.maker_id, call.principal.id)
    return task
