"""Writes the demo bank's synthetic customers for the simulated bank to read."""

from pathlib import Path

from google.protobuf import json_format

from fingertip.customer.v1.customer_service_pb2 import CustomerRecord
from fingertip_server.packs import DEMO, reading, synthetic
from fingertip_server.packs.synthetic import SyntheticCustomer


def write_customers(path: Path, count: int) -> None:
    """Writes one CustomerRecord a line, in protobuf's JSON form, whole or not at all.

    The same count writes the same file. Raises ValueError for more customers than can be made.
    """
    population = synthetic.population_of(reading.read_pack(DEMO))
    draft = path.with_name(f"{path.name}.new")
    with draft.open("w", encoding="utf-8") as file:
        for customer in synthetic.customers(population, count):
            file.write(_line(customer))
    draft.replace(path)


def _line(customer: SyntheticCustomer) -> str:
    record = CustomerRecord(
        customer_number=customer.customer_number,
        version=1,
        name=customer.name,
        resident_id=customer.resident_id,
        mobile=customer.mobile,
        address=customer.address,
        card_numbers=customer.card_numbers,
        tier_code=customer.tier_code,
        home_branch_id=customer.home_branch_id,
        relationship_manager_id=customer.relationship_manager_id,
    )
    written = json_format.MessageToJson(
        record, preserving_proto_field_name=True, indent=None, ensure_ascii=False
    )
    return f"{written}\n"
