"""Makes any number of customers who do not exist.

A customer follows from the seed and his index alone: nothing is remembered, so that millions
stream through constant memory, a stream goes on from any index, and two runs agree. Numbers follow
from the index alone, each by an injective mapping, so that none comes twice. They belong to
nobody: resident identity numbers begin with a province that does not exist, residence permits
(whose beginning is fixed) have sequence numbers that no day's births reach, mobile numbers begin
with 154, which no operator has (unverified), and card numbers with the pack's own BIN.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from fingertip_server.identifiers import bank_card, resident_id
from fingertip_server.identifiers.names import MIDDLE_DOT
from fingertip_server.identifiers.resident_id import Document, Sex
from fingertip_server.packs import synthetic_words as words
from fingertip_server.packs.schema import Pack
from fingertip_server.packs.schema_bank import BranchKind

COUNT_DEFAULT = 2_000
# There are as many mobile numbers behind one prefix.
COUNT_MAX = 100_000_000

_FIRST_BIRTH = date(1936, 1, 1)
_BIRTH_DAYS = (date(2009, 1, 1) - _FIRST_BIRTH).days
# Sequences from 900 on are left to residence permits and to the people of the story.
_SEQUENCES = range(1, 900)
_RESERVED_SEQUENCES = range(900, 996)
_DISTRICT_CODES = tuple(code for code, _ in words.DISTRICTS)
_PERMIT_REGIONS = ("810000", "820000", "830000")
_PERMIT_EVERY = 500

# Of a thousand customers, how many are below the second, third and fourth tier.
_TIER_STEPS = (880, 970, 995)
# From the third tier on, a customer has a relationship manager.
_MANAGED_LEVEL = 2
_CARDS_MAX = 4

# A prime that divides none of the spaces it scatters over, so that indexes are mapped one to one.
_SCATTER = 2_654_435_761
_SHIFT = 20_260_201


@dataclass(frozen=True, slots=True)
class SyntheticCustomer:
    """A customer as the bank's customer master has him; no relationship manager is ""."""

    index: int
    customer_number: str
    name: str
    sex: Sex
    birth_date: date
    document: Document
    resident_id: str
    mobile: str
    card_numbers: tuple[str, ...]
    tier_code: str
    home_branch_id: str
    relationship_manager_id: str
    district: str
    address: str


@dataclass(frozen=True, slots=True)
class Population:
    """The bank whose customers are made: its tiers from the lowest, its branches, its managers.

    `relationship_managers` lists staff numbers by branch.
    """

    bank_code: str
    card_bin: str
    tiers: Sequence[str]
    branches: Sequence[str]
    relationship_managers: Mapping[str, Sequence[str]]
    seed: int = 1


@dataclass(frozen=True, slots=True)
class _Persona:
    """Somebody of the story; his numbers are made like everybody's, but reserved for him."""

    name: str
    body: str
    level: int


# Ms Wang of the story, and the customer who is an authoriser of the demo bank himself.
_PERSONAS = (
    _Persona("王若兰", "19010219780520902", level=3),
    _Persona("徐海涛", "19010119851107901", level=0),
)


def population_of(pack: Pack, *, seed: int = 1) -> Population:
    """Returns the bank of a pack, as far as its customers depend on it."""
    branches = [branch.code for branch in pack.branches if branch.kind == BranchKind.BRANCH]
    return Population(
        bank_code=pack.bank.code,
        card_bin=pack.bank.card_bins[0],
        tiers=[tier.code for tier in sorted(pack.bank.tiers, key=lambda tier: tier.rank)],
        branches=branches,
        relationship_managers={
            branch: [
                member.staff_number
                for member in pack.staff
                if member.branch == branch and "relationship_manager" in member.roles
            ]
            for branch in branches
        },
        seed=seed,
    )


def customers(
    population: Population, count: int = COUNT_DEFAULT, *, start: int = 0
) -> Iterator[SyntheticCustomer]:
    """Makes `count` customers from the index `start` on.

    Index 0 is Ms Wang: the highest tier, the first branch, its first relationship manager.
    Raises `ValueError` for indexes below 0 or not below `COUNT_MAX`.
    """
    if start < 0 or count < 0 or start + count > COUNT_MAX:
        raise ValueError(f"There are customers from 0 to {COUNT_MAX - 1}.")
    return (_make(population, index) for index in range(start, start + count))


class _Draws:
    """Numbers that follow from seed and index, drawn one after the other."""

    def __init__(self, seed: int, index: int) -> None:
        text = f"{seed}/{index}".encode()
        self._rest = int.from_bytes(hashlib.blake2b(text, digest_size=32).digest())

    def below(self, limit: int) -> int:
        self._rest, drawn = divmod(self._rest, limit)
        return drawn


