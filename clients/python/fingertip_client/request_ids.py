"""Makes the ids by which a server recognises a request that it has seen."""

import secrets
import time
import uuid


def new_request_id() -> str:
    """Makes an id when the user decides; every repetition of that decision carries the same one.

    It is a UUID of version 7 (RFC 9562, 5.7): the time in it tells a server that an id is older
    than what it remembers.
    """
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | secrets.randbits(80)
    version, variant = 0x7 << 76, 0b10 << 62
    return str(uuid.UUID(int=value & ~((0xF << 76) | (0b11 << 62)) | version | variant))
