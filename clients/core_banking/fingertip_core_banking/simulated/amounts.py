"""The money of the simulated bank, in cents."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from google.type.money_pb2 import Money

from fingertip.applications.v1.content_pb2 import ApplicationContent, SignedForm

_CENTS = 100
_NANOS_PER_CENT = 10_000_000
# In which answer the amount of a kind of work stands; other work moves nothing.
_FIELDS: Mapping[str, str] = MappingProxyType({"core.open_loan": "loan_amount"})


def to_book(content: ApplicationContent) -> int | None:
    """Returns the cents that the signed form asks to be granted, None where there are none."""
    field = _FIELDS.get(content.work_kind)
    signed = SignedForm.FromString(content.signed_form)
    given = next((each.value for each in signed.answers if each.field_key == field), "")
    return int(Decimal(given) * _CENTS) if given else None


def money(cents: int) -> Money:
    """Returns an amount as the contract writes it."""
    # Units and nanos must agree in sign, which truncation towards zero gives and // does not.
    sign = -1 if cents < 0 else 1
    units, rest = divmod(abs(cents), _CENTS)
    return Money(currency_code="CNY", units=sign * units, nanos=sign * rest * _NANOS_PER_CENT)
