"""The simulated bank at work for a server, as CRM and as core, with the customers of the demo."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from fingertip_core_banking.simulated.customers import CustomerFile
from fingertip_core_banking.simulated.faults import FaultPlan, Faults
from fingertip_core_banking.simulated.ledger import Ledger
from fingertip_core_banking.simulated.simulated_bank import SimulatedBank
from fingertip_core_banking.sync import CustomerSync
from fingertip_core_banking.worker import Pace, Worker
from fingertip_server.demo.customers import write_customers
from tests.world import CORE_WORK, World

_CARD_BIN = "629990"
_CUSTOMERS = 40


@asynccontextmanager
async def bank_at_work(
    world: World, folder: Path, faults: Mapping[str, Mapping[str, float | str]]
) -> AsyncIterator[Ledger]:
    """Synchronises the customers and then works; gives the bank's books."""
    write_customers(folder / "customers.jsonl", _CUSTOMERS)
    (folder / "faults.json").write_text(json.dumps(faults))
    ledger = Ledger(folder / "ledger.sqlite", _CARD_BIN)
    bank = SimulatedBank(
        ledger,
        CustomerFile(folder / "customers.jsonl"),
        FaultPlan(Faults(), folder / "faults.json"),
        card_bin=_CARD_BIN,
    )
    assert await CustomerSync(world.crm_adapter, bank, "crm").push() == _CUSTOMERS
    stopping = asyncio.Event()
    crm = Worker(world.crm_adapter, bank, ("crm.view", "crm.resolve_customer"), Pace())
    core = Worker(world.core_adapter, bank, CORE_WORK, Pace())
    police = Worker(world.police_adapter, bank, ("police.check_identity",), Pace())
    work = [asyncio.create_task(worker.run(stopping)) for worker in (crm, core, police)]
    try:
        yield ledger
    finally:
        stopping.set()
        await asyncio.gather(*work)
