"""The facts of one call, and what its handler says happened."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast
from uuid import UUID

from google.protobuf.message import Message
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from fingertip.events.v1.event_pb2 import Event
from fingertip_server.db.hot import Hot
from fingertip_server.rpc.drafts import (
    EVERYBODY,
    RESOURCE_FIELDS,
    Announcement,
    Audience,
    Recorded,
    Resource,
    WorkItemDraft,
)
from fingertip_server.rpc.hooks import Hooks
from fingertip_server.rpc.principal import Principal

if TYPE_CHECKING:
    from fingertip_server.packs.bank import Bank
    from fingertip_server.protection import Protection

T = TypeVar("T")

SECURITY = "security"
INVALIDATED = "invalidated"
# One call has a home topic and may publish to one more: heads are locked, and few locks are fast.
_TOPICS_MAX = 2

_NOW = select(func.fingertip_now())
_START_TIMER = Hot(
    "INSERT INTO timer (kind, subject, due_at) VALUES (:kind, :subject, :due_at)"
    " ON CONFLICT ON CONSTRAINT pk_timer DO UPDATE SET due_at = excluded.due_at, attempts = 0"
)
_CANCEL_TIMER = Hot("DELETE FROM timer WHERE kind = :kind AND subject = :subject")


@dataclass(slots=True)
class Said:
    """What a handler said happened."""

    recorded: Recorded | None = None
    announcements: list[Announcement] = field(default_factory=list)
    items: list[WorkItemDraft] = field(default_factory=list)
    woken: set[str] = field(default_factory=set)
    second_person_id: str = ""
    second_person_name: str = ""


class Call:
    """One attempt to do what a caller asks, in one transaction.

    `home` is the topic and audit chain of the call: the caller's branch unless the handler says
    otherwise. `prepared` is what the method's prepare phase returned.
    """

    def __init__(  # noqa: PLR0913 - the facts of a call are many, and named here once
        self,
        *,
        principal: Principal,
        connection: Connection,
        protection: "Protection",
        bank: "Bank",
        hooks: Hooks,
        method: str,
        request: Message | None = None,
        prepared: object = None,
    ) -> None:
        self.principal = principal
        self.connection = connection
        self.protection = protection
        self.bank = bank
        self.hooks = hooks
        self.method = method
        self.request = request
        self.prepared = prepared
        self.home = principal.branch_id or "bank"
        self.journey_id: UUID | None = None
        self.said = Said()
        self._session: Session | None = None
        self._read: dict[Hashable, object] = {}

    @cached_property
    def now(self) -> datetime:
        """The database's time, asked once."""
        now: datetime = self.connection.execute(_NOW).scalar_one()
        return now

    @property
    def session(self) -> Session:
        """An ORM session on the call's connection. It is flushed before the journal is appended."""
        if self._session is None:
            self._session = Session(self.connection, expire_on_commit=False)
        return self._session

    def once(self, what: Hashable, read: Callable[[], T]) -> T:
        """Reads something one time, whoever asks in this call, which does not change it."""
        if what not in self._read:
            self._read[what] = read()
        return cast("T", self._read[what])

    def flush(self) -> None:
        """Sends what the session holds back."""
        if self._session is not None:
            self._session.flush()

    def record(
        self, object_kind: str, object_id: str | UUID, state: str = "", purpose: str = ""
    ) -> None:
        """Says what the call's audit entry is about. The last word counts."""
        self.said.recorded = Recorded(object_kind, str(object_id), state, purpose)

    def stood_by(self, staff_id: str, display_name: str) -> None:
        """Says who proved at the caller's device to stand by, for the call's audit entry."""
        self.said.second_person_id, self.said.second_person_name = staff_id, display_name

    def publish(
        self, resource: Resource, audience: Audience = EVERYBODY, topic: str | None = None
    ) -> None:
        """Announces a resource as it is now to those who watch the topic."""
        kind = RESOURCE_FIELDS[type(resource)]
        event = Event()
        getattr(event, kind).CopyFrom(resource)
        self._announce(Announcement(topic or self.home, kind, event.SerializeToString(), audience))

    def invalidate(self, subject: str) -> None:
        """Makes every process forget what it cached of "staff:…", "device:…" or "session:…"."""
        self._announce(Announcement(SECURITY, INVALIDATED, subject.encode(), EVERYBODY))

    def enqueue(self, item: WorkItemDraft) -> None:
        """Asks an adapter for something."""
        self.said.items.append(item)

    def wake(self, name: str) -> None:
        """Wakes who waits for a name, for example "work:core.view", in every process."""
        self.said.woken.add(name)

    def start_timer(self, kind: str, subject: str | UUID, due_at: datetime) -> None:
        """Has `kind` happen to `subject` at `due_at`; a timer of both that waits is moved."""
        timer = {"kind": kind, "subject": str(subject), "due_at": due_at}
        _START_TIMER.all(self.connection, timer)

    def cancel_timer(self, kind: str, subject: str | UUID) -> None:
        """Has `kind` not happen to `subject`."""
        _CANCEL_TIMER.all(self.connection, {"kind": kind, "subject": str(subject)})

    def _announce(self, announcement: Announcement) -> None:
        announced = self.said.announcements
        announced.append(announcement)
        topics = {a.topic for a in announced} - {SECURITY}
        if len(topics | {self.home}) > _TOPICS_MAX:
            raise AssertionError(f"{self.method} publishes to more than two topics: {topics}")
