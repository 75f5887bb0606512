"""What the bank's execution makes of an approved application."""

from decimal import Decimal
from uuid import UUID

from fingertip.applications.v1.content_pb2 import ApplicationContent, SignedForm
from fingertip.fulfilment.v1.work_item_pb2 import WorkResult
from fingertip_server.applications import (
    bindings,
    changes,
    filling,
    receipts,
    recheck,
    rules,
    store,
)
from fingertip_server.applications.rules import State, Step
from fingertip_server.applications.tables import Application
from fingertip_server.customer import accounts
from fingertip_server.fulfilment.hooks import Booked, Completion, Item
from fingertip_server.rpc.call import Call

_UNKNOWN_NOTE = "银行系统结果不明，正在查询，请勿重复办理。"
# What the bank did is believed whatever the stock says.
_ISSUED_NOTE = "已办理，但所配凭证的登记不符，请核对库存。"
_PARKED_NOTE = "银行系统未能办理，已转运营人员处理。"


def _done(call: Call, item: Item, result: WorkResult) -> None:
    application = _lock(call, item)
    executed = result.executed_application
    rules.require_unchanged(item.order.application.content_hash, executed.content_hash)
    changes.step(application, Step.EXECUTE)
    if executed.account_number:
        application.account_number = call.protection.seal(
            Application.account_number, application.application_id, executed.account_number
        )
        accounts.keep(call, application.application_id, executed.account_number)
    application.core_reference = executed.core_reference
    application.execute_time = call.now
    if not bindings.issue(call, application, executed.account_number):
        application.state_note = _ISSUED_NOTE
    receipts.issue(call, application)
    changes.changed(call, application)


def _failed(call: Call, item: Item, failure_code: str) -> None:
    application = _lock(call, item)
    if failure_code == recheck.VOUCHER_VOID and application.state == State.APPROVED:
        changes.step(application, Step.RECALL, recheck.note(failure_code))
        changes.changed(call, application)
        return
    note = recheck.note(failure_code) or f"银行系统拒绝办理（{failure_code}）。"
    changes.fail(call, application, note)


def _unknown(call: Call, item: Item) -> None:
    application = _lock(call, item)
    changes.step(application, Step.LOSE_SIGHT, _UNKNOWN_NOTE)
    changes.changed(call, application)


def _parked(call: Call, item: Item) -> None:
    application = _lock(call, item)
    changes.step(application, Step.FAIL, _PARKED_NOTE)
    changes.changed(call, application)


def _booked(call: Call, item: Item) -> Booked:
    application = store.find(call, UUID(item.subject_id))
    if application is None:
        raise rules.no_application()
    order = item.order.application
    content = ApplicationContent.FromString(order.content)
    return Booked(
        content_hash=order.content_hash,
        customer_number=content.customer_number,
        core_reference=application.core_reference,
        account_number=filling.account_number(call, application),
        amount=_amount(call, content),
    )


def _amount(call: Call, content: ApplicationContent) -> tuple[str, Decimal] | None:
    """Returns what was approved to be moved or granted, where the scene says so."""
    signed = SignedForm.FromString(content.signed_form)
    field = call.bank.booked_amount_field(signed.form_code, signed.form_version)
    given = next((each.value for each in signed.answers if each.field_key == field), "")
    return (call.bank.pack.bank.currency, Decimal(given)) if given else None


def _bar(call: Call, item: Item) -> str:
    application = store.find(call, UUID(item.subject_id))
    if application is None:
        raise rules.no_application()
    return recheck.reason(call, application, item)


def _lock(call: Call, item: Item) -> Application:
    application = store.lock(call, UUID(item.subject_id))
    if application is None:
        raise rules.no_application()
    return application


EXECUTION = Completion(
    expected_result="executed_application",
    done=_done,
    failed=_failed,
    unknown=_unknown,
    parked=_parked,
    bar=_bar,
    booked=_booked,
)