def _make(population: Population, index: int) -> SyntheticCustomer:
    draws = _Draws(population.seed, index)
    persona = _PERSONAS[index] if index < len(_PERSONAS) else None
    body = persona.body if persona else _body(index)
    number = body + resident_id.check_character(body)
    sex = resident_id.sex(number)
    level = persona.level if persona else _level(draws)
    branch = population.branches[0 if persona else draws.below(len(population.branches))]
    managers = population.relationship_managers[branch] if level >= _MANAGED_LEVEL else ()
    _, district = words.DISTRICTS[draws.below(len(words.DISTRICTS))]
    return SyntheticCustomer(
        index=index,
        customer_number=f"{population.bank_code}{index + 1:09d}",
        name=persona.name if persona else _name(draws, sex),
        sex=sex,
        birth_date=resident_id.birth_date(number),
        document=resident_id.document(number),
        resident_id=number,
        mobile=f"154{_scatter(index, COUNT_MAX):08d}",
        card_numbers=tuple(
            _card_number(population.card_bin, index, place)
            for place in range(2 if persona else _cards(draws))
        ),
        tier_code=population.tiers[min(level, len(population.tiers) - 1)],
        home_branch_id=branch,
        relationship_manager_id=_one_of(managers, 0 if persona else draws.below(1 << 16)),
        district=district,
        address=f"示范省示范市{district}{_street_address(draws)}",
    )


def _body(index: int) -> str:
    """Returns the first 17 digits of an identity number that no other index has."""
    ordinal, place = divmod(index, _PERMIT_EVERY)
    if place == _PERMIT_EVERY - 1:
        return _written_body(ordinal, _PERMIT_REGIONS, _RESERVED_SEQUENCES)
    return _written_body(index, _DISTRICT_CODES, _SEQUENCES)


def _written_body(ordinal: int, regions: Sequence[str], sequences: range) -> str:
    scattered = _scatter(ordinal, len(regions) * _BIRTH_DAYS * len(sequences))
    rest, region = divmod(scattered, len(regions))
    place, day = divmod(rest, _BIRTH_DAYS)
    born = _FIRST_BIRTH + timedelta(days=day)
    return f"{regions[region]}{born:%Y%m%d}{sequences[place]:03d}"


def _card_number(card_bin: str, index: int, place: int) -> str:
    """Returns the customer's card number at that place: 19 digits with a Luhn digit."""
    width = 18 - len(card_bin)
    account = _scatter(index, 10**width // _CARDS_MAX) * _CARDS_MAX + place
    body = f"{card_bin}{account:0{width}d}"
    return body + bank_card.check_digit(body)


def _scatter(ordinal: int, space: int) -> int:
    return (ordinal * _SCATTER + _SHIFT) % space


def _level(draws: _Draws) -> int:
    drawn = draws.below(1000)
    return sum(step <= drawn for step in _TIER_STEPS)


def _cards(draws: _Draws) -> int:
    """Returns how many cards a customer has; one in twenty banks without any."""
    drawn = draws.below(100)
    return sum(step <= drawn for step in (5, 70, 93, 99))


def _name(draws: _Draws, sex: Sex) -> str:
    characters = words.WOMENS_CHARACTERS if sex == Sex.FEMALE else words.MENS_CHARACTERS
    kind = draws.below(200)
    if kind == 0:
        own = words.DOTTED_WOMENS_NAMES if sex == Sex.FEMALE else words.DOTTED_MENS_NAMES
        father = _one_of(words.DOTTED_MENS_NAMES, draws.below(1 << 16))
        return f"{_one_of(own, draws.below(1 << 16))}{MIDDLE_DOT}{father}"
    if kind in {1, 2}:
        surname = _one_of(words.COMPOUND_SURNAMES, draws.below(1 << 16))
    else:
        # The lower of two draws: the earlier in the list, the more frequent.
        many = len(words.SURNAMES)
        surname = words.SURNAMES[min(draws.below(many), draws.below(many))]
    last = words.RARE_CHARACTERS if kind in {3, 4} else characters
    middle = "" if draws.below(6) == 0 else _one_of(characters, draws.below(1 << 16))
    return surname + middle + _one_of(last, draws.below(1 << 16))


def _street_address(draws: _Draws) -> str:
    street = _one_of(words.STREETS, draws.below(1 << 16))
    house, block, room = draws.below(300) + 1, draws.below(20) + 1, draws.below(30) * 100 + 101
    return f"{street}{house}号{block}幢{room}室"


def _one_of(choices: Sequence[str], drawn: int) -> str:
    return choices[drawn % len(choices)] if choices else ""
