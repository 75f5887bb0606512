"""Whatever people do at once, no voucher comes from nowhere, gets lost, or is in two hands.

FINGERTIP_VOUCHERS_SEED repeats what they try, FINGERTIP_VOUCHERS_STEPS has them try more.
"""

import asyncio
import os
import random
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable

from fingertip.applications.v1.application_pb2 import Application
from fingertip.vouchers.v1.voucher_pb2 import SerialRange
from fingertip_client.refusal import Refused
from tests.applications import paper
from tests.conftest import Database
from tests.vouchers import vault
from tests.vouchers.vault import CARD, DEVICE, MANAGER, SECOND_TELLER, TELLER, span
from tests.world import World

_SEED = os.environ.get("FINGERTIP_VOUCHERS_SEED") or secrets.token_hex(4)
_STEPS = int(os.environ.get("FINGERTIP_VOUCHERS_STEPS", "60"))
_AT_ONCE = 4
_SERIALS = 12

Step = Callable[[], Awaitable[object]]
# A voucher's row, its last movement, and the number of its movements must say the same.
_BOOKS = """
SELECT v.voucher_type, v.serial, v.state, v.holder_id, v.version,
    last.state AS last_state, last.to_holder_id AS last_holder_id,
    (SELECT count(*) FROM voucher_movement AS m WHERE m.voucher_id = v.voucher_id) AS movements,
    (SELECT count(*) FROM voucher_movement AS m
     WHERE m.voucher_id = v.voucher_id AND m.kind = 'RECEIVED') AS receipts
FROM voucher AS v
JOIN voucher_movement AS last USING (voucher_id, version)
"""
# Who gave is who had it before.
_BROKEN = """
SELECT count(*) AS n FROM voucher_movement AS m
JOIN voucher_movement AS before
  ON before.voucher_id = m.voucher_id AND before.version = m.version - 1
WHERE before.to_holder_id <> m.from_holder_id
"""


class _Crowd:
    """People who do random things with vouchers, right or wrong."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._draw = random.Random(_SEED)
        self._drafts: list[Application] = []
        self.outcomes: Counter[str] = Counter()

    async def prepare(self) -> None:
        """Starts the applications that cards are assigned to."""
        await paper.synchronise(self._world)
        for caller in (self._world.teller, self._world.second_teller):
            for _ in range(2):
                draft = await paper.start(caller)
                self._drafts.append(await paper.save(caller, draft, {"account_class": "class_one"}))

    async def attempt(self) -> None:
        """Does something, and takes a refusal as it comes."""
        name, step = self._draw.choice(self._steps())
        try:
            await step()
        except Refused as refusal:
            self.outcomes[refusal.reason] += 1
        else:
            self.outcomes[name] += 1

    def _steps(self) -> list[tuple[str, Step]]:
        world, some = self._world, self._some()
        keeper = world.branch_manager.vouchers
        caller, number = self._draw.choice(
            [(world.teller, TELLER), (world.second_teller, SECOND_TELLER)]
        )
        one = self._draw.randint(1, _SERIALS)
        draft = self._draw.randrange(len(self._drafts))
        return [
            ("received", lambda: keeper.ReceiveStock(vault.receipt(some))),
            ("handed", lambda: keeper.HandOverStock(vault.handing_over(some, to=number))),
            ("handed", lambda: keeper.HandOverStock(vault.handing_over(some, to=number))),
            ("returned", lambda: caller.vouchers.ReturnStock(vault.giving_back(some))),
            ("spoiled", lambda: caller.vouchers.SpoilVoucher(vault.spoiling(one))),
            ("destroyed", lambda: keeper.DestroyVouchers(vault.destruction(span(one)))),
            ("assigned", lambda: self._assign(draft, vault.serial(one))),
            ("assigned", lambda: self._assign(draft, vault.serial(one))),
            ("counted", lambda: self._count(number)),
        ]

    def _some(self) -> SerialRange:
        first = self._draw.randint(1, _SERIALS)
        last = min(_SERIALS, first + self._draw.randint(0, 3))
        return span(first, last, self._draw.choice([CARD, CARD, DEVICE]))

    async def _assign(self, index: int, serial: str) -> None:
        draft = self._drafts[index]
        caller = self._world.caller(draft.maker_id)
        self._drafts[index] = await paper.assign(caller, draft, serial)

    async def _count(self, number: str) -> None:
        """Counts what is there but for the first, which is found again."""
        caller, keeper = self._world.caller(number), self._world.branch_manager
        stock = await vault.stock_of(caller)
        held = await vault.vouchers_of(caller)
        ranges = [
            SerialRange(voucher_type=each.voucher_type, first_serial=each.serial)
            for each in held[1:]
        ]
        counted = await caller.vouchers.CloseStockDay(
            vault.counting(stock, *ranges, number=len(ranges), explanation="待查", witness=MANAGER)
        )
        await keeper.vouchers.ResolveStockDifference(vault.resolution(counted.stock, holder=number))


async def test_vouchers_are_neither_made_nor_lost_whatever_people_do_at_once(
    world: World, database: Database
) -> None:
    crowd = _Crowd(world)
    await crowd.prepare()
    await vault.receive(world, span(1, 6), span(1, 6, DEVICE))
    for _ in range(_STEPS // _AT_ONCE):
        await asyncio.gather(*(crowd.attempt() for _ in range(_AT_ONCE)))
        await _audit(world, database)
    assert "INTERNAL" not in crowd.outcomes, f"seed {_SEED}: {crowd.outcomes}"
    # Those who are always refused prove nothing.
    assert {"received", "handed"} <= set(crowd.outcomes), f"seed {_SEED}: {crowd.outcomes}"


async def _audit(world: World, database: Database) -> None:
    """Holds the stocks that people are shown against the vouchers, and those against the book."""
    books = await database.as_owner(_BOOKS)
    for row in books:
        said = (row["state"], row["holder_id"], row["version"], 1)
        shown = (row["last_state"], row["last_holder_id"], row["movements"], row["receipts"])
        assert said == shown, f"seed {_SEED}: {dict(row)}"
    [broken] = await database.as_owner(_BROKEN)
    assert broken["n"] == 0, f"seed {_SEED}"
    for kind in (CARD, DEVICE):
        received = sum(row["voucher_type"] == kind for row in books)
        destroyed = sum(
            row["voucher_type"] == kind and row["state"] == "DESTROYED" for row in books
        )
        assert await _shown(world, kind) == received - destroyed, f"seed {_SEED}"


async def _shown(world: World, kind: str) -> int:
    """Returns how many vouchers of a type the branch's stocks show."""
    stocks = [
        await vault.stock_of(world.branch_manager, vault=True),
        await vault.stock_of(world.branch_manager, TELLER),
        await vault.stock_of(world.branch_manager, SECOND_TELLER),
    ]
    return sum(
        line.free_count + line.reserved_count + line.spoiled_count
        for stock in stocks
        for line in stock.lines
        if line.voucher_type == kind
    )
