"""Pages of lists. A token is opaque, belongs to one list with one filter, and grants nothing."""

import hashlib
import json
from base64 import b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from typing import Protocol

from google.protobuf.message import Message

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.protection.errors import Forged
from fingertip_server.rpc.call import Call

_SIZE_DEFAULT = 50
_SIZE_MAX = 200
_PURPOSE = "page"
_FILTER_BYTES = 16


class Paged(Protocol):
    """A request for a page."""

    page_size: int
    page_token: str


@dataclass(frozen=True, slots=True)
class Page:
    """How many rows are wanted, and after which key; None starts the list."""

    size: int
    after: tuple[str, ...] | None


def open_page(call: Call, request: Paged) -> Page:
    """Returns the page that a request asks for. Raises INVALID_PAGE_TOKEN."""
    size = min(request.page_size or _SIZE_DEFAULT, _SIZE_MAX)
    if not request.page_token:
        return Page(size, None)
    try:
        signed = b64decode(request.page_token, b"-_", validate=True)
        payload = call.protection.verify(_PURPOSE, signed)
    except (Forged, Base64Error, ValueError):
        raise _invalid() from None
    if payload[:_FILTER_BYTES] != _filter(call, request):
        raise _invalid()
    return Page(size, tuple(json.loads(payload[_FILTER_BYTES:])))


def next_token(call: Call, request: Paged, last_key: tuple[str, ...]) -> str:
    """Returns the token of the page after the row with this key."""
    payload = _filter(call, request) + json.dumps(last_key).encode()
    return urlsafe_b64encode(call.protection.sign(_PURPOSE, payload)).decode()


def _filter(call: Call, request: Paged) -> bytes:
    if not isinstance(request, Message):
        raise TypeError("a page is asked for by a message of the contract")
    wanted = type(request)()
    wanted.CopyFrom(request)
    wanted.ClearField("page_size")
    wanted.ClearField("page_token")
    content = wanted.SerializeToString(deterministic=True)
    return hashlib.sha256(call.method.encode() + b"\0" + content).digest()[:_FILTER_BYTES]


def _invalid() -> errors.InvalidArgument:
    return errors.InvalidArgument(
        ErrorReason.ERROR_REASON_INVALID_PAGE_TOKEN,
        "The page token is not one of this list. Start without it.",
        violations=[errors.Violation("page_token", "must be one that this list gave")],
    )
