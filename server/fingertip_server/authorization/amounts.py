"""What a task is about in money: sealed in its row, in the bank's currency."""

from decimal import Decimal
from uuid import UUID

from google.type.money_pb2 import Money

from fingertip_server.authorization.tables import Task
from fingertip_server.protection.types import Sealed
from fingertip_server.rpc.call import Call

_NANOS = 10**9


def sealed(call: Call, task_id: UUID, amount: Decimal | None) -> Sealed | None:
    """Returns an amount as it is kept."""
    return None if amount is None else call.protection.seal(Task.amount, task_id, str(amount))


def of_task(call: Call, task: Task) -> Decimal | None:
    """Returns the amount of a task that has one."""
    if task.amount is None:
        return None
    return Decimal(call.protection.open(Task.amount, task.task_id, task.amount))


def of_message(amount: Money, currency: str) -> Decimal | None:
    """Returns an amount in the bank's currency; nothing for another one."""
    if amount.currency_code != currency:
        return None
    return Decimal(amount.units) + Decimal(amount.nanos) / _NANOS


def to_message(amount: Decimal, currency: str) -> Money:
    """Returns an amount as the contract shows it."""
    units = int(amount)
    return Money(currency_code=currency, units=units, nanos=int((amount - units) * _NANOS))
