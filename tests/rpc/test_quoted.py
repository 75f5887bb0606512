"""What a client quotes back to the server: fences, etags, tokens, and how long it would wait."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import uuid4

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import SubmitApplicationRequest
from fingertip.authorization.v1.authorization_service_pb2 import RenewClaimRequest
from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    FailWorkItemRequest,
    LeaseWorkItemsRequest,
)
from fingertip.identity.v1.identity_service_pb2 import SignOutRequest
from fingertip.lobby.v1.lobby_service_pb2 import ListTicketsRequest
from fingertip_client.request_ids import new_request_id
from fingertip_server.app import App
from fingertip_server.events.tokens import Cursor, Tokens
from tests.applications import paper
from tests.authorization import desk
from tests.customer import bank
from tests.customer.master import sync, wang
from tests.events.publishing import next_message, watching
from tests.lobby.tickets import card, issue
from tests.world import World, refused

_INT64_MAX = 2**63 - 1
_SCOPE = "branch/0101"


@pytest.fixture
async def application(world: World) -> Application:
    await paper.synchronise(world)
    return await paper.start(world.teller)


@pytest.mark.parametrize("fence", [0, -1, -(2**63)])
async def test_a_fence_that_cannot_be_is_named(world: World, fence: int) -> None:
    with refused("INVALID_REQUEST") as caught:
        await world.authoriser.authorization.RenewClaim(
            RenewClaimRequest(task_id=str(uuid4()), fence=fence)
        )
    assert [violation.field for violation in caught.value.violations] == ["fence"]
    with refused("INVALID_REQUEST") as caught:
        await world.core_adapter.fulfilment.FailWorkItem(
            FailWorkItemRequest(
                request_id=new_request_id(),
                work_item_id=str(uuid4()),
                fence=fence,
                failure=FailWorkItemRequest.FAILURE_PERMANENT,
                failure_code="x",
            )
        )
    assert [violation.field for violation in caught.value.violations] == ["fence"]


@pytest.mark.parametrize("ahead", [1, 1_000, _INT64_MAX - 1])
async def test_a_fence_of_the_future_is_not_the_holder_s(world: World, ahead: int) -> None:
    await paper.synchronise(world)
    await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    approval = desk.approval(task)
    approval.fence += ahead
    with refused("LEASE_LOST") as caught:
        await world.authoriser.authorization.ApproveTask(approval)
    assert caught.value.metadata == {"fence": str(task.fence)}
    await sync(world, wang())
    await issue(world.ticket_machine, "B", card(wang().card_numbers[0]))
    leased = (await bank.lease(world.crm_adapter, "crm.view"))[0]
    report = bank.report(leased)
    report.fence += ahead
    with refused("LEASE_LOST") as caught:
        await world.crm_adapter.fulfilment.CompleteWorkItem(report)
    assert caught.value.metadata == {"fence": str(leased.fence)}


@pytest.mark.parametrize("seconds", [-1, 21, 10 * 365 * 86_400, 2**63 - 1])
async def test_nobody_waits_for_work_for_years(world: World, seconds: int) -> None:
    request = LeaseWorkItemsRequest(max_items=1, wait=Duration(seconds=seconds))
    with refused("INVALID_REQUEST") as caught:
        await world.core_adapter.fulfilment.LeaseWorkItems(request)
    assert {violation.field for violation in caught.value.violations} == {"wait"}


async def test_who_does_not_wait_for_work_is_answered_at_once(world: World) -> None:
    request = LeaseWorkItemsRequest(max_items=1, wait=Duration())
    assert not (await world.core_adapter.fulfilment.LeaseWorkItems(request)).items


@pytest.mark.parametrize("etag", ["*", '"1"', 'W/"1"', "01", "1 ", "１", "2", "-1", "9" * 32])
async def test_an_etag_that_is_not_the_current_one_is_answered_with_it(
    world: World, application: Application, etag: str
) -> None:
    request = SubmitApplicationRequest(
        request_id=new_request_id(), application_id=application.application_id, etag=etag
    )
    with refused("ETAG_MISMATCH") as caught:
        await world.teller.applications.SubmitApplication(request)
    assert caught.value.code is grpc.StatusCode.ABORTED
    assert caught.value.metadata == {"etag": application.etag}


@pytest.mark.parametrize("etag", ["", "9" * 33])
async def test_an_etag_that_cannot_be_is_named(
    world: World, application: Application, etag: str
) -> None:
    request = SubmitApplicationRequest(
        request_id=new_request_id(), application_id=application.application_id, etag=etag
    )
    with refused("INVALID_REQUEST") as caught:
        await world.teller.applications.SubmitApplication(request)
    assert [violation.field for violation in caught.value.violations] == ["etag"]


async def _token(world: World) -> str:
    async with watching(world.teller) as stream:
        while True:
            message = await next_message(stream)
            if message.HasField("snapshot_end"):
                return message.resume_token


async def test_a_resume_token_changed_anywhere_is_refused_by_name(world: World) -> None:
    token = await _token(world)
    signed = bytearray(urlsafe_b64decode(token))
    changed = []
    for place in range(0, len(signed), 7):
        copy = bytearray(signed)
        copy[place] ^= 1
        changed.append(urlsafe_b64encode(copy).decode())
    shortened = [token[:size] for size in (4, len(token) // 2, len(token) - 4)]
    for wrong in (*changed, *shortened, token + token, "𠮷", "\u202e" + token):
        with refused("INVALID_RESUME_TOKEN") as caught:
            async with watching(world.teller, wrong) as stream:
                await next_message(stream)
        assert [violation.field for violation in caught.value.violations] == ["resume_token"]


async def test_a_resume_token_of_another_database_is_refused(server: App, world: World) -> None:
    _, cursor = _opened(server, await _token(world))
    elsewhere = Tokens(server.protection, uuid4()).seal(_SCOPE, cursor)
    with refused("INVALID_RESUME_TOKEN"):
        async with watching(world.teller, elsewhere) as stream:
            await next_message(stream)


async def test_a_position_that_was_never_reached_is_out_of_range(server: App, world: World) -> None:
    tokens, cursor = _opened(server, await _token(world))
    for position in (cursor.position + 1, 2**63 - 1):
        ahead = tokens.seal(_SCOPE, Cursor(position, cursor.view))
        with refused("RESUME_TOKEN_EXPIRED") as caught:
            async with watching(world.teller, ahead) as stream:
                await next_message(stream)
        assert caught.value.code is grpc.StatusCode.OUT_OF_RANGE


async def test_somebody_else_s_resume_token_starts_anew(world: World) -> None:
    token = await _token(world)
    async with watching(world.lobby_manager, token) as stream:
        assert (await next_message(stream)).HasField("snapshot_end")


async def test_a_resume_token_opens_nothing_once_its_holder_is_gone(world: World) -> None:
    token = await _token(world)
    await world.teller.identity.SignOut(SignOutRequest(request_id=new_request_id()))
    with refused("NOT_SIGNED_IN"):
        async with watching(world.teller, token) as stream:
            await next_message(stream)


async def test_a_page_token_belongs_to_its_list_and_filter(world: World) -> None:
    for _ in range(2):
        await issue(world.ticket_machine)
    first = ListTicketsRequest(page_size=1)
    token = (await world.teller.lobby.ListTickets(first)).next_page_token
    others = (
        ListTicketsRequest(page_token=token, service_line_code="B"),
        ListTicketsRequest(page_token=token[:-4]),
        ListTicketsRequest(page_token="x" * 512),
        ListTicketsRequest(page_token=await _token(world)),
    )
    for request in others:
        with refused("INVALID_PAGE_TOKEN") as caught:
            await world.teller.lobby.ListTickets(request)
        assert [violation.field for violation in caught.value.violations] == ["page_token"]
    # The size of the page is no filter.
    assert (await world.teller.lobby.ListTickets(ListTicketsRequest(page_token=token))).tickets


def _opened(server: App, token: str) -> tuple[Tokens, Cursor]:
    tokens = server.watching.tokens
    return tokens, tokens.open(_SCOPE, token)
