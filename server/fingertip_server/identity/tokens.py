"""Makes the secrets of devices and sessions, which only their hashes outlive."""

import secrets

# Crockford's base 32: no I, L, O or U, so that a code is read out and typed without mistakes.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})
_TOKEN_BYTES = 32
_CODE_GROUPS = 3
_GROUP_LENGTH = 4


def new_token() -> str:
    """Returns an opaque secret of 256 bits, fit for a header."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def new_enrolment_code() -> str:
    """Returns a secret of 60 bits to be typed by hand, for example 7Q3K-9ZRT-XM2P."""
    groups = (
        "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH))
        for _ in range(_CODE_GROUPS)
    )
    return "-".join(groups)


def normalise_code(typed: str) -> str:
    """Returns what a typed code means: no hyphens, and 0 and 1 for the letters that look alike."""
    return typed.upper().translate(_MISREAD)
