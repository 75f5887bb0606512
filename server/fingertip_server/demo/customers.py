"""Writes the demo bank's synthetic customers for the simulated bank to read."""

from dataclasses import replace
from functools import cache
from pathlib import Path

from google.protobuf import json_format

from fingertip.customer.v1.customer_service_pb2 import CustomerRecord
from fingertip_server.demo.applicant import Applicant
from fingertip_server.identifiers.resident_id import Document, Sex
from fingertip_server.packs import DEMO, reading, synthetic
from fingertip_server.packs.synthetic import Population, SyntheticCustomer

# Among so many, one is surely a woman whose identity card is valid as long as Ms Wang's.
_CANDIDATES = 500
_BIRTH_YEARS = range(1975, 1990)


def write_customers(path: Path, count: int) -> None:
    """Writes one CustomerRecord a line, in protobuf's JSON form, whole or not at all.

    The same count writes the same file. Raises ValueError for more customers than can be made.
    """
    population = _population()
    draft = path.with_name(f"{path.name}.new")
    with draft.open("w", encoding="utf-8") as file:
        for customer in synthetic.customers(population, count):
            file.write(_line(customer))
    draft.replace(path)


def append_guest(path: Path) -> SyntheticCustomer:
    """Appends a customer who is new to the bank, as important as Ms Wang, and returns her.

    The lobby is told of a customer once a day, so that each run of the story needs one of its own.
    """
    population = _population()
    with path.open("r+", encoding="utf-8") as file:
        lines = sum(1 for _ in file)
        guest = _guest(population, lines)
        file.write(_line(guest))
    return guest


def ms_wang() -> SyntheticCustomer:
    """Returns the first of the demo bank's customers."""
    return _ms_wang(_population())


def at_the_desk(customer: SyntheticCustomer) -> Applicant:
    """Returns a customer with her identity card in her hand."""
    return Applicant(
        name=customer.name,
        resident_id=customer.resident_id,
        # Between 26 and 45 years of age, for 20 years.
        document_issue_date="2020-03-10",
        document_valid_until="2040-03-10",
        mobile=customer.mobile,
        address=customer.address,
    )


@cache
def _population() -> Population:
    return synthetic.population_of(reading.read_pack(DEMO))


def _ms_wang(population: Population) -> SyntheticCustomer:
    [made] = synthetic.customers(population, 1)
    return made


def _guest(population: Population, number: int) -> SyntheticCustomer:
    """Returns a woman of Ms Wang's name, tier and manager, with everything else of her own."""
    made = synthetic.customers(population, _CANDIDATES, start=number * _CANDIDATES)
    like = _ms_wang(population)
    return replace(
        next(customer for customer in made if _is_like(customer)),
        name=like.name,
        tier_code=like.tier_code,
        home_branch_id=like.home_branch_id,
        relationship_manager_id=like.relationship_manager_id,
    )


def _is_like(customer: SyntheticCustomer) -> bool:
    return (
        customer.sex == Sex.FEMALE
        and customer.document == Document.RESIDENT_ID_CARD
        and customer.birth_date.year in _BIRTH_YEARS
    )


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
