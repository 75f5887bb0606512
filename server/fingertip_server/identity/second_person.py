"""The second person: another member of staff proves at the caller's device that he stands by.

A method whose request has a field `second_person` uses three of these as its phases, as they are,
and asks in its handler for who that is:

    prepare_spoil_voucher = second_person.prepare
    replay_spoil_voucher = second_person.replay
    refuse_spoil_voucher = second_person.refuse
"""

from typing import Protocol, TypeVar

from google.protobuf.message import Message

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip.identity.v1.second_person_pb2 import SecondPerson
from fingertip_server import errors
from fingertip_server.identity import accounts, attempts, directory, rules
from fingertip_server.identity.directory import StaffRow
from fingertip_server.identity.rules import Attempt
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.phases import Outside

_OF_THE_FACTOR = frozenset(
    {ErrorReason.ERROR_REASON_WRONG_CREDENTIALS, ErrorReason.ERROR_REASON_LOCKED_OUT}
)
Answer = TypeVar("Answer", bound=Message)


class WithSecondPerson(Protocol):
    """A request that a second person stands by."""

    @property
    def second_person(self) -> SecondPerson:
        """Returns who that says he is."""


async def prepare(outside: Outside, request: WithSecondPerson) -> Attempt:
    """Counts the second person's attempt and checks his password, as signing in does."""
    second = request.second_person
    return await attempts.take(outside, second.staff_number, second.password)


def verified(call: Call, request: WithSecondPerson, permission: str) -> StaffRow:
    """Returns who stands by: another person, of the caller's branch, on shift, who may do this.

    Raises WRONG_CREDENTIALS and LOCKED_OUT like signing in, and to him who knows the password
    FOUR_EYES, OTHER_BRANCH, PERMISSION_MISSING and NOT_ON_SHIFT. His account stays locked until the
    end of the transaction: whoever suspends it comes before or after.
    """
    account = attempts.opened(call, request.second_person.staff_number)
    second = directory.staff(call.connection, account.staff_id)
    if second is None:
        raise rules.staff_not_found()
    rules.require_second_person(
        second_person_id=second.person_id,
        second_branch_id=second.branch_id,
        second_permissions=call.bank.permissions(second.roles),
        caller_person_id=call.principal.person_id,
        caller_branch_id=call.principal.branch_id,
        permission=permission,
    )
    if not second.on_shift:
        raise rules.not_on_shift()
    call.stood_by(second.staff_id, second.display_name)
    return second


def replay(call: Call, request: WithSecondPerson, stored: Answer) -> Answer:
    """Gives the former answer once the password is right again: it tells nobody whether it is."""
    account = attempts.opened(call, request.second_person.staff_number)
    call.record("staff", account.staff_id, "STOOD_BY_AGAIN")
    return stored


def refuse(call: Call, request: WithSecondPerson, error: errors.DomainError) -> None:
    """Keeps what a refused call leaves: a failed attempt, or after a right one none.

    What the password was refused for stands on the `security` chain, everything else on the home
    chain of the caller.
    """
    number = request.second_person.staff_number
    if error.reason in _OF_THE_FACTOR or not attempts.of_call(call).matches:
        attempts.failed(call, number)
        return
    call.home = call.principal.branch_id
    account = accounts.lock(call.connection, number)
    if account is not None and account.locked_until is None:
        attempts.forgive(call, account)
        call.record("staff", account.staff_id)
