"""A fault of ours: the caller is told an incident's id, the log the rest, and nobody the values."""

import json
from pathlib import Path

import grpc
import pytest

from fingertip.customer.v1.customer_service_pb2 import LookUpCustomerRequest
from fingertip_client.refusal import Refused
from fingertip_server.settings import Settings
from tests.conftest import Database
from tests.faults.processes import running
from tests.world import Credentials, World

_CARD = "6222021001122334455"
_TABLE = "customer_identifier"


async def test_a_fault_is_an_incident_and_tells_nobody_what_was_sent(
    settings: Settings, template: Credentials, database: Database, tmp_path: Path
) -> None:
    async with running(settings, tmp_path, 1) as [server]:
        await database.as_owner(f"ALTER TABLE {_TABLE} RENAME TO elsewhere")
        world = World([server.target], template)
        try:
            with pytest.raises(Refused) as caught:
                await world.teller.customer.LookUpCustomer(LookUpCustomerRequest(card_number=_CARD))
        finally:
            await world.close()
        logged = server.log.read_text()
    told = caught.value
    assert (told.code, told.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert not told.violations
    [incident] = [each for each in map(json.loads, logged.splitlines()) if "incident_id" in each]
    assert told.metadata == {"incident_id": incident["incident_id"]}
    assert incident["method"] == "customer.v1.CustomerService/LookUpCustomer"
    assert incident["request"] == "{card_number: «C2»}"
    assert incident["exception"]
    assert incident["frames"]
    for text in (_CARD, _TABLE):
        assert text not in logged
        assert text not in told.message
