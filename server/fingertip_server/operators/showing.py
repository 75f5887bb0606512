"""What operators read: one line for each thing in a list, one line for each fact of a thing."""

from collections.abc import Iterator

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from fingertip.fulfilment.v1.operation_pb2 import BankOperation, OperationDifference
from fingertip.fulfilment.v1.work_item_pb2 import WorkItem


def item_line(item: WorkItem) -> str:
    """Returns an item of a list."""
    state = WorkItem.State.Name(item.state).removeprefix("STATE_")
    words = [item.work_item_id, state, item.kind, item.branch_id, f"{item.attempts}x"]
    asked = f"give-up asked by {item.give_up_by}" if item.give_up_by else ""
    return "  ".join(word for word in (*words, item.failure_code, asked) if word)


def difference_line(difference: OperationDifference) -> str:
    """Returns a difference of a list."""
    state = OperationDifference.State.Name(difference.state).removeprefix("STATE_")
    kind = OperationDifference.Kind.Name(difference.kind).removeprefix("KIND_")
    here = WorkItem.State.Name(difference.item_state).removeprefix("STATE_")
    words = [difference.difference_id, state, kind, difference.operation_id]
    if difference.work_item_id:
        words += [f"here {here}", difference.branch_id]
    return "  ".join((*words, *difference.core_references))


def operation_line(operation: BankOperation) -> str:
    """Returns a booking of the bank's."""
    booked = operation.book_time.ToJsonString()
    words = [operation.operation_id, operation.work_kind, operation.core_reference, booked]
    return "  ".join(word for word in (*words, operation.account_number) if word)


def facts(message: Message) -> Iterator[str]:
    """Yields whatever a message says, one fact a line."""
    for field, value in message.ListFields():
        for each in value if field.is_repeated else [value]:
            if isinstance(each, Message) and not isinstance(each, Timestamp):
                yield from (f"{field.name}.{fact}" for fact in facts(each))
            else:
                yield f"{field.name}: {_text(field, each)}"


def _text(field: FieldDescriptor, value: object) -> str:
    if isinstance(value, Timestamp):
        return value.ToJsonString()
    if isinstance(value, bytes):
        return value.hex()
    if field.enum_type is not None and isinstance(value, int):
        return field.enum_type.values_by_number[value].name
    return str(value)
