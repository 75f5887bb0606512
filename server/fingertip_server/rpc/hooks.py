"""What the domains that everybody uses ask of those they must not know. Filled in by app.py."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    # Which functions these are is said where they are used: identity, authorization, fulfilment.
    from fingertip_server.authorization.hooks import Decided, Decisions
    from fingertip_server.fulfilment.hooks import Completion
    from fingertip_server.rpc.call import Call


def _no_tickets(_call: "Call", _ticket_id: UUID) -> tuple[UUID | None, UUID]:
    raise LookupError("app.py named no lobby")


@dataclass(frozen=True, slots=True)
class Hooks:
    """Plain tables of functions.

    `decisions` by a task's subject kind; `executions` by the subject kind of work with an effect,
    `completions` by the kind of work without one; `decided` is told of every task about which the
    last word was said; `shift_changed` is told whose shift started or ended (staff number);
    `may_end_shift` raises when it may not.
    `customer_of_ticket` returns whose ticket it is, if known, and its journey; it raises
    TICKET_NOT_FOUND. `timers` by the timer's kind.
    """

    decisions: "Mapping[str, Decisions]" = field(default_factory=dict)
    executions: "Mapping[str, Completion]" = field(default_factory=dict)
    completions: "Mapping[str, Completion]" = field(default_factory=dict)
    decided: "Sequence[Callable[[Call, Decided], None]]" = ()
    shift_changed: "Sequence[Callable[[Call, str], None]]" = ()
    may_end_shift: "Sequence[Callable[[Call, str], None]]" = ()
    customer_of_ticket: "Callable[[Call, UUID], tuple[UUID | None, UUID]]" = field(
        default=_no_tickets
    )
    timers: "Mapping[str, Callable[[Call, str], None]]" = field(default_factory=dict)
