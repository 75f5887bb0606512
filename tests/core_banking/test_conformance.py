"""The simulated bank keeps the promises that every bank has to keep."""

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fingertip_core_banking.conformance import BankConformance, Specimen
from fingertip_core_banking.simulated.lists import Lists
from tests.core_banking.specimens import simulated_bank


class TestSimulatedBank(BankConformance):
    """Runs the shipped suite."""

    @pytest.fixture
    async def specimen(self, tmp_path: Path) -> Specimen:
        """Returns a bank whose faults are switched by a control file."""
        control_file = tmp_path / "faults.json"
        entries = [
            {"entry_number": f"S-{number}", "version": 1, "effect": "EFFECT_REVIEW"}
            for number in range(20)
        ]
        sanctions = tmp_path / "sanctions.jsonl"
        sanctions.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
        lists = Lists([sanctions])
        bank, ledger = simulated_bank(tmp_path, control_file=control_file, lists=lists)

        @contextlib.asynccontextmanager
        async def switched(**faults: object) -> AsyncIterator[None]:
            control_file.write_text(json.dumps({"execute": faults, "reverse": faults}))
            yield
            control_file.unlink()

        async def count_accounts() -> int:
            mine = [b for b in ledger.bookings() if b.customer_number == "T000007"]
            return len([b for b in mine if b.account_number])

        async def use_account(account_number: str) -> None:
            ledger.use(account_number)

        return Specimen(
            bank=bank,
            customer_number="T000007",
            unknown_customer_number="T999999",
            card_number="6299900000000007",
            unknown_card_number="6299909999999999",
            resident_id="000101199001010007",
            name="测试客户",
            unknown_resident_id="990101199001010007",
            list_code="sanctions",
            count_accounts=count_accounts,
            answers_lost=lambda: switched(timeout_rate=1.0),
            use_account=use_account,
            unreachable=lambda: switched(failure_rate=1.0),
        )
