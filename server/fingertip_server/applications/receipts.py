"""Issues receipts, one for each execution and one for its undoing, and counts their prints."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert

from fingertip_server.applications import filling
from fingertip_server.applications.tables import Application, Receipt, ReceiptDay, Reversal
from fingertip_server.authorization import tasks
from fingertip_server.identity import directory
from fingertip_server.rpc.call import Call

EXECUTION, REVERSAL = "EXECUTION", "REVERSAL"


@dataclass(frozen=True, slots=True)
class _Done:
    """What was done, and who answers for it."""

    kind: str
    reversal_id: UUID | None
    title: str
    core_reference: str
    content_hash: bytes
    maker_id: str
    task_id: UUID | None
    submit_time: datetime


def issue(call: Call, application: Application) -> None:
    """Issues the receipt of what was just executed of a locked application."""
    _add(
        call,
        application,
        _Done(
            kind=EXECUTION,
            reversal_id=None,
            title=filling.form_of(call, application).title,
            core_reference=application.core_reference,
            content_hash=application.content_hash or b"",
            maker_id=application.maker_id,
            task_id=application.task_id,
            submit_time=application.submit_time or call.now,
        ),
    )


def issue_of_reversal(call: Call, application: Application, reversal: Reversal) -> None:
    """Issues the receipt of what was just undone of a locked application."""
    _add(
        call,
        application,
        _Done(
            kind=REVERSAL,
            reversal_id=reversal.reversal_id,
            title=f"冲正：{filling.form_of(call, application).title}",
            core_reference=reversal.core_reference,
            content_hash=reversal.content_hash,
            maker_id=reversal.maker_id,
            task_id=reversal.task_id,
            submit_time=reversal.create_time,
        ),
    )


def find(call: Call, application_id: UUID, kind: str) -> Receipt | None:
    """Returns a receipt."""
    return call.session.scalars(of(application_id, kind)).one_or_none()


def count_print(call: Call, application_id: UUID, kind: str) -> Receipt | None:
    """Counts one more print of a receipt, which stays locked, and returns it."""
    receipt = call.session.scalars(
        of(application_id, kind).with_for_update(key_share=True)
    ).one_or_none()
    if receipt is not None:
        receipt.print_count += 1
    return receipt


def of(application_id: UUID, kind: str) -> Select[Receipt]:
    """Finds a receipt of an application."""
    return (
        select(Receipt)
        .where(Receipt.application_id == application_id, Receipt.kind == kind)
        .execution_options(populate_existing=True)
    )


def _add(call: Call, application: Application, done: _Done) -> None:
    branch = call.bank.branch(application.branch_id)
    zone = call.bank.time_zone(application.branch_id)
    business_day = call.now.astimezone(zone).date()
    approvers = tasks.approvers(call, done.task_id) if done.task_id else []
    call.session.add(
        Receipt(
            branch_id=application.branch_id,
            business_day=business_day,
            number=_next_number(call, application.branch_id, business_day),
            kind=done.kind,
            application_id=application.application_id,
            reversal_id=done.reversal_id,
            title=done.title,
            branch_name=branch.name,
            core_reference=done.core_reference,
            content_hash=done.content_hash,
            maker_id=done.maker_id,
            maker_name=_name(call, done.maker_id),
            authorisers=[[staff_id, _name(call, staff_id)] for staff_id in approvers],
            submit_time=done.submit_time,
            execute_time=call.now,
            print_count=0,
        )
    )


def _next_number(call: Call, branch_id: str, business_day: date) -> int:
    """Takes the next number of a branch's day; the day's row is locked until the commit."""
    first = insert(ReceiptDay).values(branch_id=branch_id, business_day=business_day, last_number=1)
    taken = first.on_conflict_do_update(
        index_elements=["branch_id", "business_day"],
        set_={"last_number": ReceiptDay.last_number + 1},
    )
    return call.session.execute(taken.returning(ReceiptDay.last_number)).scalar_one()


def _name(call: Call, staff_id: str) -> str:
    member = directory.staff(call.connection, staff_id)
    return member.display_name if member is not None else staff_id
