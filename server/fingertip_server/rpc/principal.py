"""Who calls."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class PrincipalKind(StrEnum):
    """The kinds of callers."""

    STAFF = "STAFF"
    DEVICE = "DEVICE"
    ADAPTER = "ADAPTER"
    SYSTEM = "SYSTEM"
    PUBLIC = "PUBLIC"


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller as far as a decision can depend on him.

    `id` is the staff number of a member of staff and the device's UUID of a device or adapter.
    """

    kind: PrincipalKind
    id: str
    display_name: str = ""
    branch_id: str = ""
    permissions: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    level: int = 1
    on_shift: bool = False
    on_break: bool = False
    person_id: UUID | None = None
    customer_id: UUID | None = None
    device_id: UUID | None = None
    session_id: UUID | None = None
    work_kinds: frozenset[str] = field(default=frozenset())

    @property
    def scope(self) -> str:
        """Names the caller among all callers, for idempotency: it outlives a session."""
        return f"{self.kind}:{self.id}"


PUBLIC = Principal(kind=PrincipalKind.PUBLIC, id="public", display_name="public")
SYSTEM = Principal(kind=PrincipalKind.SYSTEM, id="system", display_name="system", branch_id="bank")
