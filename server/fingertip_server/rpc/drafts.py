"""What a handler says happened, before the pipeline appends it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fingertip.applications.v1.application_pb2 import Application
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.customer.v1.customer_view_pb2 import CustomerSectionChanged
from fingertip.customer.v1.restriction_pb2 import CustomerChanged
from fingertip.fulfilment.v1.operation_pb2 import OperationDifference
from fingertip.fulfilment.v1.work_item_pb2 import WorkItem, WorkOrder
from fingertip.lobby.v1.arrival_pb2 import Arrival
from fingertip.lobby.v1.ticket_pb2 import Ticket
from fingertip.screening.v1.screening_hit_pb2 import ScreeningHit
from fingertip.vouchers.v1.stock_pb2 import Stock

Resource = (
    Ticket
    | Arrival
    | CustomerSectionChanged
    | CustomerChanged
    | Application
    | Task
    | WorkItem
    | ScreeningHit
    | OperationDifference
    | Stock
)

# How each resource is called in fingertip.events.v1.Event.resource.
RESOURCE_FIELDS: dict[type[Resource], str] = {
    Ticket: "ticket",
    Arrival: "arrival",
    CustomerSectionChanged: "customer_section_changed",
    CustomerChanged: "customer_changed",
    Application: "application",
    Task: "task",
    WorkItem: "work_item",
    ScreeningHit: "screening_hit",
    OperationDifference: "difference",
    Stock: "stock",
}


@dataclass(frozen=True, slots=True)
class Audience:
    """Which watchers of a topic see an event.

    Those who hold the permission and the skill, where given, and are on shift, where asked; and
    whatever they hold, those whose staff number is listed. An empty audience is everybody.
    """

    permission: str = ""
    skill: str = ""
    staff: tuple[str, ...] = ()
    on_shift: bool = False


EVERYBODY = Audience()


@dataclass(frozen=True, slots=True)
class Announced:
    """A resource as watchers are to see it, and which of them."""

    resource: Resource
    audience: Audience = EVERYBODY


@dataclass(frozen=True, slots=True)
class Announcement:
    """An event to be appended to the feed of a topic."""

    topic: str
    kind: str
    payload: bytes
    audience: Audience


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the audit entry of a call is about."""

    object_kind: str
    object_id: str
    state: str
    purpose: str


@dataclass(frozen=True, slots=True)
class WorkItemDraft:
    """Work for an adapter.

    `operation_id` is what the bank gets as idempotency key. `dedupe_key`, where given, admits one
    open item of the kind: another draft with it changes nothing. `deadline` ends an item without
    effect that nobody answered.
    """

    kind: str
    subject_kind: str
    subject_id: str
    order: WorkOrder
    branch_id: str
    operation_id: UUID
    has_effect: bool = False
    deadline: datetime | None = None
    dedupe_key: str = ""
