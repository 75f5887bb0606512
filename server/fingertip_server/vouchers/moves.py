"""Moves vouchers from hand to hand: who has them gives them, and nobody else can."""

import itertools
from collections.abc import Iterable, Sequence
from uuid import UUID

from fingertip_server.db.hot import AnyRow
from fingertip_server.rpc.call import Call
from fingertip_server.vouchers import rules, stocks, store
from fingertip_server.vouchers.rules import COUNTED, Key, Move
from fingertip_server.vouchers.store import Moving


def of(  # noqa: PLR0913 - what a movement says is named here once
    call: Call,
    branch_id: str,
    move: Move,
    *,
    to_holder_id: str = "",
    second_person_id: str = "",
    application_id: UUID | None = None,
    account_commitment: bytes | None = None,
    core_reference: str = "",
    purpose: str = "",
) -> Moving:
    """Returns a movement that the caller makes now."""
    return Moving(
        move=move,
        to_holder_id=to_holder_id,
        actor_id=call.principal.id,
        business_day=stocks.today(call, branch_id),
        now=call.now,
        second_person_id=second_person_id,
        application_id=application_id,
        account_commitment=account_commitment,
        core_reference=core_reference,
        purpose=purpose,
    )


def out_of(call: Call, locked: AnyRow, keys: Iterable[Key], moving: Moving) -> Sequence[AnyRow]:
    """Moves vouchers out of a stock that the caller has locked, all or none; returns them.

    Raises VOUCHER_NOT_HELD for one that is not in it, and VOUCHER_STATE.
    """
    wanted = list(keys)
    found = store.lock_vouchers(call.connection, wanted)
    rows = [_held(found.get(key), key, locked) for key in wanted]
    moved: list[AnyRow] = []
    for state, alike in itertools.groupby(
        sorted(rows, key=lambda row: row.state), key=lambda row: row.state
    ):
        group = list(alike)
        to_state = rules.after(state, moving.move, group[0].serial)
        moved += store.move(call.connection, group, to_state, moving)
    return moved


def _held(row: AnyRow | None, key: Key, locked: AnyRow) -> AnyRow:
    is_here = row is not None and (
        row.branch_id == locked.branch_id
        and row.holder_id == locked.holder_id
        and row.state in COUNTED
    )
    if row is None or not is_here:
        raise rules.not_held(key[1])
    return row
