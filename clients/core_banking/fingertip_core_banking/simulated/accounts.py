"""The account numbers that the simulated bank gives out."""

from uuid import UUID

from fingertip_core_banking.simulated import draws

_LENGTH = 19


def account_number(card_bin: str, operation_id: UUID, attempt: int = 0) -> str:
    """Returns a 19-digit number with a check digit, always the same for the same operation.

    A bank that finds the number taken asks for the next `attempt`.
    """
    places = _LENGTH - 1 - len(card_bin)
    body = f"{card_bin}{draws.number(10**places, operation_id, attempt):0{places}}"
    return body + check_digit(body)


def check_digit(body: str) -> str:
    """Returns the Luhn digit that completes the digits before it (ISO/IEC 7812-1, annex B)."""
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in body[::-2]]
    return str(-(sum(doubled) + sum(map(int, body[-2::-2]))) % 10)
