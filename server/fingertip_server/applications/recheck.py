"""Whether what was approved may still be executed, asked each time before the bank is."""

from collections.abc import Callable, Mapping

from fingertip_server.applications import bindings, screenings, standing
from fingertip_server.applications.rules import EXECUTABLE
from fingertip_server.applications.tables import Application
from fingertip_server.fulfilment.hooks import GIVEN_UP, Item
from fingertip_server.rpc.call import Call
from fingertip_server.screening.values import Stage

APPROVAL_VOID = "APPROVAL_VOID"
_SCREENING_HIT = "SCREENING_HIT"
VOUCHER_VOID = "VOUCHER_VOID"

# What the teller reads for each code.
_NOTES: Mapping[str, str] = {
    APPROVAL_VOID: "授权与现有内容不符，未予办理。",
    VOUCHER_VOID: "所配凭证已作废，未予办理，请另配一张后重新提交。",
    standing.LIMIT_CODE: "客户的同类账户已达上限，未予办理。",
    standing.RESTRICTED_CODE: "客户被采取限制措施，未予办理。请查看理由和申诉渠道并告知客户。",
    _SCREENING_HIT: screenings.NOTE,
    GIVEN_UP: "经两名运营人员确认，核心系统未予办理，已终止。",
}


def reason(call: Call, application: Application, item: Item) -> str:
    """Returns the code of the first thing that stands against the execution; "" when nothing does.

    Nothing is locked but the voucher: what comes up a moment later is for the reversal.
    """
    found = (check(call, application, item) for check in _CHECKS)
    return next((code for code in found if code), "")


def note(code: str) -> str:
    """Returns what the teller reads when nothing was executed for this reason; "" for others."""
    return _NOTES.get(code, "")


def _approval(_call: Call, application: Application, item: Item) -> str:
    """Holds an approval to the content and the state in which it was given."""
    is_same = item.order.application.content_hash == application.content_hash
    return "" if is_same and application.state in EXECUTABLE else APPROVAL_VOID


def _screening(call: Call, application: Application, _item: Item) -> str:
    """Looks once more for the persons on the lists, which may have grown meanwhile."""
    return _SCREENING_HIT if screenings.hinders(call, Stage.EXECUTION, application) else ""


def _voucher(call: Call, application: Application, _item: Item) -> str:
    """Holds the voucher fast, unless it was spoiled or lost since it was approved."""
    return "" if bindings.commit(call, application) else VOUCHER_VOID


_CHECKS: tuple[Callable[[Call, Application, Item], str], ...] = (
    _approval,
    standing.bar,
    _screening,
    # The last: nothing that comes after it may stand against the execution.
    _voucher,
)
