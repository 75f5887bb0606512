"""The methods of AuthorizationService."""

import hashlib
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.duration_pb2 import Duration

from fingertip.authorization.v1.authorization_service_pb2 import (
    ApproveTaskRequest,
    ApproveTaskResponse,
    ClaimNextTaskRequest,
    ClaimNextTaskResponse,
    EscalateTaskRequest,
    EscalateTaskResponse,
    GetCentreLoadRequest,
    GetCentreLoadResponse,
    GetQueuePositionRequest,
    GetQueuePositionResponse,
    GetTaskRequest,
    GetTaskResponse,
    ListTaskMessagesRequest,
    ListTaskMessagesResponse,
    ListTasksRequest,
    ListTasksResponse,
    PostTaskMessageRequest,
    PostTaskMessageResponse,
    ReassignTaskRequest,
    ReassignTaskResponse,
    RejectTaskRequest,
    RejectTaskResponse,
    ReleaseTaskRequest,
    ReleaseTaskResponse,
    RenewClaimRequest,
    RenewClaimResponse,
    RequestSupplementRequest,
    RequestSupplementResponse,
    ReturnTaskRequest,
    ReturnTaskResponse,
    SupplyEvidenceRequest,
    SupplyEvidenceResponse,
)
from fingertip.authorization.v1.task_pb2 import Task as TaskMessage
from fingertip_server.authorization import (
    amounts,
    anchors,
    authorities,
    changes,
    claiming,
    conversation,
    deciding,
    differences,
    eligibility,
    load,
    messages,
    on_site,
    rules,
    store,
    supplements,
    tasks,
)
from fingertip_server.authorization.conversation import Words
from fingertip_server.authorization.deciding import Checker, Verdict
from fingertip_server.authorization.rules import Quote, State
from fingertip_server.authorization.tables import Task
from fingertip_server.identity import directory, second_person
from fingertip_server.rpc import paging
from fingertip_server.rpc.call import Call

# A claim is renewed after a third of its lease, so that one lost message costs nothing.
_RENEWALS_PER_LEASE = 3

_Decision = ApproveTaskRequest | RejectTaskRequest | ReturnTaskRequest | RequestSupplementRequest


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
    rules.require_no_break(on_break=eligibility.is_on_break(call))
    held, offered = store.at_hand(call, principal.id)
    if held is not None:
        raise rules.claim_held(str(held))
    deciders = authorities.by_skill(call.connection, principal, principal.skills)
    lanes = claiming.lanes(deciders)
    task = claiming.claim_offered(call, offered, principal.branch_id, lanes) if offered else None
    task = task or claiming.claim(call, principal.branch_id, lanes)
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
    """Extends the caller's lease; who is off shift holds nothing for longer than he had it."""
    rules.require_shift(on_shift=eligibility.is_on_shift(call))
    task = store.renew(call, UUID(request.task_id), request.fence)
    if task is None:
        raise rules.lease_lost(_own_centres(call, request.task_id).fence)
    call.journey_id = task.journey_id
    return RenewClaimResponse(task=messages.task(task))


def release_task(call: Call, request: ReleaseTaskRequest) -> ReleaseTaskResponse:
    """Ends the caller's lease without a decision."""
    task = _claimed(call, request)
    changes.settle(call, task)
    call.record("task", task.task_id, task.state, request.purpose)
    return ReleaseTaskResponse(task=messages.task(task))


def get_queue_position(call: Call, request: GetQueuePositionRequest) -> GetQueuePositionResponse:
    """Tells where a task of the caller's branch stands."""
    task = store.find(call, UUID(request.task_id))
    if task is None or task.branch_id != call.principal.branch_id:
        raise rules.no_task()
    call.journey_id = task.journey_id
    return GetQueuePositionResponse(position=load.position(call, task))


def get_centre_load(call: Call, request: GetCentreLoadRequest) -> GetCentreLoadResponse:
    """Tells how much the caller's centre has to do."""
    return GetCentreLoadResponse(load=load.of_centre(call, call.principal.branch_id))


def reassign_task(call: Call, request: ReassignTaskRequest) -> ReassignTaskResponse:
    """Takes a task from whoever has it, and gives it to somebody else or to all."""
    task = _locked(call, request.task_id)
    rules.require_outsider(call.principal.person_id, task.maker_person_id)
    rules.require_reassignable(State(task.state))
    if request.to_staff_id:
        eligibility.require_eligible(call, task, request.to_staff_id)
        changes.give_up(call, task, State.QUEUED, to_staff_id=request.to_staff_id)
    else:
        changes.settle(call, task)
    call.record("task", task.task_id, task.state, request.purpose)
    return ReassignTaskResponse(task=messages.task(task))


def get_task(call: Call, request: GetTaskRequest) -> GetTaskResponse:
    """Shows a task, and to who decides about it now what will be executed."""
    task = _own_centres(call, request.task_id)
    call.journey_id = task.journey_id
    call.record("task", task.task_id)
    previous = task.previous_task_id
    content = b""
    sees = tasks.sees_content(call, task)
    if sees:
        owner = changes.decisions_of(call, task)
        content = owner.content(call, task.subject_id, task.revision)
        if hashlib.sha256(content).digest() != task.content_hash:
            raise rules.content_changed(task.revision, task.content_hash)
    amount = amounts.of_task(call, task) if sees else None
    return GetTaskResponse(
        task=messages.task(task),
        content=content,
        amount=None if amount is None else amounts.to_message(amount, _currency(call)),
        escalation_note=task.escalation_note,
        checklist=messages.checklist(task),
        steps=[messages.step(decision) for decision in store.steps(call, task)],
        previous_defects=messages.defects(store.defects(call, previous) if previous else ()),
        supplement_items=messages.supplement_items(store.supplement(call, task.task_id)),
        differences=differences.of(call, task, whole=sees),
    )


