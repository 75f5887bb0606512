"""The branch manager's tablet: keeps the vault and hands a teller blank cards, who confirms it."""

import time

from fingertip.identity.v1.second_person_pb2 import SecondPerson
from fingertip.vouchers.v1.voucher_pb2 import SerialRange
from fingertip.vouchers.v1.vouchers_service_pb2 import (
    GetStockRequest,
    HandOverStockRequest,
    ReceiveStockRequest,
)
from fingertip_client.request_ids import new_request_id
from fingertip_server.demo import cards, party
from fingertip_server.demo.party import Party

_CARDS = 5


async def hand_out(keeper: Party) -> None:
    """Gives the teller whom the narrator names new cards, where he has none left."""
    keeper.ready("到岗，保管金库")
    teller = await keeper.cues.get()
    vouchers = keeper.caller.vouchers
    left = cards.free(await vouchers.GetStock(GetStockRequest(holder_id=teller, page_size=200)))
    if not left:
        brought = _brought()
        # He types his own password at the manager's tablet.
        second = SecondPerson(staff_number=teller, password=keeper.password)
        await keeper.reporter.timed(
            "空白卡入库",
            vouchers.ReceiveStock(
                ReceiveStockRequest(
                    request_id=new_request_id(), ranges=[brought], second_person=second
                )
            ),
            lambda _: f"{brought.first_serial} 至 {brought.last_serial}，双人清点",
        )
        await keeper.reporter.timed(
            "空白卡领用",
            vouchers.HandOverStock(
                HandOverStockRequest(
                    request_id=new_request_id(), ranges=[brought], second_person=second
                )
            ),
            lambda response: f"柜员 {response.stock.holder_id} 本人确认",
        )
    number = len(left) or _CARDS
    keeper.reporter.tell_fact(f"柜员有空白卡 {number} 张", "cards", str(number))


def _brought() -> SerialRange:
    """Returns the cards that the head office sent: every second it could send others."""
    first = int(time.time()) // _CARDS * _CARDS % 10**8
    return SerialRange(
        voucher_type=cards.CARD,
        first_serial=f"JK{first:08d}",
        last_serial=f"JK{first + _CARDS - 1:08d}",
    )


if __name__ == "__main__":
    party.play("manager-tablet", "网点主任", hand_out)
