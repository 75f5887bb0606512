"""Names of natural persons."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingertip_server.identifiers import names
from fingertip_server.identifiers.faults import FaultKind, IdentifierFault


@pytest.mark.parametrize(
    "name",
    [
        "王若兰",
        "欧阳明",
        "阿依古丽·买买提",
        "朱\u3007",
        "\U00020bb7野家",
        "\u4dae\u9f91",
        # Extensions G, H, I and J; Python may not know the later ones.
        "王\U00030edd",
        "李\U00031350",
        "张\U0002ebf0",
        "陈\U000323b0",
        "SMITH, JOHN Jr.",
        "O'Neil-Jones",
        "Zoë",
        "ཚེ་རིང".replace("\u0f0b", ""),
    ],
)
def test_a_name_passes_as_it_is(name: str) -> None:
    assert names.normalise(name) == name


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("  王若兰\u3000", "王若兰"),
        ("JOHN   SMITH", "JOHN SMITH"),
        ("\uff37\uff21\uff2e\uff27 LI", "WANG LI"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("\uf9b4明", "\u9818明"),
        ("阿依古丽\u2022买买提", "阿依古丽\u00b7买买提"),
        ("阿依古丽\u30fb买买提", "阿依古丽\u00b7买买提"),
        ("阿依古丽\u2027买买提", "阿依古丽\u00b7买买提"),
    ],
)
def test_the_ways_of_writing_a_name_are_stored_alike(written: str, stored: str) -> None:
    assert names.normalise(written) == stored


@pytest.mark.parametrize(
    "hidden",
    [
        "\x00", "\x07", "\t", "\n", "\x7f", "\x85", "\xad", "\u034f", "\u061c", "\u200b",
        "\u200c", "\u200d", "\u200e", "\u200f", "\u2028", "\u202a", "\u202e", "\u2060", "\u2066",
        "\u2069", "\u3164", "\ud800", "\ufe0f", "\ufeff", "\uffa0", "\U000e0041", "\U000e0100",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", [0, 1, 3])
def test_what_nobody_sees_is_refused(hidden: str, place: int) -> None:
    with pytest.raises(IdentifierFault) as refusal:
        names.normalise("王若兰"[:place] + hidden + "王若兰"[place:])
    assert refusal.value.kind == FaultKind.HIDDEN_CHARACTER


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("", FaultKind.EMPTY),
        (" \u3000 ", FaultKind.EMPTY),
        ("王" * 61, FaultKind.LENGTH),
        ("·王若兰", FaultKind.CHARACTERS),
        ("-", FaultKind.CHARACTERS),
        ("\u0301a", FaultKind.CHARACTERS),
        ("王若兰2", FaultKind.CHARACTERS),
        ("<script>", FaultKind.CHARACTERS),
        ("王<b>", FaultKind.CHARACTERS),
        ("王=1+1", FaultKind.CHARACTERS),
        ("王\U0001f600", FaultKind.CHARACTERS),
        ("王\ufffd", FaultKind.CHARACTERS),
        ("王\U0002ffff", FaultKind.CHARACTERS),
        ("王；", FaultKind.CHARACTERS),
        # Characters that a bank has drawn itself, in each of the areas for it.
        ("赵\ue863", FaultKind.PRIVATE_USE),
        ("赵\uf8ff", FaultKind.PRIVATE_USE),
        ("赵\U000f0000", FaultKind.PRIVATE_USE),
        ("赵\U0010fffd", FaultKind.PRIVATE_USE),
    ],
)
def test_what_is_no_name_is_refused(value: str, kind: FaultKind) -> None:
    with pytest.raises(IdentifierFault) as refusal:
        names.normalise(value)
    assert refusal.value.kind == kind


@given(st.text(max_size=80))
def test_normal_forms_stay_and_twins_meet(value: str) -> None:
    try:
        name = names.normalise(value)
    except IdentifierFault:
        return
    assert names.normalise(name) == name == unicodedata.normalize("NFC", name)
    assert names.normalise(unicodedata.normalize("NFD", value)) == name


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=60))
def test_every_name_of_unified_ideographs_passes(value: str) -> None:
    assert names.normalise(value) == value


@given(st.text(st.characters(min_codepoint=0x20000, max_codepoint=0x2F7FF), min_size=1, max_size=9))
def test_every_name_of_rare_ideographs_passes(value: str) -> None:
    assert names.normalise(value) == value
