"""Tells compliance of a hit, apart from those who must not learn of it."""

from collections.abc import Callable, Mapping
from uuid import UUID

from fingertip_server.packs.bank import Bank
from fingertip_server.packs.schema_bank import BranchKind
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.drafts import Audience
from fingertip_server.screening import messages, store

TELL = "screening.tell"
COMPLIANCE = Audience(permission="screening.review")


def head_offices(bank: Bank) -> list[str]:
    """Returns where compliance sits."""
    return [unit.code for unit in bank.pack.branches if unit.kind is BranchKind.HEAD_OFFICE]


def tell(call: Call, screening_id: str) -> None:
    """Announces a hit at the head office; one that was open already is announced once."""
    found = store.find(call.session, UUID(screening_id))
    offices = head_offices(call.bank)
    if found is None or not offices:
        return
    call.home = offices[0]
    call.publish(messages.hit(found), COMPLIANCE)


TIMERS: Mapping[str, Callable[[Call, str], None]] = {TELL: tell}
