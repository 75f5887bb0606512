"""What operators read: one line for each thing in a list, one line for each fact of a thing."""

from collections.abc import Iterator

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from fingertip.fulfilment.v1.work_item_pb2 import WorkItem


def item_line(item: WorkItem) -> str:
    """Returns an item of a list."""
    state = WorkItem.State.Name(item.state).removeprefix("STATE_")
    words = [item.work_item_id, state, item.kind, item.branch_id, f"{item.attempts}x"]
    asked = f"give-up asked by {item.give_up_by}" if item.give_up_by else ""
    return "  ".join(word for word in (*words, item.failure_code, asked) if word)


def facts(message: Message) -> Iterator[str]:
    """Yields whatever a message says, one fact a line."""
    for field, value in message.ListFields():
        if field.is_repeated:
            for each in value:
                yield from (f"{field.name}.{fact}" for fact in facts(each))
        elif isinstance(value, Timestamp):
            yield f"{field.name}: {value.ToJsonString()}"
        elif field.message_type is not None:
            yield from (f"{field.name}.{fact}" for fact in facts(value))
        elif field.enum_type is not None:
            yield f"{field.name}: {field.enum_type.values_by_number[value].name}"
        else:
            yield f"{field.name}: {value.hex() if isinstance(value, bytes) else value}"
