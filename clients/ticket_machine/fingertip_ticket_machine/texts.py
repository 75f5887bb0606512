"""What the machine says to customers."""

from typing import Final

from fingertip_client.refusal import Refused
from fingertip_ticket_machine.blocks import Shortage

CHOOSE: Final = "请选择业务："
NOT_OFFERED: Final = "没有这项业务，请重新选择。"
NOT_PRINTED: Final = "打印机故障，请记住您的号码。"
GOODBYE: Final = "本机停止取号。"

_DESK: Final = "请到服务台人工取号。"
_SHORTAGES: Final = {
    Shortage.NEVER_RESERVED: f"暂时联系不上服务器，本机没有备用号码，{_DESK}",
    Shortage.OTHER_DAY: f"暂时联系不上服务器，今天的备用号码还没有领到，{_DESK}",
    Shortage.USED_UP: f"暂时联系不上服务器，备用号码已经发完，{_DESK}",
}
_REFUSALS: Final = {
    "INVALID_REQUEST": "卡号或证件号码不对，请重新操作，或者直接取号。",
    "SERVICE_LINE_NOT_FOUND": "本网点不办理这项业务，请重新选择。",
    "TICKET_NUMBERS_EXHAUSTED": "今天的号码已经发完，请明天再来。",
    "NOT_SIGNED_IN": "本机没有登记或者已经停用，请联系工作人员。",
    "PERMISSION_MISSING": "本机没有取号权限，请联系工作人员。",
}


def of_shortage(shortage: Shortage) -> str:
    """Says why there is no number while the server is away."""
    return _SHORTAGES[shortage]


def of_refusal(refused: Refused) -> str:
    """Says why the server refused; a reason that came after this machine is named as it is."""
    name = refused.reason or refused.code.name
    return _REFUSALS.get(refused.reason, f"取号没有成功，请联系大堂经理（{name}）。")
