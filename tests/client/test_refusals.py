"""A refusal reaches the caller as data, and what cannot be read does no harm."""

import grpc
import pytest
from google.protobuf.message import Message

from fingertip.lobby.v1.lobby_service_pb2 import IssueTicketRequest
from fingertip_client.refusal import Refused, Violation
from fingertip_client.request_ids import new_request_id
from tests.client import scripted

LOBBY = "fingertip.lobby.v1.LobbyService"


async def refusal_of(issue: scripted.Unary) -> Refused:
    async with scripted.calling(LOBBY, unary={"IssueTicket": issue}) as caller:
        with pytest.raises(Refused) as refused:
            await caller.lobby.IssueTicket(IssueTicketRequest(request_id=new_request_id()))
    return refused.value


async def test_reason_metadata_and_fields_are_read() -> None:
    async def issue(request: Message, context: scripted.Context) -> Message:
        await scripted.refuse(
            context,
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_REQUEST",
            metadata={"limit": "3"},
            fields=[("service_line_code", "must be one capital letter")],
        )

    refused = await refusal_of(issue)
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.reason == "INVALID_REQUEST"
    assert refused.metadata == {"limit": "3"}
    assert refused.violations == (Violation("service_line_code", "must be one capital letter"),)
    assert not refused.outcome_is_unknown
    assert str(refused) == "INVALID_ARGUMENT INVALID_REQUEST: A sentence."


async def test_the_incident_s_id_is_told_to_whoever_reads_it() -> None:
    async def issue(request: Message, context: scripted.Context) -> Message:
        await scripted.refuse(
            context, grpc.StatusCode.INTERNAL, "INTERNAL", metadata={"incident_id": "5e77a781"}
        )

    assert str(await refusal_of(issue)) == "INTERNAL INTERNAL: A sentence. (5e77a781)"


async def test_a_reason_that_came_after_this_client_is_kept_as_it_is() -> None:
    async def issue(request: Message, context: scripted.Context) -> Message:
        await scripted.refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "MOON_PHASE")

    refused = await refusal_of(issue)
    assert refused.reason == "MOON_PHASE"


async def test_a_refusal_of_something_in_between_has_its_code_only() -> None:
    async def issue(request: Message, context: scripted.Context) -> Message:
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, "RBAC: access denied")

    refused = await refusal_of(issue)
    assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "")
    assert refused.message == "RBAC: access denied"


async def test_damaged_details_are_left_out() -> None:
    async def issue(request: Message, context: scripted.Context) -> Message:
        damaged = (("grpc-status-details-bin", b"\xff\xff\xff"),)
        await context.abort(grpc.StatusCode.ABORTED, "Lost.", damaged)

    refused = await refusal_of(issue)
    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "")
