"""What the bank counts one by one: blank cards, security devices."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from fingertip_server.packs.schema_bank import Bin
from fingertip_server.packs.schema_types import Frozen, Title, Word

_DIGITS = re.compile(r"[0-9]+")


class VoucherKind(StrEnum):
    """What a voucher is."""

    BLANK_CARD = "blank_card"
    SECURITY_DEVICE = "security_device"


class VoucherType(Frozen):
    """A type of vouchers. Each has a serial: the prefix, and a number of so many digits.

    The serial of a blank card is that of the card body, never its account's number, whose first
    digits are `card_bin`.
    """

    code: Word
    name: Title
    kind: VoucherKind
    card_bin: Bin | None = None
    serial_prefix: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{0,8}$")]
    serial_digits: int = Field(ge=1, le=18)

    @model_validator(mode="after")
    def _is_a_card_with_a_bin(self) -> "VoucherType":
        if (self.kind == VoucherKind.BLANK_CARD) != (self.card_bin is not None):
            raise ValueError("A blank card has a card_bin, and nothing else has.")
        return self

    def serial(self, number: int) -> str:
        """Returns the serial of a number."""
        return f"{self.serial_prefix}{number:0{self.serial_digits}d}"

    def number(self, serial: str) -> int | None:
        """Returns the number of a serial, or None where it is not one of this type."""
        digits = serial.removeprefix(self.serial_prefix)
        is_one = (
            serial.startswith(self.serial_prefix)
            and len(digits) == self.serial_digits
            and _DIGITS.fullmatch(digits) is not None
        )
        return int(digits) if is_one else None


class VoucherTypes(Frozen):
    """vouchers.yaml."""

    voucher_types: tuple[VoucherType, ...]
