"""What somebody may do at his age, and with which document."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from fingertip_server.applications import persons, readings
from fingertip_server.applications.faults import Fault, FaultKind
from fingertip_server.applications.persons import Party, Person
from fingertip_server.applications.readings import Keys, Readings
from fingertip_server.identifiers import anniversaries
from fingertip_server.packs.schema_policies import Policies


@dataclass(frozen=True, slots=True)
class AgePolicy:
    """What the bank's policies say of ages, in completed years.

    Under `guardian_under` a guardian acts; under `household_register_under` the household register
    is a document; from `proxy_from` somebody may act for another.
    """

    guardian_under: int
    household_register_under: int
    proxy_from: int


def policy(policies: Policies) -> AgePolicy:
    """Returns what the bank decided about ages."""
    return AgePolicy(
        guardian_under=policies.count("minors.guardian_under_years"),
        household_register_under=policies.count("minors.household_register_under_years"),
        proxy_from=policies.count("minors.proxy_from_years"),
    )


def faults(read: Readings, limits: AgePolicy) -> Iterator[Fault]:
    """Yields what the ages of an application's persons do not allow."""
    applicant, *others = persons.of(read)
    if applicant.birth_date is not None:
        yield from _of_applicant(read, _age(applicant.birth_date, read.today), limits)
    for person in (applicant, *others):
        yield from _of_document(read, person, limits)
    for other in others:
        yield from _of_proxy(read, applicant, other, limits)


def _of_applicant(read: Readings, age: int, limits: AgePolicy) -> Iterator[Fault]:
    at = _shown_by(read, readings.APPLICANT)
    youngest = read.form.applicant_age_min
    if youngest is not None and age < youngest:
        yield Fault(at, FaultKind.AGE, f"申请人未满{youngest}周岁，不能办理本业务。")
    elif age < limits.guardian_under and persons.acting(read) is not Party.GUARDIAN:
        years = limits.guardian_under
        yield Fault(at, FaultKind.AGE, f"申请人未满{years}周岁，须由监护人代为办理。")


def _of_document(read: Readings, person: Person, limits: AgePolicy) -> Iterator[Fault]:
    keys = persons.keys(person.party)
    if read.right(keys.document_type) != "household_register" or person.birth_date is None:
        return
    if _age(person.birth_date, read.today) >= limits.household_register_under:
        years = limits.household_register_under
        yield Fault(keys.document_type, FaultKind.AGE, f"年满{years}周岁应出示居民身份证。")


def _of_proxy(
    read: Readings, applicant: Person, other: Person, limits: AgePolicy
) -> Iterator[Fault]:
    at = _shown_by(read, readings.PROXY)
    label = persons.LABELS[other.party]
    if other.birth_date is not None and _age(other.birth_date, read.today) < limits.proxy_from:
        yield Fault(at, FaultKind.AGE, f"{label}未满{limits.proxy_from}周岁，不能代为办理。")
    if other.document_number and other.document_number == applicant.document_number:
        yield Fault(at, FaultKind.CONTRADICTION, f"{label}与申请人为同一人。")


def _shown_by(read: Readings, keys: Keys) -> str:
    """Returns the field that shows the age."""
    return keys.resident_id if read.right(keys.resident_id) else keys.birth_date


def _age(born: date, today: date) -> int:
    return anniversaries.completed_years(born, today)
