"""Unified social credit codes, GB 32100-2015."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingertip_server.identifiers import uscc
from fingertip_server.identifiers.faults import FaultKind, IdentifierFault

_characters = st.sampled_from(uscc.ALPHABET)
_text = st.text(_characters, min_size=2, max_size=2)
bodies = st.builds(
    lambda authority, region, organisation: (
        f"{authority}{region:06d}{organisation}{uscc.organisation_check_character(organisation)}"
    ),
    _text,
    st.integers(min_value=0, max_value=999_999),
    st.text(_characters, min_size=8, max_size=8),
)


@pytest.mark.parametrize(
    "code",
    ["91110000101623741K", "91350100M000100Y43", "91110000MA00026X00"],
)
def test_a_code_whose_checks_match_is_ok(code: str) -> None:
    assert uscc.examine(code) == uscc.Verdict.OK
    assert uscc.normalise(code).code == code


@pytest.mark.parametrize(
    ("body", "check"),
    [("91110000MA00026X0", "0"), ("91110000MA00023X0", "Y"), ("91110000101623741", "K")],
)
def test_remainders_of_0_and_1_give_0_and_y(body: str, check: str) -> None:
    assert uscc.check_character(body) == check


@pytest.mark.parametrize(
    ("code", "code_matches", "organisation_matches"),
    [
        # A real registered code that fails.
        ("91350211M0000XUF46", False, True),
        # Invented, as found on the web.
        ("91310115MA1H8R7C6D", False, False),
        # Made to show remainder 1; its organisation code does not match.
        ("91110000MA00023X0Y", True, False),
    ],
)
def test_a_mismatch_is_a_warning_and_not_a_refusal(
    code: str, *, code_matches: bool, organisation_matches: bool
) -> None:
    examined = uscc.normalise(code)
    assert examined.verdict == uscc.examine(code) == uscc.Verdict.WARN_CHECK_DIGIT
    assert examined.code_check_matches is code_matches
    assert examined.organisation_check_matches is organisation_matches


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("", FaultKind.EMPTY),
        ("9111000010162374", FaultKind.LENGTH),
        ("91110000101623741K0", FaultKind.LENGTH),
        ("911100001O1623741K", FaultKind.CHARACTERS),
        ("9111000010162374I1", FaultKind.CHARACTERS),
        ("9111000010162374Z1", FaultKind.CHARACTERS),
        ("9111000010162374S1", FaultKind.CHARACTERS),
        ("9111000010162374V1", FaultKind.CHARACTERS),
        ("9111A000101623741K", FaultKind.CHARACTERS),
        ("9111000010162374\u4e00K", FaultKind.CHARACTERS),
    ],
)
def test_a_malformed_code_is_invalid(value: str, kind: FaultKind) -> None:
    with pytest.raises(IdentifierFault) as refusal:
        uscc.normalise(value)
    assert refusal.value.kind == kind
    assert uscc.examine(value) == uscc.Verdict.INVALID


def test_a_code_is_stored_compact_and_in_capitals() -> None:
    assert uscc.normalise(" 91110000-10162374-1k ").code == "91110000101623741K"


@given(bodies)
def test_every_constructed_code_is_ok(body: str) -> None:
    assert uscc.examine(body + uscc.check_character(body)) == uscc.Verdict.OK


@given(bodies, st.integers(min_value=0, max_value=17), _characters)
def test_every_change_of_one_character_is_noticed(body: str, place: int, other: str) -> None:
    code = body + uscc.check_character(body)
    changed = code[:place] + other + code[place + 1 :]
    assert (uscc.examine(changed) == uscc.Verdict.OK) is (changed == code)
