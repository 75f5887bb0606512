"""How the lobby takes the bank's answer to who a card or document belongs to."""

from collections.abc import Mapping
from uuid import UUID

from fingertip.fulfilment.v1.work_item_pb2 import WorkResult
from fingertip_server.fulfilment.hooks import Completion, Item
from fingertip_server.lobby import tickets
from fingertip_server.rpc.call import Call


def _resolved(call: Call, item: Item, result: WorkResult) -> None:
    number = result.resolved_customer.customer_number
    if number:
        tickets.identified(call, UUID(item.subject_id), number)


def _unresolved(_call: Call, _item: Item, _code: str) -> None:
    """Leaves the ticket as it is: anonymous, and called like any other."""


COMPLETIONS: Mapping[str, Completion] = {
    tickets.RESOLVE: Completion(
        expected_result="resolved_customer", done=_resolved, failed=_unresolved
    )
}
