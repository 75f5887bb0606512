"""The bank itself: its units, roles, staff, service lines and products."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from fingertip_server.packs.schema_types import (
    ClockTime,
    Currency,
    CustomerNumber,
    DottedWords,
    Frozen,
    PersonName,
    Sentence,
    StaffNumber,
    TimeZone,
    Title,
    UnitCode,
    VersionedWord,
    Word,
)

Bin = Annotated[str, StringConstraints(pattern=r"^[0-9]{6,8}$")]


class Tier(Frozen):
    """A standing that the bank gives its customers; the higher the rank, the higher the tier."""

    code: Word
    name: Title
    rank: int = Field(ge=0, le=99)
    # Whether the lobby is told when such a customer takes a ticket.
    alert: bool


class Bank(Frozen):
    """bank.yaml: who the bank is, and which version of its pack this is."""

    version: Annotated[
        str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.-]*$", max_length=32)
    ]
    code: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{1,7}$")]
    name: Title
    currency: Currency
    time_zone: TimeZone
    card_bins: tuple[Bin, ...]
    tiers: tuple[Tier, ...] = Field(min_length=1)
    # Days from Monday to Friday on which nobody works, and weekends worked in their place (调休).
    holidays: tuple[date, ...] = Field(default=(), max_length=1000)
    worked_weekends: tuple[date, ...] = Field(default=(), max_length=1000)


class BranchKind(StrEnum):
    """What an office does."""

    BRANCH = "branch"
    CENTRE = "centre"
    HEAD_OFFICE = "head_office"


class Branch(Frozen):
    """An office with staff: one that serves customers, an authorization centre, or the head office.

    `time_zone` is absent where the bank's own holds; `Pack.time_zone` answers for both.
    """

    code: UnitCode
    kind: BranchKind
    name: Title
    region: Title
    address: Sentence
    time_zone: TimeZone | None = None
    opens: ClockTime
    closes: ClockTime

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> "Branch":
        if self.opens >= self.closes:
            raise ValueError("The office opens before it closes, on the same day.")
        return self


class Branches(Frozen):
    """branches.yaml."""

    branches: tuple[Branch, ...] = Field(min_length=1)


class Role(Frozen):
    """What a member of staff does, and what he may therefore call."""

    code: Word
    title: Title
    permissions: tuple[DottedWords, ...] = Field(min_length=1)


class Roles(Frozen):
    """roles.yaml."""

    roles: tuple[Role, ...] = Field(min_length=1)


class SkillGroup(Frozen):
    """A kind of work that authorisers learn."""

    code: Word
    name: Title


class SkillGroups(Frozen):
    """skill_groups.yaml."""

    skill_groups: tuple[SkillGroup, ...]


class StaffMember(Frozen):
    """An account of a member of staff; one person may have several.

    `customer_number` says which customer of the bank the person is, if any, and `relatives` about
    which customers he does not decide because they are his (亲属回避). `level` is his authority
    (授权级别): he decides about what needs no higher one.
    """

    staff_number: StaffNumber
    person_id: UUID
    name: PersonName
    branch: UnitCode
    roles: tuple[Word, ...] = Field(min_length=1)
    skills: tuple[Word, ...] = ()
    level: int = Field(default=1, ge=1, le=9)
    customer_number: CustomerNumber | None = None
    relatives: tuple[CustomerNumber, ...] = ()


class Staff(Frozen):
    """staff.yaml."""

    staff: tuple[StaffMember, ...] = Field(min_length=1)


class ServiceLine(Frozen):
    """A queue of a branch. Its numbers begin anew each day of the branch's time zone.

    Customers of the `tiers` are put into it by their tier; a `priority` line is called before the
    others, within the limits of the policies.
    """

    branch: UnitCode
    code: Annotated[str, StringConstraints(pattern=r"^[A-Z]$")]
    name: Title
    first_number: int = Field(ge=1, le=999)
    last_number: int = Field(ge=1, le=999)
    tiers: tuple[Word, ...] = ()
    priority: bool = False

    @model_validator(mode="after")
    def _has_numbers(self) -> "ServiceLine":
        if self.first_number > self.last_number:
            raise ValueError("The first number is not above the last.")
        return self


class ServiceLines(Frozen):
    """service_lines.yaml."""

    service_lines: tuple[ServiceLine, ...]


class Product(Frozen):
    """Something that a customer applies for; where it is a card, its number begins with `card_bin`.

    `kind` is the bank's own word.
    """

    code: Word
    name: Title
    kind: Word
    card_bin: Bin | None = None
    form: VersionedWord


class Products(Frozen):
    """products.yaml."""

    products: tuple[Product, ...]
