"""The simulated bank keeps the promises that every bank has to keep."""

import contextlib
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from google.type.money_pb2 import Money

from fingertip.applications.v1.application_pb2 import Answer
from fingertip.applications.v1.content_pb2 import ApplicationContent, SignedForm
from fingertip_core_banking.conformance import BankConformance, Specimen, content_of
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

        def with_amount(operation_id: UUID) -> tuple[ApplicationContent, Money]:
            content = content_of("T000007", operation_id)
            content.work_kind = "core.open_loan"
            content.signed_form = SignedForm(
                form_code="consumer_loan",
                form_version=1,
                answers=[Answer(field_key="loan_amount", value="300000.05")],
            ).SerializeToString()
            content.form_hash = hashlib.sha256(content.signed_form).digest()
            return content, Money(currency_code="CNY", units=300_000, nanos=50_000_000)

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
            with_amount=with_amount,
            unreachable=lambda: switched(failure_rate=1.0),
        )
