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
            file.write(_line(customer, version=1))
    draft.replace(path)


def append_change(path: Path, count: int) -> None:
    """Appends a further version of one of the file's `count` customers, each time of another."""
    population = synthetic.population_of(reading.read_pack(DEMO))
    with path.open("r+", encoding="utf-8") as file:
        lines = sum(1 for _ in file)
        [customer] = synthetic.customers(population, 1, start=lines % count)
        file.write(_line(customer, version=lines + 1))


def _line(customer: SyntheticCustomer, version: int) -> str:
    record = CustomerRecord(
        customer_number=customer.customer_number,
        version=version,
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
