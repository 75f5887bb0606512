"""Customers who do not exist."""

import itertools
import tracemalloc
from collections import Counter
from dataclasses import replace
from datetime import date

import pytest

from fingertip_server.identifiers import bank_card, names, phone, resident_id
from fingertip_server.identifiers.resident_id import Document, Sex
from fingertip_server.packs import DEMO, reading, synthetic
from fingertip_server.packs.synthetic import Population, SyntheticCustomer
from fingertip_server.packs.synthetic_words import COMPOUND_SURNAMES

TODAY = date(2026, 3, 1)
# Places along the whole range, the last ones included.
STARTS = (0, 499, 9_990_000, 50_000_000, synthetic.COUNT_MAX - 500)


@pytest.fixture(scope="module")
def population() -> Population:
    return synthetic.population_of(reading.read_pack(DEMO))


@pytest.fixture(scope="module")
def many(population: Population) -> list[SyntheticCustomer]:
    return [
        customer
        for start in STARTS
        for customer in synthetic.customers(population, 500, start=start)
    ] + list(synthetic.customers(population, 6_000, start=1_000_000))


def test_every_number_validates(many: list[SyntheticCustomer]) -> None:
    for customer in many:
        number = customer.resident_id
        assert resident_id.normalise(number, today=TODAY) == number
        assert resident_id.birth_date(number) == customer.birth_date
        assert resident_id.sex(number) == customer.sex
        assert resident_id.document(number) == customer.document
        assert resident_id.age(number, today=TODAY) >= 16
        assert phone.normalise(customer.mobile) == customer.mobile
        assert names.normalise(customer.name) == customer.name
        for card in customer.card_numbers:
            assert bank_card.normalise(card) == card
            assert len(card) == 19


def test_numbers_belong_to_nobody(many: list[SyntheticCustomer]) -> None:
    for customer in many:
        assert customer.mobile.startswith("154")
        assert all(card.startswith("629990") for card in customer.card_numbers)
        if customer.document == Document.RESIDENT_ID_CARD:
            assert customer.resident_id.startswith("19")
        else:
            assert int(customer.resident_id[14:17]) >= 900


def test_no_number_comes_twice(population: Population) -> None:
    # The first, and samples from far away.
    some = itertools.chain(
        synthetic.customers(population, 20_000),
        *(synthetic.customers(population, 2_000, start=start) for start in (10**7, 5 * 10**7)),
    )
    seen: Counter[str] = Counter()
    for customer in some:
        seen.update([customer.customer_number, customer.resident_id, customer.mobile])
        seen.update(customer.card_numbers)
    assert seen.most_common(1)[0][1] == 1


def test_ms_wang_is_the_first(population: Population) -> None:
    (wang,) = synthetic.customers(population, 1)
    assert wang.name.startswith("王")
    assert wang.sex == Sex.FEMALE
    assert wang.tier_code == "private"
    assert wang.home_branch_id == "0101"
    assert wang.relationship_manager_id == "100106"
    assert wang.card_numbers


def test_the_authoriser_who_is_a_customer_is_the_second(population: Population) -> None:
    pack = reading.read_pack(DEMO)
    (member,) = [member for member in pack.staff if member.customer_number]
    (customer,) = synthetic.customers(population, 1, start=1)
    assert customer.customer_number == member.customer_number
    assert customer.name == member.name


def test_a_customer_follows_from_seed_and_index_alone(population: Population) -> None:
    stream = list(synthetic.customers(population, 1_500))
    assert stream == list(synthetic.customers(population, 1_500))
    assert stream[1_000:] == list(synthetic.customers(population, 500, start=1_000))
    other = replace(population, seed=2)
    assert [c.name for c in synthetic.customers(other, 50)] != [c.name for c in stream[:50]]
    assert next(synthetic.customers(other, 1)).card_numbers == stream[0].card_numbers


def test_tiers_are_spread_as_in_a_bank(many: list[SyntheticCustomer]) -> None:
    tiers = Counter(customer.tier_code for customer in many)
    assert tiers["standard"] > 8 * tiers["gold"] > 16 * tiers["platinum"] > 32 * tiers["private"]
    assert tiers["private"] > 0


def test_the_upper_tiers_have_a_manager_of_their_branch(
    population: Population, many: list[SyntheticCustomer]
) -> None:
    for customer in many:
        if customer.tier_code in {"platinum", "private"}:
            managers = population.relationship_managers[customer.home_branch_id]
            assert customer.relationship_manager_id in managers
        else:
            assert customer.relationship_manager_id == ""


def test_the_default_demo_has_all_kinds_of_names_and_documents(population: Population) -> None:
    some = list(synthetic.customers(population))
    assert len(some) == 2_000
    assert set(Document) == {customer.document for customer in some}
    assert any("·" in customer.name for customer in some)
    assert any(customer.name.startswith(COMPOUND_SURNAMES) for customer in some)
    assert any(len(customer.name) == 2 for customer in some)
    assert any(ord(character) > 0xFFFF for customer in some for character in customer.name)
    assert {len(customer.card_numbers) for customer in some} >= {0, 1, 2, 3}
    assert {customer.home_branch_id for customer in some} == set(population.branches)


def test_an_address_names_its_district(many: list[SyntheticCustomer]) -> None:
    assert all(customer.district in customer.address for customer in many)


def test_a_bank_with_fewer_tiers_and_no_managers_has_customers_too() -> None:
    small = Population("TINY", "62999012", ["only"], ["01"], {"01": []})
    for customer in synthetic.customers(small, 500):
        assert customer.tier_code == "only"
        assert customer.relationship_manager_id == ""
        for card in customer.card_numbers:
            assert bank_card.normalise(card).startswith("62999012")


@pytest.mark.parametrize(("count", "start"), [(1, -1), (-1, 0), (1, synthetic.COUNT_MAX)])
def test_there_are_no_customers_beyond_the_range(
    population: Population, count: int, start: int
) -> None:
    with pytest.raises(ValueError, match="There are customers from 0"):
        synthetic.customers(population, count, start=start)


def test_a_stream_remembers_nothing(population: Population) -> None:
    tracemalloc.start()
    try:
        for _ in synthetic.customers(population, 1_000):
            pass
        _, early = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in synthetic.customers(population, 4_000, start=1_000):
            pass
        _, late = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert late < early + 64 * 1024
