"""The methods of AuthorizationService."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.duration_pb2 import Duration

from fingertip.authorization.v1.authorization_service_pb2 import (
    ApproveTaskRequest,
    ApproveTaskResponse,
    ClaimNextTaskRequest,
    ClaimNextTaskResponse,
    GetTaskRequest,
    GetTaskResponse,
    ListTasksRequest,
    ListTasksResponse,
    RejectTaskRequest,
    RejectTaskResponse,
    ReleaseTaskRequest,
    ReleaseTaskResponse,
    RenewClaimRequest,
    RenewClaimResponse,
    ReturnTaskRequest,
    ReturnTaskResponse,
)
from fingertip.authorization.v1.task_pb2 import Task as TaskMessage
from fingertip_server.authorization import (
    anchors,
    changes,
    differences,
    eligibility,
    messages,
    rules,
    store,
    tasks,
)
from fingertip_server.authorization.anchors import Anchored
from fingertip_server.authorization.rules import Parties, Person, Quote, State
from fingertip_server.authorization.tables import Task, TaskDecision
from fingertip_server.rpc import paging
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.principal import Principal

# A claim is renewed after a third of its lease, so that one lost message costs nothing.
_RENEWALS_PER_LEASE = 3

_Decision = ApproveTaskRequest | RejectTaskRequest | ReturnTaskRequest


def list_tasks(call: Call, request: ListTasksRequest) -> ListTasksResponse:
    """Lists the tasks of the caller's centre."""
    page = paging.open_page(call, request)
    after = (datetime.fromisoformat(page.after[0]), UUID(page.after[1])) if page.after else None
    states = [TaskMessage.State.Name(state).removeprefix("STATE_") for state in request.states]
    found = store.page(call, call.principal.branch_id, states, after, page.size)
    token = ""
    if len(found) == page.size:
        last = found[-1]
        key = (last.create_time.astimezone(UTC).isoformat(), str(last.task_id))
        token = paging.next_token(call, request, key)
    return ListTasksResponse(tasks=[messages.task(task) for task in found], next_page_token=token)


def claim_next_task(call: Call, request: ClaimNextTaskRequest) -> ClaimNextTaskResponse:
    """Leases the task that is due next to the caller."""
    principal = call.principal
    rules.require_shift(on_shift=eligibility.is_on_shift(call))
    held = store.held_by(call, principal.id)
    if held is not None:
        raise rules.claim_held(str(held))
    task = store.claim(call, principal.branch_id, principal.skills, _person(principal))
    if task is None:
        raise rules.no_task_waiting()
    call.journey_id = task.journey_id
    if task.lease_until is not None:
        call.start_timer(changes.LAPSE_CLAIM, f"{task.task_id}/{task.fence}", task.lease_until)
    changes.announce(call, task)
    call.record("task", task.task_id, task.state)
    renew_after = Duration()
    renew_after.FromTimedelta(task.lease_span / _RENEWALS_PER_LEASE)
    return ClaimNextTaskResponse(task=messages.task(task), renew_after=renew_after)


def renew_claim(call: Call, request: RenewClaimRequest) -> RenewClaimResponse:
    """Extends the caller's lease."""
    task = store.renew(call, UUID(request.task_id), request.fence)
    if task is None:
        raise rules.lease_lost(_own_centres(call, request.task_id).fence)
    call.journey_id = task.journey_id
    return RenewClaimResponse(task=messages.task(task))


def release_task(call: Call, request: ReleaseTaskRequest) -> ReleaseTaskResponse:
    """Ends the caller's lease without a decision."""
    task = _locked(call, request.task_id)
    is_holder = rules.holds(tasks.held(task), call.principal.id, call.now)
    if not is_holder or request.fence != task.fence:
        raise rules.lease_lost(task.fence)
    changes.settle(call, task)
    call.record("task", task.task_id, task.state, request.purpose)
    return ReleaseTaskResponse(task=messages.task(task))


