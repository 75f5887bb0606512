"""Hands the frame, and the domains that know no business, what the domains decide."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import Connection

from fingertip_server import errors
from fingertip_server.applications import completions as application_completions
from fingertip_server.applications import constraints as application_constraints
from fingertip_server.applications import decisions as application_decisions
from fingertip_server.applications import dialogue as application_dialogue
from fingertip_server.applications import (
    identity_answers,
    inquiries,
    reversal_completions,
    reversal_decisions,
    reversals,
)
from fingertip_server.applications import snapshots as application_snapshots
from fingertip_server.applications import timers as application_timers
from fingertip_server.authorization import constraints as authorization_constraints
from fingertip_server.authorization import review
from fingertip_server.authorization import snapshots as authorization_snapshots
from fingertip_server.authorization import store as authorization_store
from fingertip_server.authorization import timers as authorization_timers
from fingertip_server.customer import completions as customer_completions
from fingertip_server.customer import constraints as customer_constraints
from fingertip_server.customer import timers as customer_timers
from fingertip_server.events.watching import Snapshot
from fingertip_server.fulfilment import constraints as fulfilment_constraints
from fingertip_server.fulfilment import snapshots as fulfilment_snapshots
from fingertip_server.fulfilment import store as fulfilment_store
from fingertip_server.fulfilment import timers as fulfilment_timers
from fingertip_server.identity import constraints as identity_constraints
from fingertip_server.identity import timers as identity_timers
from fingertip_server.lobby import arrivals, days, tickets
from fingertip_server.lobby import completions as lobby_completions
from fingertip_server.lobby import constraints as lobby_constraints
from fingertip_server.lobby import snapshots as lobby_snapshots
from fingertip_server.packs.bank import Bank
from fingertip_server.rpc import timers
from fingertip_server.rpc.hooks import Hooks
from fingertip_server.rpc.measuring import Queue
from fingertip_server.screening import snapshots as screening_snapshots
from fingertip_server.screening import timers as screening_timers
from fingertip_server.vouchers import constraints as voucher_constraints
from fingertip_server.vouchers import days as stock_days
from fingertip_server.vouchers import stocks

HOOKS = Hooks(
    decisions={
        application_decisions.SUBJECT: replace(
            application_decisions.DECISIONS, dialogue=application_dialogue.DIALOGUE
        ),
        reversals.SUBJECT: reversal_decisions.DECISIONS,
    },
    executions={
        application_decisions.SUBJECT: application_completions.EXECUTION,
        reversals.SUBJECT: reversal_completions.EXECUTION,
    },
    completions={
        **inquiries.COMPLETIONS,
        **identity_answers.COMPLETIONS,
        **customer_completions.COMPLETIONS,
        **lobby_completions.COMPLETIONS,
    },
    shift_changed=(review.shift_changed, stock_days.shift_changed),
    may_end_shift=(review.may_end_shift,),
    customer_of_ticket=tickets.customer_of,
    timers={
        **application_timers.TIMERS,
        identity_answers.RECHECK: identity_answers.recheck,
        **arrivals.TIMERS,
        **days.TIMERS,
        **authorization_timers.TIMERS,
        **customer_timers.TIMERS,
        **fulfilment_timers.TIMERS,
        **identity_timers.TIMERS,
        **screening_timers.TIMERS,
        **timers.TIMERS,
        **stock_days.TIMERS,
    },
)
CONSTRAINTS: dict[str, Callable[[], errors.DomainError]] = {
    **application_constraints.CONSTRAINTS,
    **authorization_constraints.CONSTRAINTS,
    **customer_constraints.CONSTRAINTS,
    **fulfilment_constraints.CONSTRAINTS,
    **lobby_constraints.CONSTRAINTS,
    **identity_constraints.CONSTRAINTS,
    **voucher_constraints.CONSTRAINTS,
}


QUEUES: Sequence[Queue] = (fulfilment_store.waiting, authorization_store.waiting)


def snapshots(bank: Callable[[], Bank]) -> dict[str, Sequence[Snapshot]]:
    """Returns what a new watcher is shown, by kind of scope."""
    return {
        "branch": (
            application_snapshots.branch,
            authorization_snapshots.centre,
            lambda c, branch_id: fulfilment_snapshots.branch(c, bank(), branch_id),
            lambda c, branch_id: lobby_snapshots.branch(c, bank(), branch_id),
            lambda c, branch_id: screening_snapshots.branch(c, bank(), branch_id),
            lambda c, branch_id: stocks.branch(c, bank(), branch_id),
        ),
        "centre": (authorization_snapshots.centre,),
        "application": (
            application_snapshots.application,
            lambda c, application_id: fulfilment_snapshots.application(c, bank(), application_id),
        ),
    }


def branch_of_application(connection: Connection, application_id: UUID) -> str | None:
    """Returns the branch of an application, or None when there is none."""
    return application_snapshots.branch_of(connection, application_id)
