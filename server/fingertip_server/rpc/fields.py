"""What may be missing in a row, as a field of a message."""

from datetime import datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp


def text(value: UUID | None) -> str:
    """Returns an id; "" for none."""
    return "" if value is None else str(value)


def instant(value: datetime | None) -> Timestamp | None:
    """Returns a time; for none nothing, which leaves the field unset."""
    if value is None:
        return None
    moment = Timestamp()
    moment.FromDatetime(value)
    return moment
