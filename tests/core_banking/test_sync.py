"""The customer master reaches the server, whatever happens on the way."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fingertip.customer.v1.customer_service_pb2 import LookUpCustomerRequest
from fingertip_client.refusal import Refused
from fingertip_core_banking.bank import Bank
from fingertip_core_banking.simulated.lists import ListFileFault, Lists
from fingertip_core_banking.sync import CustomerSync, ScreeningSync
from tests.conftest import Database
from tests.core_banking.specimens import record, simulated_bank, write_customers
from tests.fulfilment.queue import until
from tests.world import World


async def batches(database: Database) -> int:
    """Counts the batches that the server took."""
    [row] = await database.as_owner(
        "SELECT count(*) AS count FROM audit_entry"
        " WHERE action LIKE '%SyncCustomers' AND outcome = 'DONE'"
    )
    count: int = row["count"]
    return count


async def names(world: World, card_number: str) -> list[str]:
    request = LookUpCustomerRequest(card_number=card_number)
    response = await world.lobby_manager.customer.LookUpCustomer(request)
    return [customer.name for customer in response.customers]


def append(folder: Path, **changed: object) -> None:
    with (folder / "customers.jsonl").open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(record(3, **changed)) + "\n")


@pytest.fixture
def sync(world: World, tmp_path: Path) -> Callable[[], CustomerSync]:
    """Returns what a newly started adapter pushes with, in batches of eight."""
    write_customers(tmp_path / "customers.jsonl", 20)
    bank, _ = simulated_bank(tmp_path)
    return lambda: CustomerSync(world.crm_adapter, bank, "crm", batch_records=8)


async def test_the_whole_master_is_pushed_in_batches(
    sync: Callable[[], CustomerSync], world: World, database: Database
) -> None:
    assert await sync().push() == 20
    assert await batches(database) == 3
    [name] = await names(world, "6299900000000007")
    assert name.startswith("测")


async def test_a_restarted_adapter_goes_on_where_the_server_is(
    sync: Callable[[], CustomerSync], database: Database, tmp_path: Path
) -> None:
    await sync().push()
    taken = await batches(database)
    assert await sync().push() == 0
    assert await batches(database) == taken
    append(tmp_path, version=2, card_numbers=["6299920000000003"])
    assert await sync().push() == 1
    assert await batches(database) == taken + 1


async def test_a_running_adapter_finds_what_changed(
    sync: Callable[[], CustomerSync], world: World, tmp_path: Path
) -> None:
    running = sync()
    await running.push()
    assert await running.push() == 0
    append(tmp_path, version=2, card_numbers=["6299920000000003"])
    assert await running.push() == 1
    assert len(await names(world, "6299920000000003")) == 1
    assert await names(world, "6299900000000003") == []


async def test_two_adapters_that_push_the_same_master_do_no_harm(
    sync: Callable[[], CustomerSync], database: Database
) -> None:
    changed = await asyncio.gather(*(sync().push() for _ in range(4)))
    assert sum(changed) == 20
    # Whoever came last left the server at the end.
    taken = await batches(database)
    assert await sync().push() == 0
    assert await batches(database) == taken


async def test_pushing_goes_on_when_the_bank_comes_back(world: World, tmp_path: Path) -> None:
    control = tmp_path / "faults.json"
    control.write_text(json.dumps({"customers": {"failure_rate": 1}}))
    bank, _ = simulated_bank(tmp_path, control_file=control)
    stopping = asyncio.Event()
    task = asyncio.create_task(CustomerSync(world.crm_adapter, bank, "crm").run(stopping, 0.05))
    await asyncio.sleep(0.2)
    assert await names(world, "6299900000000007") == []
    control.unlink()

    async def is_known() -> bool:
        return bool(await names(world, "6299900000000007"))

    await until(is_known)
    stopping.set()
    await asyncio.wait_for(task, 5)


async def test_an_adapter_that_may_not_push_ends_with_the_reason(
    world: World, tmp_path: Path
) -> None:
    bank: Bank = simulated_bank(tmp_path)[0]
    with pytest.raises(Refused) as refused:
        await CustomerSync(world.ticket_machine, bank, "crm").run(asyncio.Event(), 1)
    assert refused.value.reason == "PERMISSION_MISSING"


async def test_a_screening_list_is_pushed_and_goes_on_where_the_server_is(
    world: World, database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "un_sanctions.jsonl"
    lines = [
        {
            "entry_number": f"UN-{number}",
            "version": 1,
            "effect": "EFFECT_BLOCK",
            "names": ["张三"],
            "birth_date": {"year": 1970, "month": 1, "day": number + 1},
            "document_numbers": [f"A{number:07}"],
        }
        for number in range(20)
    ]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    bank, _ = simulated_bank(tmp_path, lists=Lists([path]))

    def sync() -> ScreeningSync:
        return ScreeningSync(world.crm_adapter, bank, "un_sanctions", batch_records=8)

    assert await sync().push() == 20
    assert await sync().push() == 0
    gone = {"entry_number": "UN-3", "version": 2, "deleted": True}
    with path.open("a", encoding="utf-8") as more:
        more.write(json.dumps(gone) + "\n")
    assert await sync().push() == 1
    [row] = await database.as_owner(
        "SELECT count(*) AS keys, count(DISTINCT entry_number) AS entries FROM screening_key"
    )
    assert (row["keys"], row["entries"]) == (38, 19)
    path.write_text("{}x", encoding="utf-8")
    with pytest.raises(ListFileFault, match=r"un_sanctions.jsonl:1"):
        await sync().push()
