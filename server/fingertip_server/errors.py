"""Refusals: one class per gRPC code, raised where the decision is made."""

from collections.abc import Sequence
from dataclasses import dataclass

import grpc

from fingertip.errors.v1.error_reason_pb2 import ErrorReason

_PREFIX = "ERROR_REASON_"


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault of a request: which field, and in a sentence what is wrong with it."""

    field: str
    sentence: str


class DomainError(Exception):
    """A refusal that the caller is told about.

    The message and the metadata reach the client: neither may hold personal data.
    """

    code = grpc.StatusCode.UNKNOWN

    def __init__(
        self,
        reason: ErrorReason.ValueType,
        message: str,
        *,
        violations: Sequence[Violation] = (),
        **metadata: str,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.violations = tuple(violations)
        self.metadata = metadata

    @property
    def reason_name(self) -> str:
        """The reason as it goes over the wire, for example "TICKET_STATE"."""
        return ErrorReason.Name(self.reason).removeprefix(_PREFIX)


class InvalidArgument(DomainError):
    """The request is wrong whatever the state of things."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class NotFound(DomainError):
    """The caller may ask, but there is no such thing."""

    code = grpc.StatusCode.NOT_FOUND


class AlreadyExists(DomainError):
    """What should be made is there already."""

    code = grpc.StatusCode.ALREADY_EXISTS


class InvalidState(DomainError):
    """Somebody has to act before this is possible."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class Conflict(DomainError):
    """Somebody else was faster: read again and decide anew."""

    code = grpc.StatusCode.ABORTED


class PermissionDenied(DomainError):
    """The caller is known and may not."""

    code = grpc.StatusCode.PERMISSION_DENIED


class Unauthenticated(DomainError):
    """The caller is not known."""

    code = grpc.StatusCode.UNAUTHENTICATED


class LimitReached(DomainError):
    """A limit that we set is reached: try later."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED


class Unavailable(DomainError):
    """Nothing is known to have happened: repeat with the same request_id."""

    code = grpc.StatusCode.UNAVAILABLE


class OutOfRange(DomainError):
    """A position is older than what is kept."""

    code = grpc.StatusCode.OUT_OF_RANGE


class DeadlineExceeded(DomainError):
    """The caller's time was over before work began."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED


class Internal(DomainError):
    """A fault of ours: a fixed sentence and the number of the incident."""

    code = grpc.StatusCode.INTERNAL


def temporarily_unavailable() -> Unavailable:
    """Returns the refusal for a database that is away, busy, or silent about a commit."""
    return Unavailable(
        ErrorReason.ERROR_REASON_TEMPORARILY_UNAVAILABLE,
        "The server cannot reach its database now. Repeat with the same request_id.",
    )


def require_etag(version: int, etag: str) -> None:
    """Raises ABORTED when `etag` is not that of `version`."""
    if etag != str(version):
        raise Conflict(
            ErrorReason.ERROR_REASON_ETAG_MISMATCH,
            "The resource changed since it was read. Read it again.",
            etag=str(version),
        )
