"""Hashes and checks passwords with argon2id, away from the event loop."""

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from fingertip_server.identity import rules

# RFC 9106, the second recommended option, on one lane: a server has better things for its cores.
_MEMORY_KIB = 64 * 1024
_PASSES = 3
_LANES = 1
_SALT_BYTES = 16
_HASH_BYTES = 32
_hasher = PasswordHasher(_PASSES, _MEMORY_KIB, _LANES, _HASH_BYTES, _SALT_BYTES)

# Each check holds 64 MiB: more of them at a time wait for their turn.
_threads = ThreadPoolExecutor(2, "argon2")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode().rstrip("=")


# Checked for staff numbers that nobody has, so that they take as long as the others. No password
# is known to match it.
_NOBODYS_HASH = (
    f"$argon2id$v=19$m={_MEMORY_KIB},t={_PASSES},p={_LANES}"
    f"${_base64(secrets.token_bytes(_SALT_BYTES))}${_base64(secrets.token_bytes(_HASH_BYTES))}"
)


def accepted_hash(staff_id: str, password: str, former: Iterable[str]) -> str:
    """Returns the hash of a new password. `former` are the hashes of all earlier ones.

    Takes a tenth of a second for each. Raises PASSWORD_NOT_ACCEPTED.
    """
    rules.check_password(staff_id, password)
    if any(is_match(known, password) for known in former):
        raise rules.password_not_accepted("The password was used before.", "reuse")
    return _hasher.hash(_normalised(password))


def is_match(password_hash: str | None, password: str) -> bool:
    """Says whether it is the password; without a hash it is not, after the same work."""
    try:
        _hasher.verify(password_hash or _NOBODYS_HASH, _normalised(password))
    except VerifyMismatchError:
        return False
    return password_hash is not None


async def check(password_hash: str | None, password: str) -> bool:
    """Does what `is_match` does, without holding up the event loop."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, is_match, password_hash, password)


def _normalised(password: str) -> str:
    # RFC 8265, OpaqueString: two keyboards may write the same character in two ways.
    return unicodedata.normalize("NFC", password)
