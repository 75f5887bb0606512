"""Numbers of passports and travel permits."""

from collections.abc import Callable

import pytest

from fingertip_server.identifiers import travel_document
from fingertip_server.identifiers.faults import FaultKind, IdentifierFault

_PASSPORT = travel_document.normalise_passport
_HONG_KONG_MACAU = travel_document.normalise_hong_kong_macau_permit
_TAIWAN = travel_document.normalise_taiwan_permit


@pytest.mark.parametrize(
    ("read", "written", "stored"),
    [
        (_PASSPORT, "l898902c3", "L898902C3"),
        (_PASSPORT, " E 1234 5678", "E12345678"),
        (_HONG_KONG_MACAU, "h12345678", "H12345678"),
        (_HONG_KONG_MACAU, "M1234567801", "M12345678"),
        (_TAIWAN, "0123 4567", "01234567"),
    ],
)
def test_a_number_has_one_spelling(read: Callable[[str], str], written: str, stored: str) -> None:
    assert read(written) == stored


@pytest.mark.parametrize(
    ("read", "value", "kind"),
    [
        (_PASSPORT, "", FaultKind.EMPTY),
        (_PASSPORT, "AB12", FaultKind.CHARACTERS),
        (_PASSPORT, "ÄB12345", FaultKind.CHARACTERS),
        (_HONG_KONG_MACAU, "A12345678", FaultKind.CHARACTERS),
        (_HONG_KONG_MACAU, "H123456789", FaultKind.CHARACTERS),
        (_TAIWAN, "1234567", FaultKind.CHARACTERS),
        (_TAIWAN, "1234567٣", FaultKind.CHARACTERS),
    ],
)
def test_what_has_another_shape_is_refused(
    read: Callable[[str], str], value: str, kind: FaultKind
) -> None:
    with pytest.raises(IdentifierFault) as refusal:
        read(value)
    assert refusal.value.kind == kind
