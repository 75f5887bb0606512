"""Binds an application to a voucher out of its maker's own stock, where its scene asks for one."""

from collections.abc import Iterator

from fingertip_server.applications import filling, store
from fingertip_server.applications.faults import Fault, FaultKind
from fingertip_server.applications.rules import State
from fingertip_server.applications.tables import Application
from fingertip_server.packs.schema_forms import SceneVoucher
from fingertip_server.rpc.call import Call
from fingertip_server.vouchers import bindings

# What checks and defects call it.
VOUCHER = "voucher"

_NOT_ASSIGNED = "尚未配发凭证，请从本人库存中选配。"
_NOT_KEPT = "所配凭证已不可用，请另配一张。"
_NOT_WANTED = "所配凭证与申请内容不符，请取消或另配。"
_OTHER_SERIAL = "与所配凭证的序列号不一致。"
# Nothing comes of these any more. Where the bank may still have acted, the voucher stays.
_OVER = frozenset({State.REJECTED, State.WITHDRAWN, State.EXPIRED})


def wanted(call: Call, application: Application) -> SceneVoucher | None:
    """Returns which voucher the application needs as it is filled in now; none needs none.

    Raises FORM_WITHDRAWN.
    """
    scene = call.bank.scene_of(filling.form_of(call, application))
    answers = filling.answers(call, application)
    return next((each for each in scene.vouchers if each.is_asked(answers)), None)


def assign(call: Call, application: Application, voucher_type: str, serial: str) -> None:
    """Has a locked application keep this voucher in the place of a former one."""
    if application.voucher_id is not None and application.voucher_serial == serial:
        kept = bindings.kept(call, application.voucher_id, application.application_id)
        if kept is not None and kept.voucher_type == voucher_type:
            return
    release(call, application)
    voucher = bindings.reserve(call, voucher_type, serial, application.application_id)
    application.voucher_id = voucher.voucher_id
    application.voucher_serial = voucher.serial


def release(call: Call, application: Application) -> None:
    """Gives the voucher of a locked application back to its maker's use, if it has one."""
    if application.voucher_id is not None:
        bindings.release(call, application.voucher_id, application.application_id)
        application.voucher_id = None
        application.voucher_serial = ""


def release_when_over(call: Call, application: Application) -> None:
    """Gives the voucher of an application back of which nothing comes any more."""
    if application.state in _OVER:
        release(call, application)


def issue(call: Call, application: Application, account_number: str) -> bool:
    """Makes the voucher the customer's, and says whether there was nothing against it."""
    if application.voucher_id is None:
        return True
    return bindings.issue(
        call,
        application.voucher_id,
        application.application_id,
        account_number,
        application.core_reference,
    )


def commit(call: Call, application: Application) -> bool:
    """Says whether the bank may bind the voucher, and keeps it from everybody else."""
    if application.voucher_id is None:
        return True
    return bindings.commit(call, application.voucher_id, application.application_id)


def type_of(call: Call, application: Application) -> str:
    """Returns the type of the voucher that was assigned, whatever became of it; "" without one."""
    if application.voucher_id is None:
        return ""
    return bindings.type_of(call, application.voucher_id)


def faults(call: Call, application: Application, _evidence: store.Evidence) -> Iterator[Fault]:
    """Finds what is wrong with the application's voucher."""
    needed = wanted(call, application)
    if application.voucher_id is None:
        if needed is not None:
            yield Fault(VOUCHER, FaultKind.VOUCHER_MISSING, _NOT_ASSIGNED)
        return
    kept = bindings.kept(call, application.voucher_id, application.application_id)
    if kept is None:
        yield Fault(VOUCHER, FaultKind.VOUCHER_VOID, _NOT_KEPT)
    elif needed is None or kept.voucher_type != needed.type:
        yield Fault(VOUCHER, FaultKind.VOUCHER_VOID, _NOT_WANTED)
    elif needed.serial_field:
        written = filling.answers(call, application).get(needed.serial_field, kept.serial)
        if written != kept.serial:
            yield Fault(needed.serial_field, FaultKind.VOUCHER_VOID, _OTHER_SERIAL)
