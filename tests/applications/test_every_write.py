"""What every writing method of applications and authorization has in common, method by method."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from google.protobuf.message import Message

from fingertip.applications.v1.application_pb2 import Answer, Sighting
from fingertip.applications.v1.applications_service_pb2 import (
    AppendAttachmentRequest,
    AssignVoucherRequest,
    AttestSightingRequest,
    CheckIdentityRequest,
    CompleteAttachmentRequest,
    PrintReceiptRequest,
    RequestReversalRequest,
    SaveApplicationRequest,
    ShowAgreementRequest,
    SignApplicationRequest,
    StartApplicationRequest,
    StartAttachmentRequest,
    SubmitApplicationRequest,
    WithdrawApplicationRequest,
    WithdrawReversalRequest,
)
from fingertip.applications.v1.receipt_pb2 import Receipt
from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip.authorization.v1.authorization_service_pb2 import (
    ApproveTaskRequest,
    ClaimNextTaskRequest,
    ListTaskMessagesRequest,
    PostTaskMessageRequest,
    ReassignTaskRequest,
    RejectTaskRequest,
    ReleaseTaskRequest,
    RenewClaimRequest,
    RequestSupplementRequest,
    ReturnTaskRequest,
    SupplyEvidenceRequest,
)
from fingertip.authorization.v1.task_pb2 import SupplementItem, Task, TaskDefect
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.quality.v1.quality_service_pb2 import (
    AnswerErrorRequest,
    ReviewTaskRequest,
    SettleErrorRequest,
)
from tests.applications import paper
from tests.authorization import desk
from tests.authorization.screen import Screen, screen
from tests.world import World, refused

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)
_ID = "d4fa6d5e-4b7c-4a4a-9a55-0c4f1d1c2a3b"
_HASH = b"h" * 32


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


async def _twice(write: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    """Calls twice under one request_id, and returns the answer that was the same."""
    first = await write(request)
    assert await write(request) == first
    return first


async def test_each_write_repeated_has_one_answer_one_entry_and_one_event(world: World) -> None:
    teller, authoriser = world.teller.applications, world.authoriser.authorization
    async with (
        screen(world.teller, WatchRequest(branch_id="0101")) as branch,
        screen(world.authoriser, WatchRequest(centre_id="C001")) as centre,
    ):
        application = (
            await _twice(
                teller.StartApplication,
                StartApplicationRequest(
                    request_id=paper.request_id(),
                    form_code=paper.FORM,
                    customer_id=paper.customer_id(),
                ),
            )
        ).application
        application_id = application.application_id
        application = (
            await _twice(
                teller.SaveApplication,
                SaveApplicationRequest(
                    request_id=paper.request_id(),
                    application_id=application_id,
                    etag=application.etag,
                    answers=[
                        Answer(field_key=key, value=value) for key, value in paper.ANSWERS.items()
                    ],
                ),
            )
        ).application
        application = (
            await _twice(
                teller.CheckIdentity,
                CheckIdentityRequest(request_id=paper.request_id(), application_id=application_id),
            )
        ).application
        await paper.answer(world)
        for kind, (content_type, content) in paper.IMAGES.items():
            attachment = (
                await _twice(
                    teller.StartAttachment,
                    StartAttachmentRequest(
                        request_id=paper.request_id(),
                        application_id=application_id,
                        kind=kind,
                        content_type=content_type,
                        size_bytes=len(content),
                    ),
                )
            ).attachment
            await paper.append(world.teller, attachment, 0, content)
            application = (
                await _twice(
                    teller.CompleteAttachment,
                    CompleteAttachmentRequest(
                        request_id=paper.request_id(),
                        attachment_id=attachment.attachment_id,
                        sha256=hashlib.sha256(content).digest(),
                    ),
                )
            ).application
        for agreement in (await paper.form_of(world.teller, application)).agreements:
            application = (
                await _twice(
                    teller.ShowAgreement,
                    ShowAgreementRequest(
                        request_id=paper.request_id(),
                        application_id=application_id,
                        agreement_code=agreement.agreement_code,
                    ),
                )
            ).application
        application = (
            await _twice(teller.SignApplication, paper.signature(application))
        ).application
        for seen, kind in paper.SEEN.items():
            application = (
                await _twice(
                    teller.AttestSighting,
                    AttestSightingRequest(
                        request_id=paper.request_id(),
                        application_id=application_id,
                        etag=application.etag,
                        kind=seen,
                        attachment_id=paper.in_use(application, kind),
                        place="3号柜台",
                    ),
                )
            ).application
        application = (
            await _twice(
                teller.AssignVoucher,
                AssignVoucherRequest(
                    request_id=paper.request_id(),
                    application_id=application_id,
                    etag=application.etag,
                    serial=await paper.free_voucher(world.teller),
                ),
            )
        ).application
        application = (
            await _twice(
                teller.SubmitApplication,
                SubmitApplicationRequest(
                    request_id=paper.request_id(),
                    application_id=application_id,
                    etag=application.etag,
                ),
            )
        ).application
        task = await _claim_twice(world)
        await _twice(
            authoriser.ReleaseTask,
            ReleaseTaskRequest(
                request_id=paper.request_id(),
                task_id=task.task_id,
                fence=task.fence,
                purpose="换人",
            ),
        )
        task = await _claim_twice(world)
        question = desk.saying(task, "客户是否自愿？", fence=task.fence)
        await _twice(authoriser.PostTaskMessage, question)
        await _twice(world.teller.authorization.PostTaskMessage, desk.saying(task, "自愿"))
        task = (await desk.look_at(world.authoriser, task)).task
        await _twice(authoriser.RequestSupplement, desk.asking(task, "id_back"))
        application = (await paper.get(world.teller, application_id)).application
        application = await paper.attach(world.teller, application, "id_back")
        await _twice(world.teller.authorization.SupplyEvidence, desk.supplying(application))
        task = await _claim_twice(world)
        await _twice(authoriser.ReturnTask, desk.sending_back(task))
        application = (await paper.get(world.teller, application_id)).application
        application = await paper.submit(world.teller, application)
        await _twice(authoriser.RejectTask, desk.rejection(await _claim_twice(world)))
        another = await paper.submitted(world.teller)
        await _twice(authoriser.ApproveTask, desk.approval(await _claim_twice(world)))
        draft = await paper.start(world.teller)
        withdrawn = await _twice(
            teller.WithdrawApplication,
            WithdrawApplicationRequest(
                request_id=paper.request_id(),
                application_id=draft.application_id,
                etag=draft.etag,
                purpose="客户改变主意",
            ),
        )
        await branch.until(lambda event: event.application == withdrawn.application)
        await centre.until(
            lambda event: (
                event.task.state == Task.STATE_APPROVED
                and event.task.subject_id == another.application_id
            )
        )
    assert _versions(branch, "application", application_id) == list(range(1, 29))
    assert _versions(centre, "task", task.task_id) == list(range(1, 11))
    told = await _actions(world, "0101", application_id)
    assert told.count("StartApplication") == told.count("SaveApplication") == 1
    assert told.count("CheckIdentity") == 1
    assert told.count("AttestSighting") == 3
    assert told.count("ShowAgreement") == 1
    assert told.count("SignApplication") == told.count("AssignVoucher") == 1
    assert told.count("SubmitApplication") == 2
    assert sorted(await _actions(world, "0101", task.task_id)) == [
        "PostTaskMessage",
        "SupplyEvidence",
    ]
    decided = await _actions(world, "C001", task.task_id)
    assert sorted(decided) == [
        "ClaimNextTask",
        "ClaimNextTask",
        "ClaimNextTask",
        "PostTaskMessage",
        "ReleaseTask",
        "RequestSupplement",
        "ReturnTask",
    ]


WRONG_ROLES = [
    (
        "lobby_manager",
        "applications",
        StartApplicationRequest(request_id=_ID, form_code="f", customer_id=_ID),
    ),
    (
        "branch_manager",
        "applications",
        SaveApplicationRequest(request_id=_ID, application_id=_ID, etag="1"),
    ),
    (
        "authoriser",
        "applications",
        StartAttachmentRequest(
            request_id=_ID, application_id=_ID, kind="k", content_type="image/png", size_bytes=1
        ),
    ),
    ("authoriser", "applications", AppendAttachmentRequest(attachment_id=_ID, chunk=b"x")),
    (
        "centre_supervisor",
        "applications",
        CompleteAttachmentRequest(request_id=_ID, attachment_id=_ID, sha256=_HASH),
    ),
    (
        "lobby_manager",
        "applications",
        AttestSightingRequest(
            request_id=_ID,
            application_id=_ID,
            etag="1",
            kind=Sighting.KIND_APPLICANT,
            attachment_id=_ID,
            place="p",
        ),
    ),
    (
        "branch_manager",
        "applications",
        CheckIdentityRequest(request_id=_ID, application_id=_ID),
    ),
    (
        "branch_manager",
        "applications",
        ShowAgreementRequest(request_id=_ID, application_id=_ID, agreement_code="a"),
    ),
    (
        "auditor",
        "applications",
        SignApplicationRequest(
            request_id=_ID, application_id=_ID, etag="1", form_hash=_HASH, attachment_id=_ID
        ),
    ),
    (
        "authoriser",
        "applications",
        SubmitApplicationRequest(request_id=_ID, application_id=_ID, etag="1"),
    ),
    (
        "branch_manager",
        "applications",
        WithdrawApplicationRequest(request_id=_ID, application_id=_ID, etag="1", purpose="no"),
    ),
    (
        "branch_manager",
        "applications",
        RequestReversalRequest(request_id=_ID, application_id=_ID, etag="1", reason="no"),
    ),
    (
        "lobby_manager",
        "applications",
        WithdrawReversalRequest(request_id=_ID, reversal_id=_ID, purpose="no"),
    ),
    (
        "authoriser",
        "applications",
        PrintReceiptRequest(request_id=_ID, application_id=_ID, kind=Receipt.KIND_EXECUTION),
    ),
    (
        "branch_manager",
        "applications",
        AssignVoucherRequest(request_id=_ID, application_id=_ID, etag="1", serial="JK00000001"),
    ),
    ("teller", "authorization", ClaimNextTaskRequest(request_id=_ID)),
    ("centre_supervisor", "authorization", RenewClaimRequest(task_id=_ID, fence=1)),
    (
        "centre_supervisor",
        "authorization",
        ReleaseTaskRequest(request_id=_ID, task_id=_ID, fence=1, purpose="no"),
    ),
    (
        "authoriser",
        "quality",
        AnswerErrorRequest(request_id=_ID, error_entry_id=_ID, note="no"),
    ),
    (
        "branch_manager",
        "quality",
        SettleErrorRequest(request_id=_ID, error_entry_id=_ID, note="no"),
    ),
    ("centre_supervisor", "quality", ReviewTaskRequest(request_id=_ID, task_id=_ID)),
    (
        "authoriser",
        "authorization",
        ReassignTaskRequest(request_id=_ID, task_id=_ID, purpose="no"),
    ),
    (
        "teller",
        "authorization",
        ApproveTaskRequest(request_id=_ID, task_id=_ID, revision=1, fence=1, content_hash=_HASH),
    ),
    (
        "centre_supervisor",
        "authorization",
        RejectTaskRequest(
            request_id=_ID, task_id=_ID, revision=1, fence=1, content_hash=_HASH, note="no"
        ),
    ),
    (
        "branch_manager",
        "authorization",
        ReturnTaskRequest(
            request_id=_ID,
            task_id=_ID,
            revision=1,
            fence=1,
            content_hash=_HASH,
            defects=[TaskDefect(subject="s", note="n")],
        ),
    ),
    (
        "centre_supervisor",
        "authorization",
        RequestSupplementRequest(
            request_id=_ID,
            task_id=_ID,
            revision=1,
            fence=1,
            content_hash=_HASH,
            items=[SupplementItem(subject="s", note="n")],
        ),
    ),
    (
        "authoriser",
        "authorization",
        SupplyEvidenceRequest(request_id=_ID, task_id=_ID, etag="1"),
    ),
    (
        "branch_manager",
        "authorization",
        PostTaskMessageRequest(request_id=_ID, task_id=_ID, text="t"),
    ),
    ("lobby_manager", "authorization", ListTaskMessagesRequest(task_id=_ID)),
]


@pytest.mark.parametrize(
    ("role", "service", "request_"),
    WRONG_ROLES,
    ids=[type(request).__name__ for _, _, request in WRONG_ROLES],
)
async def test_the_wrong_role_is_refused(
    world: World, role: str, service: str, request_: Message
) -> None:
    stub = getattr(getattr(world, role), service)
    method = type(request_).__name__.removesuffix("Request")
    with refused("PERMISSION_MISSING"):
        await getattr(stub, method)(request_)


async def _claim_twice(world: World) -> Task:
    response = await _twice(
        world.authoriser.authorization.ClaimNextTask,
        ClaimNextTaskRequest(request_id=paper.request_id()),
    )
    return response.task


def _versions(shown: Screen, kind: str, resource_id: str) -> list[int]:
    resources = [
        getattr(event, kind) for event in shown.shown if event.WhichOneof("resource") == kind
    ]
    return [
        resource.version for resource in resources if getattr(resource, f"{kind}_id") == resource_id
    ]


async def _actions(world: World, chain: str, object_id: str) -> list[str]:
    response = await world.auditor.audit.ListEntries(ListEntriesRequest(chain=chain, page_size=200))
    return [
        entry.action.rpartition("/")[2]
        for entry in response.entries
        if entry.object_id == object_id and entry.object_state
    ]
