"""Turns refusals into gRPC statuses: the only place where a call is aborted."""

from uuid import uuid4

import grpc
import structlog
from google.protobuf import any_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.protection.redact import redact
from fingertip_server.rpc.binding import Method

DOMAIN = "fingertip"
_DETAILS_KEY = "grpc-status-details-bin"

_log = structlog.get_logger("fingertip.call")


def internal(error: BaseException, method: Method, content: bytes) -> errors.Internal:
    """Returns what the caller is told of a fault of ours, and logs the fault itself.

    Neither the exception's text nor its values reach the client or the log: both may be personal.
    Of the request, the log has what is not.
    """
    incident_id = str(uuid4())
    _log.error(
        "incident",
        incident_id=incident_id,
        method=method.name,
        request=_shown(method, content),
        exception=type(error).__name__,
        frames=_frames(error),
    )
    return errors.Internal(
        ErrorReason.ERROR_REASON_INTERNAL,
        "The server failed. Tell its operator the incident's id.",
        incident_id=incident_id,
    )


def details_of(refusal: errors.DomainError) -> tuple[tuple[str, bytes], ...]:
    """Returns the trailing metadata that carries the refusal's google.rpc.Status."""
    status = status_pb2.Status(code=refusal.code.value[0], message=refusal.message)
    status.details.append(
        _packed(
            error_details_pb2.ErrorInfo(
                reason=refusal.reason_name, domain=DOMAIN, metadata=refusal.metadata
            )
        )
    )
    if refusal.violations:
        faults = error_details_pb2.BadRequest()
        for violation in refusal.violations:
            faults.field_violations.add(field=violation.field, description=violation.sentence)
        status.details.append(_packed(faults))
    return ((_DETAILS_KEY, status.SerializeToString()),)


async def abort(
    context: grpc.aio.ServicerContext[bytes, bytes], refusal: errors.DomainError
) -> None:
    """Ends the call with the refusal."""
    await context.abort(refusal.code, refusal.message, details_of(refusal))


def _packed(
    detail: error_details_pb2.ErrorInfo | error_details_pb2.BadRequest,
) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed


def _shown(method: Method, content: bytes) -> str:
    try:
        return redact(method.request.FromString(content))
    except DecodeError:
        return "no message of the contract"


def _frames(error: BaseException) -> list[str]:
    frames = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename.rpartition('fingertip_server/')[2]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return frames[-12:]
