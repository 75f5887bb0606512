"""Tells why a call was refused, from what the server says about it as data."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import grpc
from google.protobuf.message import DecodeError
from google.rpc import status_pb2
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo

_DETAILS_KEY: Final = "grpc-status-details-bin"

# Nobody answered. CANCELLED is what gRPC itself says of a call that reaches a server behind its
# last frame; a caller who cancels does not see it, but an asyncio.CancelledError.
_UNKNOWN_OUTCOME: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
    }
)


@dataclass(frozen=True, slots=True)
class Violation:
    """A field of the request and the rule that it breaks."""

    field: str
    description: str


class Refused(Exception):
    """A call did not succeed.

    `reason` is a name of fingertip.errors.v1.ErrorReason without its prefix, one that this client
    does not know yet, or empty when no server of ours answered. `metadata` has the reason's keys;
    `violations` names the fields at fault. `message` is for logs, never for matching.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        *,
        reason: str = "",
        message: str = "",
        metadata: Mapping[str, str] | None = None,
        violations: tuple[Violation, ...] = (),
    ) -> None:
        said = f"{code.name} {reason}: {message}" if reason else f"{code.name}: {message}"
        incident_id = (metadata or {}).get("incident_id")
        super().__init__(f"{said} ({incident_id})" if incident_id else said)
        self.code = code
        self.reason = reason
        self.message = message
        self.metadata: Mapping[str, str] = dict(metadata or {})
        self.violations = violations

    @property
    def outcome_is_unknown(self) -> bool:
        """Says that the server may have done what was asked: repeat with the same request_id."""
        return self.code in _UNKNOWN_OUTCOME

    @classmethod
    def from_error(cls, error: grpc.aio.AioRpcError) -> Self:
        """Reads the refusal out of gRPC's error; details that cannot be read are left out."""
        info, faults = _details(error)
        return cls(
            error.code(),
            reason=info.reason,
            message=error.details() or "",
            metadata=info.metadata,
            violations=tuple(
                Violation(fault.field, fault.description) for fault in faults.field_violations
            ),
        )


def _details(error: grpc.aio.AioRpcError) -> tuple[ErrorInfo, BadRequest]:
    """Returns the details that came with the error; empty ones when none did."""
    info, faults = ErrorInfo(), BadRequest()
    value = (error.trailing_metadata() or grpc.aio.Metadata()).get(_DETAILS_KEY)
    if isinstance(value, bytes):
        # Something between us and the server may have written what cannot be read; the gRPC code
        # still says what to do.
        with contextlib.suppress(DecodeError):
            for detail in status_pb2.Status.FromString(value).details:
                # Each unpacks only what is its own.
                detail.Unpack(info)
                detail.Unpack(faults)
    return info, faults
