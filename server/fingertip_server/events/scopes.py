"""What can be watched, and by whom."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip.events.v1.event_pb2 import Event
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_server import errors
from fingertip_server.rpc.principal import Principal
from fingertip_server.rpc.units import Units


@dataclass(frozen=True, slots=True)
class Scope:
    """A topic, or what concerns one application of it."""

    kind: str
    id: str
    topic: str

    @property
    def name(self) -> str:
        """Names the scope in tokens."""
        return f"{self.kind}/{self.id}"

    def holds(self, event: Event) -> bool:
        """Says whether an event of the topic belongs to the scope."""
        if self.kind != "application":
            return True
        match event.WhichOneof("resource"):
            case "application":
                return event.application.application_id == self.id
            case "task":
                return event.task.subject_id == self.id
            case "work_item":
                return event.work_item.subject_id == self.id
            case _:
                return False


@dataclass(frozen=True, slots=True)
class Scopes:
    """Finds the scope of a request. `branch_of_application` returns None for an unknown one."""

    units: Units
    branch_of_application: Callable[[Connection, UUID], str | None]

    async def of(self, viewer: Principal, request: WatchRequest) -> Scope:
        """Returns the scope. Raises when the viewer may not watch it: he watches his own unit."""
        match request.WhichOneof("scope"):
            case "branch_id":
                _require_own(viewer, request.branch_id)
                return Scope("branch", request.branch_id, request.branch_id)
            case "centre_id":
                _require_own(viewer, request.centre_id)
                return Scope("centre", request.centre_id, request.centre_id)
            case _:
                return await self._application(viewer, UUID(request.application_id))

    async def _application(self, viewer: Principal, application_id: UUID) -> Scope:
        branch_id = await self.units.autocommit(
            lambda connection: self.branch_of_application(connection, application_id)
        )
        # Whether an application of another branch exists is not told.
        if branch_id is None or branch_id != viewer.branch_id:
            raise errors.NotFound(
                ErrorReason.ERROR_REASON_APPLICATION_NOT_FOUND,
                "There is no such application in your branch.",
            )
        return Scope("application", str(application_id), branch_id)


def _require_own(viewer: Principal, branch_id: str) -> None:
    if viewer.branch_id != branch_id:
        raise errors.PermissionDenied(
            ErrorReason.ERROR_REASON_OTHER_BRANCH, "The caller may watch his own unit only."
        )