def approve_task(call: Call, request: ApproveTaskRequest) -> ApproveTaskResponse:
    """Decides that exactly the content quoted will be executed, if nobody else has to say so."""
    task, checker = _decidable(call, request)
    passed = deciding.require_checklist(task, request.findings)
    deciding.require_amount(call, task, request.amount if request.HasField("amount") else None)
    verdict = Verdict(State.APPROVED, passed_items=passed)
    decided = deciding.decide(call, task, checker, verdict)
    return ApproveTaskResponse(task=messages.task(decided))


def reject_task(call: Call, request: RejectTaskRequest) -> RejectTaskResponse:
    """Decides that the content will never be executed."""
    task, checker = _decidable(call, request)
    decided = deciding.decide(call, task, checker, Verdict(State.REJECTED, note=request.note))
    return RejectTaskResponse(task=messages.task(decided))


def return_task(call: Call, request: ReturnTaskRequest) -> ReturnTaskResponse:
    """Decides that the maker has to correct something first."""
    task, checker = _decidable(call, request)
    defects = anchors.resolved(changes.names_of(call, task), request.defects, "defects")
    decided = deciding.decide(call, task, checker, Verdict(State.RETURNED, defects=defects))
    return ReturnTaskResponse(task=messages.task(decided))


def escalate_task(call: Call, request: EscalateTaskRequest) -> EscalateTaskResponse:
    """Hands the caller's task up to who has a higher level."""
    task = _claimed(call, request)
    highest = directory.highest_level(call.connection, task.centre_id)
    rules.require_higher_level(task.level, highest)
    task.level += 1
    task.escalation_note = request.purpose
    changes.settle(call, task)
    call.record("task", task.task_id, task.state, request.purpose)
    return EscalateTaskResponse(task=messages.task(task))


# On site everything is about a second person, who proves himself before the transaction.
approve_on_site = on_site.approve
reject_on_site = on_site.reject
return_on_site = on_site.send_back
route_to_centre = on_site.route_to_centre
prepare_approve_on_site = prepare_reject_on_site = prepare_return_on_site = second_person.prepare
replay_approve_on_site = replay_reject_on_site = replay_return_on_site = second_person.replay
refuse_approve_on_site = refuse_reject_on_site = refuse_return_on_site = second_person.refuse


def _currency(call: Call) -> str:
    return call.bank.pack.bank.currency


def request_supplement(call: Call, request: RequestSupplementRequest) -> RequestSupplementResponse:
    """Ends the caller's claim until the maker has supplied more evidence."""
    task, _ = _decidable(call, request)
    names = supplements.names_of(call, task)
    supplements.request(call, task, anchors.resolved(names, request.items, "items"), names)
    call.record("task", task.task_id, task.state)
    return RequestSupplementResponse(task=messages.task(task))


def supply_evidence(call: Call, request: SupplyEvidenceRequest) -> SupplyEvidenceResponse:
    """Has somebody decide about the content with what its maker uploaded since."""
    task = supplements.lock_for_maker(call, request.task_id)
    supplements.supply(call, task, request.etag, Words(request.text, "", request.message_id))
    call.record("task", task.task_id, task.state)
    return SupplyEvidenceResponse(task=messages.task(task))


def post_task_message(call: Call, request: PostTaskMessageRequest) -> PostTaskMessageResponse:
    """Says something to the other side."""
    task, side = conversation.lock_for_speaker(call, request.task_id, request.fence)
    words = Words(request.text, request.picture_kind)
    message = conversation.post(call, task, side, words)
    call.record("task", task.task_id, task.state)
    return PostTaskMessageResponse(message_id=message.message_id, number=message.number)


def list_task_messages(call: Call, request: ListTaskMessagesRequest) -> ListTaskMessagesResponse:
    """Lists what was said about what a task of the caller's centre or branch is about."""
    task = store.find(call, UUID(request.task_id))
    if task is None or call.principal.branch_id not in {task.centre_id, task.branch_id}:
        raise rules.no_task()
    call.journey_id = task.journey_id
    page = paging.open_page(call, request)
    found = conversation.read(call, task, int(page.after[0]) if page.after else 0, page.size)
    call.record("task", task.task_id)
    token = ""
    if len(found) == page.size:
        token = paging.next_token(call, request, (str(found[-1].number),))
    return ListTaskMessagesResponse(messages=found, next_page_token=token)


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


def _claimed(call: Call, request: ReleaseTaskRequest | EscalateTaskRequest) -> Task:
    """Returns the task locked whose claim the caller holds."""
    task = _locked(call, request.task_id)
    is_holder = rules.holds(tasks.held(task), call.principal.id, call.now)
    if not is_holder or request.fence != task.fence:
        raise rules.lease_lost(task.fence)
    return task


def _decidable(call: Call, request: _Decision) -> tuple[Task, Checker]:
    """Returns the task locked, and the caller, when he may decide now. Four eyes come first."""
    task = _locked(call, request.task_id)
    by = authorities.decider(call.connection, call.principal, task.skill)
    excluded = eligibility.parties(task)
    rules.require_four_eyes(by, excluded)
    rules.require_shift(on_shift=eligibility.is_on_shift(call))
    quote = Quote(call.principal.id, request.fence, request.revision, request.content_hash)
    rules.require_decidable(tasks.held(task), quote, call.now)
    conversation.require_seen(call, task, request.messages_seen)
    authority = authorities.held(call, by, task, excluded)
    return task, Checker(call.principal.id, by.person, authority, call.principal.device_id)
