"""What customers are asked for that lies above them. Filled in where the server is put together."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class TicketHolder:
    """Who took a ticket, None when nobody knows, and the journey that it opened."""

    customer_id: UUID | None
    journey_id: UUID
