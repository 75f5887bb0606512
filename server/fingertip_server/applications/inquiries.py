"""What an application asks of the bank before somebody decides about it: a credit report.

The report itself stays with the bank; here is kept that it was asked for, by which consent, when,
and under which reference it is found. No consent, no question: it is looked for when the question
is put, and once more before it is handed to the adapter.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from uuid import UUID, uuid4

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip.fulfilment.v1.work_item_pb2 import CreditReportOrder, WorkOrder, WorkResult
from fingertip_server import errors
from fingertip_server.applications import changes, customers, filling, rules, store
from fingertip_server.applications.faults import Fault, FaultKind
from fingertip_server.applications.store import Evidence
from fingertip_server.applications.tables import Application, ApplicationInquiry
from fingertip_server.customer import consents
from fingertip_server.fulfilment.hooks import Completion, Item
from fingertip_server.packs.schema_forms import Form, InquiryRule
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.drafts import WorkItemDraft

SUBJECT = "application"
CREDIT_REPORT_WORK = "credit.query_report"
CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN"
APPLICATION_ENDED = "APPLICATION_ENDED"

ASKED = "ASKED"
ANSWERED = "ANSWERED"
UNAVAILABLE = "UNAVAILABLE"


def start(call: Call, application: Application, kind: str) -> None:
    """Puts a question that the form of a locked application asks for.

    Raises FIELD_UNKNOWN, CONSENT_MISSING, and INQUIRY_RUNNING until the bank has answered.
    """
    rule = _rule(filling.form_of(call, application), kind)
    if rule is None:
        raise rules.field_unknown(kind, "inquiry_kind")
    given = consents.given(
        call,
        application.customer_id,
        rule.consent,
        application.application_id,
        call.bank.policies.duration("applications.consent_validity"),
    )
    if given is None:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_CONSENT_MISSING,
            "The customer has not consented to this.",
            purpose=rule.consent,
        )
    last = _last(store.inquiries(call.session, application.application_id), kind)
    if last is not None and last.state == ASKED:
        raise running()
    row = ApplicationInquiry(
        inquiry_id=uuid4(),
        application_id=application.application_id,
        kind=kind,
        state=ASKED,
        consent_id=given.consent_id,
        consent_agreement=given.agreement,
        consent_time=given.record_time,
        asked_by=call.principal.id,
        ask_time=call.now,
        reference="",
    )
    call.session.add(row)
    applicant = customers.applicant(call, application.customer_id)
    order = CreditReportOrder(
        customer_number=applicant.customer_number,
        purpose=rule.consent,
        consent_id=str(given.consent_id),
        consent_text=given.agreement,
    )
    order.consent_time.FromDatetime(given.record_time)
    call.enqueue(
        WorkItemDraft(
            kind=CREDIT_REPORT_WORK,
            subject_kind=SUBJECT,
            subject_id=str(application.application_id),
            order=WorkOrder(credit_report=order),
            branch_id=application.branch_id,
            operation_id=row.inquiry_id,
            deadline=call.now + call.bank.policies.duration("applications.inquiry_patience"),
        )
    )


def running() -> errors.InvalidState:
    """Returns the refusal for a question that was put already."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_INQUIRY_RUNNING, "The bank was asked and has not answered."
    )


def faults(call: Call, application: Application, evidence: Evidence) -> Iterator[Fault]:
    """Finds what the form asks of the bank and the bank has not answered, or not lately."""
    validity = call.bank.policies.duration("applications.inquiry_validity")
    for rule in filling.form_of(call, application).inquiries:
        last = _last(evidence.inquiries, rule.kind)
        answered = last.answer_time if last is not None and last.state == ANSWERED else None
        state = last.state if last is not None else ""
        fault = fault_of(rule, state, answered, call.now - validity)
        if fault is not None:
            yield fault


def fault_of(
    rule: InquiryRule, state: str, answered: datetime | None, not_before: datetime
) -> Fault | None:
    """Returns what is wrong with the last inquiry of a kind; "" stands for none at all."""
    subject = f"inquiry.{rule.kind}"
    if state == ASKED:
        return Fault(subject, FaultKind.PENDING, f"{rule.label}尚未返回，请稍候。")
    if answered is None:
        note = f"尚未取得{rule.label}，请先取得客户授权再查询。"
        return Fault(subject, FaultKind.MISSING, note)
    if answered < not_before:
        return Fault(subject, FaultKind.EXPIRED, f"{rule.label}已过有效期，请重新查询。")
    return None


def answered(rows: Sequence[ApplicationInquiry]) -> list[ApplicationInquiry]:
    """Returns the last answer of each kind, by kind."""
    last = {row.kind: row for row in rows if row.state == ANSWERED}
    return [last[kind] for kind in sorted(last)]


def used_consents(rows: Sequence[ApplicationInquiry]) -> list[UUID]:
    """Returns the consents by which the bank was asked: they are kept as long as the question."""
    return [row.consent_id for row in rows]


def _done(call: Call, item: Item, result: WorkResult) -> None:
    application, row = _asked(call, item)
    if application is None or row is None:
        return
    row.state = ANSWERED
    row.reference = result.credit_report.report_reference
    row.answer_time = call.now
    changes.changed(call, application)


def _failed(call: Call, item: Item, failure_code: str) -> None:  # noqa: ARG001 - the hook's
    application, row = _asked(call, item)
    if application is None or row is None:
        return
    row.state = UNAVAILABLE
    changes.changed(call, application)


def _bar(call: Call, item: Item) -> str:
    """Asks nothing about a customer whose application is over: there is no purpose any more."""
    application = store.find(call, UUID(item.subject_id))
    if application is None or application.state not in rules.EDITABLE:
        return APPLICATION_ENDED
    consent_id = UUID(item.order.credit_report.consent_id)
    return "" if consents.holds(call, consent_id) else CONSENT_WITHDRAWN


def _asked(call: Call, item: Item) -> tuple[Application | None, ApplicationInquiry | None]:
    """Returns the application, locked, and the question, as long as it is open."""
    application = store.lock(call, UUID(item.subject_id))
    row = call.session.get(ApplicationInquiry, item.operation_id)
    return application, row if row is not None and row.state == ASKED else None


def _last(rows: Sequence[ApplicationInquiry], kind: str) -> ApplicationInquiry | None:
    return next((row for row in reversed(rows) if row.kind == kind), None)


def _rule(form: Form, kind: str) -> InquiryRule | None:
    return next((rule for rule in form.inquiries if rule.kind == kind), None)


COMPLETIONS: Mapping[str, Completion] = MappingProxyType(
    {
        CREDIT_REPORT_WORK: Completion(
            expected_result="credit_report", done=_done, failed=_failed, bar=_bar
        )
    }
)
