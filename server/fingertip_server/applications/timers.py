"""What happens to applications by time."""

from collections.abc import Callable, Mapping
from uuid import UUID

from fingertip_server.applications import changes, filling, inquiries, rules, store
from fingertip_server.applications.rules import State, Step
from fingertip_server.customer import consents
from fingertip_server.rpc.call import Call

EXPIRE_DRAFT = "applications.expire_draft"

_EXPIRED_NOTE = "逾期未提交，申请已失效。"


def expire_draft(call: Call, application_id: str) -> None:
    """Ends an application that its maker left lying, and erases one that was never submitted.

    Changes do not move the timer: it looks when the last one was. What was submitted once stays as
    evidence of what was decided.
    """
    application = store.lock(call, UUID(application_id))
    if application is None:
        return
    call.home = application.branch_id
    call.journey_id = application.journey_id
    retention = call.bank.policies.duration("applications.draft_retention")
    is_final = application.state in rules.FINAL
    left_lying = application.state in rules.EDITABLE and (
        application.change_time + retention <= call.now
    )
    if not is_final and not left_lying:
        start = application.change_time if application.state in rules.EDITABLE else call.now
        call.start_timer(EXPIRE_DRAFT, application_id, start + retention)
        return
    if application.revision == 0:
        store.erase_evidence(call, application.application_id)
        asked = store.inquiries(call.session, application.application_id)
        consents.forget(call, application.application_id, inquiries.used_consents(asked))
        filling.fill(call, application, {})
    elif is_final:
        return
    if not is_final:
        changes.step(application, Step.EXPIRE, _EXPIRED_NOTE)
    changes.changed(call, application)
    call.record("application", application_id, State(application.state))


TIMERS: Mapping[str, Callable[[Call, str], None]] = {EXPIRE_DRAFT: expire_draft}
