"""Whether what an adapter reports answers what it was asked."""

from fingertip.customer.v1.customer_view_pb2 import SectionKind
from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip.fulfilment.v1.work_item_pb2 import WorkOrder, WorkResult
from fingertip_server import errors


def require_answer(kind: str, order: WorkOrder, result: WorkResult, expected: str) -> None:
    """Raises RESULT_KIND for another kind's result, CONTENT_CHANGED for other content's."""
    if result.WhichOneof("result") != expected:
        raise _wrong_kind(kind)
    if expected == "section":
        part = SectionKind.Name(order.view_section.kind).removeprefix("SECTION_KIND_").lower()
        if result.section.WhichOneof("content") != part:
            raise _wrong_kind(kind)
    if expected == "executed_application":
        approved = order.application.content_hash
        _require_approved(result.executed_application.content_hash, approved)
    if expected == "executed_reversal":
        approved = order.reversal.content_hash
        _require_approved(result.executed_reversal.content_hash, approved)


def _require_approved(executed: bytes, approved: bytes) -> None:
    if executed != approved:
        raise errors.Conflict(
            ErrorReason.ERROR_REASON_CONTENT_CHANGED,
            "What was executed is not what was approved.",
            content_hash=approved.hex(),
        )


def _wrong_kind(kind: str) -> errors.InvalidArgument:
    return errors.InvalidArgument(
        ErrorReason.ERROR_REASON_RESULT_KIND,
        "The result is not one of this kind of work.",
        violations=[errors.Violation("result", "must answer this kind of work")],
        kind=kind,
    )
