"""What the people of the demo have in their hands is real: pictures, customers, identity cards."""

from datetime import date
from itertools import combinations
from pathlib import Path

from fingertip.customer.v1.customer_service_pb2 import CustomerRecord
from fingertip_core_banking.simulated.customers import CustomerFile
from fingertip_server.applications import content_types
from fingertip_server.demo import customers, images
from fingertip_server.demo.applicant import Applicant, mistyped
from fingertip_server.demo.lines import Line
from fingertip_server.identifiers import resident_id, validity
from fingertip_server.identifiers.validity import ValidityYears

_YEARS = ValidityYears(under_16=5, from_16_to_25=10, from_26_to_45=20)


def test_pictures_are_pictures_and_differ() -> None:
    pictures = [images.png(32, 20, seed) for seed in (3, 4, 5, 6)]
    assert {content_types.detect(picture) for picture in pictures} == {content_types.PNG}
    assert all(one != other for one, other in combinations(pictures, 2))


def test_the_simulated_bank_reads_the_customers(tmp_path: Path) -> None:
    path = tmp_path / "customers.jsonl"
    customers.write_customers(path, 30)
    records = CustomerFile(path).customers().records
    assert len(records) == 30
    assert records[0].name == customers.ms_wang().name
    assert records[0].tier_code == "private"
    assert all(record.version == 1 for record in records)


def test_every_run_has_a_customer_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "customers.jsonl"
    customers.write_customers(path, 30)
    guests = [customers.append_guest(path) for _ in range(5)]
    records = CustomerFile(path).customers().records
    assert [record.customer_number for record in records[30:]] == [
        guest.customer_number for guest in guests
    ]
    assert len({record.resident_id for record in records}) == 35
    assert all(_is_like(record, records[0]) for record in records[30:])


def test_her_identity_card_is_valid_as_the_law_has_it(tmp_path: Path) -> None:
    path = tmp_path / "customers.jsonl"
    customers.write_customers(path, 1)
    for guest in (customers.ms_wang(), *(customers.append_guest(path) for _ in range(20))):
        applicant = customers.at_the_desk(guest)
        issued = date.fromisoformat(applicant.document_issue_date)
        assert resident_id.sex(applicant.resident_id) == applicant.answers()["sex"]
        assert validity.parse_expiry(applicant.document_valid_until) == validity.expiry_by_law(
            guest.birth_date, issued, years=_YEARS
        )


def test_what_is_mistyped_is_wrong_and_nothing_else_is_changed() -> None:
    right = customers.at_the_desk(customers.ms_wang()).answers()
    wrong = mistyped(right)
    assert {key for key in right if wrong[key] != right[key]} == {
        "resident_id",
        "document_valid_until",
        "mobile",
        "account_purpose",
    }


def test_lines_and_cues_say_the_same_when_read_again() -> None:
    line = Line("柜员 陈思远", "叫下一位", "A007", 12.5, {"ticket": "A007"})
    assert Line.from_json(line.to_json()) == line
    applicant = customers.at_the_desk(customers.ms_wang())
    assert Applicant.from_json(applicant.to_json()) == applicant


def _is_like(record: CustomerRecord, other: CustomerRecord) -> bool:
    return all(
        getattr(record, name) == getattr(other, name)
        for name in ("name", "tier_code", "home_branch_id", "relationship_manager_id")
    )
