"""Reads and proves the journal, for auditors."""

from uuid import UUID

from fingertip.audit.v1.audit_service_pb2 import (
    ListEntriesRequest,
    ListEntriesResponse,
    VerifyChainRequest,
    VerifyChainResponse,
)
from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.audit import journal, messages
from fingertip_server.rpc import paging
from fingertip_server.rpc.call import Call

_VERIFIED_MAX = 10_000


def list_entries(call: Call, request: ListEntriesRequest) -> ListEntriesResponse:
    """Lists entries of a chain, newest first."""
    _require_chain(call, request.chain)
    page = paging.open_page(call, request)
    rows = journal.newest(
        call.connection,
        request.chain,
        before=int(page.after[0]) if page.after else None,
        journey_id=UUID(request.journey_id) if request.journey_id else None,
        limit=page.size + 1,
    )
    shown = rows[: page.size]
    call.record("audit_chain", request.chain)
    return ListEntriesResponse(
        entries=[messages.entry(row) for row in shown],
        next_page_token=paging.next_token(call, request, (str(shown[-1].position),))
        if len(rows) > page.size
        else "",
    )


def verify_chain(call: Call, request: VerifyChainRequest) -> VerifyChainResponse:
    """Computes a chain's links anew and compares."""
    _require_chain(call, request.chain)
    finding = journal.verify(
        call.connection,
        request.chain,
        request.first_position or 1,
        request.count or _VERIFIED_MAX,
    )
    call.record("audit_chain", request.chain, "INTACT" if not finding.sentence else "BROKEN")
    return VerifyChainResponse(
        intact=not finding.sentence,
        verified_count=finding.verified_count,
        broken_position=finding.broken_position,
        finding=finding.sentence,
        next_position=finding.next_position,
    )


def _require_chain(call: Call, chain: str) -> None:
    if not journal.has_chain(call.connection, chain):
        raise errors.NotFound(
            ErrorReason.ERROR_REASON_CHAIN_NOT_FOUND, "There is no such audit chain."
        )