def get_task(call: Call, request: GetTaskRequest) -> GetTaskResponse:
    """Shows a task, and to the holder of its claim what will be executed."""
    task = _own_centres(call, request.task_id)
    call.journey_id = task.journey_id
    call.record("task", task.task_id)
    previous = task.previous_task_id
    content = b""
    is_holder = rules.holds(tasks.held(task), call.principal.id, call.now)
    if is_holder:
        owner = changes.decisions_of(call, task)
        content = owner.content(call, task.subject_id, task.revision)
        if hashlib.sha256(content).digest() != task.content_hash:
            raise rules.content_changed(task.revision, task.content_hash)
    return GetTaskResponse(
        task=messages.task(task),
        content=content,
        checklist=messages.checklist(task),
        previous_defects=messages.defects(store.defects(call, previous) if previous else ()),
        differences=differences.of(call, task, whole=is_holder),
    )


def approve_task(call: Call, request: ApproveTaskRequest) -> ApproveTaskResponse:
    """Decides that exactly the content quoted will be executed."""
    task = _decidable(call, request)
    passed = [finding.item_id for finding in request.findings if finding.passed]
    rules.require_checklist([item_id for item_id, _, _ in task.checklist], passed)
    task = _decide(call, task, State.APPROVED, passed_items=passed)
    changes.decisions_of(call, task).approved(call, changes.subject_of(task))
    return ApproveTaskResponse(task=messages.task(task))


def reject_task(call: Call, request: RejectTaskRequest) -> RejectTaskResponse:
    """Decides that the content will never be executed."""
    task = _decide(call, _decidable(call, request), State.REJECTED, note=request.note)
    changes.decisions_of(call, task).rejected(call, changes.subject_of(task), request.note)
    return RejectTaskResponse(task=messages.task(task))


def return_task(call: Call, request: ReturnTaskRequest) -> ReturnTaskResponse:
    """Decides that the maker has to correct something first."""
    task = _decidable(call, request)
    defects = anchors.resolved(changes.names_of(call, task), request.defects, "defects")
    task = _decide(call, task, State.RETURNED, defects=defects)
    changes.decisions_of(call, task).returned(call, changes.subject_of(task), defects)
    return ReturnTaskResponse(task=messages.task(task))


def _own_centres(call: Call, task_id: str) -> Task:
    task = store.find(call, UUID(task_id))
    if task is None or task.centre_id != call.principal.branch_id:
        raise rules.no_task()
    return task


def _locked(call: Call, task_id: str) -> Task:
    task = changes.lock(call, UUID(task_id), of_centre=call.principal.branch_id)
    if task is None:
        raise rules.no_task()
    return task


def _decidable(call: Call, request: _Decision) -> Task:
    """Returns the task locked, when the caller may decide about it now. Four eyes come first."""
    task = _locked(call, request.task_id)
    rules.require_four_eyes(
        _person(call.principal), Parties(task.maker_person_id, task.customer_id)
    )
    rules.require_shift(on_shift=eligibility.is_on_shift(call))
    rules.require_decidable(tasks.held(task), _quote(call, request), call.now)
    return task


def _decide(
    call: Call,
    task: Task,
    outcome: State,
    *,
    note: str = "",
    defects: Sequence[Anchored] = (),
    passed_items: Sequence[str] = (),
) -> Task:
    person = _person(call.principal)
    decided = store.decide(
        call,
        TaskDecision(
            task_id=task.task_id,
            outcome=outcome,
            subject_kind=task.subject_kind,
            subject_id=task.subject_id,
            revision=task.revision,
            content_hash=task.content_hash,
            fence=task.fence,
            maker_person_id=task.maker_person_id,
            customer_id=task.customer_id,
            checker_id=call.principal.id,
            checker_person_id=person.person_id,
            checker_customer_id=person.customer_id,
            checker_device_id=call.principal.device_id,
            note=note,
            defects=anchors.to_stored(defects),
            passed_items=list(passed_items),
        ),
    )
    if decided is None:
        # The deadline or the lease's end passed since the task was looked at.
        raise rules.lease_lost(task.fence)
    changes.announce(call, decided)
    call.record("task", decided.task_id, decided.state)
    return decided


def _quote(call: Call, request: _Decision) -> Quote:
    return Quote(call.principal.id, request.fence, request.revision, request.content_hash)


def _person(principal: Principal) -> Person:
    if principal.person_id is None:
        raise TypeError("Only a member of staff decides.")
    return Person(principal.person_id, principal.customer_id)
