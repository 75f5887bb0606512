"""A simulated bank with a few customers, for the tests of the adapter."""

import json
from pathlib import Path

from fingertip_core_banking.simulated.customers import CustomerFile
from fingertip_core_banking.simulated.faults import FaultPlan, Faults
from fingertip_core_banking.simulated.ledger import Ledger
from fingertip_core_banking.simulated.lists import Lists
from fingertip_core_banking.simulated.simulated_bank import SimulatedBank

CARD_BIN = "629990"


def record(index: int, **changed: object) -> dict[str, object]:
    """Returns a customer as a line of the customer file has him."""
    return {
        "customer_number": f"T{index:06}",
        "version": 1,
        "name": "测试客户",
        "resident_id": f"00010119900101{index:04}",
        "mobile": f"154{index:08}",
        "address": "示范市示范区示范路1号",
        "card_numbers": [f"629990{index:010}", f"629991{index:010}"],
        "tier_code": "standard",
        "home_branch_id": "0101",
        "relationship_manager_id": "",
    } | changed


def write_customers(path: Path, count: int = 20) -> None:
    """Writes a customer file."""
    lines = [json.dumps(record(index), ensure_ascii=False) for index in range(1, count + 1)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def simulated_bank(
    folder: Path,
    faults: Faults | None = None,
    control_file: Path | None = None,
    lists: Lists | None = None,
) -> tuple[SimulatedBank, Ledger]:
    """Returns a bank in a folder, where another one continues its books."""
    customers = folder / "customers.jsonl"
    if not customers.exists():
        write_customers(customers)
    ledger = Ledger(folder / "ledger.sqlite", CARD_BIN)
    plan = FaultPlan(faults or Faults(), control_file)
    bank = SimulatedBank(ledger, CustomerFile(customers), plan, card_bin=CARD_BIN, lists=lists)
    return bank, ledger
