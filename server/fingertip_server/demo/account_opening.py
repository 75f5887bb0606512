"""The teller's part about the account: form, evidence, sightings, signature, submission."""

from contextlib import aclosing

from fingertip.applications.v1.application_pb2 import Answer, Application, Sighting
from fingertip.applications.v1.applications_service_pb2 import (
    AssignVoucherRequest,
    AttestSightingRequest,
    CheckApplicationRequest,
    CheckApplicationResponse,
    CheckIdentityRequest,
    GetApplicationRequest,
    GetFormRequest,
    GetFormResponse,
    SaveApplicationRequest,
    SignApplicationRequest,
    StartApplicationRequest,
    SubmitApplicationRequest,
)
from fingertip.applications.v1.identity_pb2 import IdentityOutcome, PartyIdentity
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_client import tracing
from fingertip_client.mirror import Mirror
from fingertip_client.request_ids import new_request_id
from fingertip_client.watch import watch
from fingertip_server.demo import cards, images, uploading
from fingertip_server.demo.applicant import Applicant, mistyped
from fingertip_server.demo.party import Failed, Party

_FORM = "debit_card_account"
_OUTCOMES = {
    "IDENTITY_OUTCOME_CONSISTENT_WITH_PHOTO": "一致，有照片",
    "IDENTITY_OUTCOME_CONSISTENT_WITHOUT_PHOTO": "一致，无照片",
    "IDENTITY_OUTCOME_NAME_DIFFERS": "号码存在但姓名不符",
    "IDENTITY_OUTCOME_NUMBER_UNKNOWN": "号码不存在",
    "IDENTITY_OUTCOME_NOT_CHECKED": "未能核查",
}
_ENDS = frozenset(
    {
        Application.STATE_EXECUTED,
        Application.STATE_EXECUTION_FAILED,
        Application.STATE_EXPIRED,
        Application.STATE_REJECTED,
        Application.STATE_RETURNED,
    }
)


class AccountOpening:
    """One application, at a teller's desk."""

    def __init__(self, desk: Party, desk_name: str, customer_id: str, journey_id: str) -> None:
        self._reporter = desk.reporter
        self._caller = desk.caller
        self._service = desk.caller.applications
        self._place = f"网点{desk_name}号柜台"
        self._customer_id = customer_id
        self._journey_id = journey_id
        # As the server last described it; every change quotes its etag.
        self._application = Application()
        self._attachments: dict[str, str] = {}

    async def open_account(self, applicant: Applicant) -> None:
        """Takes the application, submits it and waits for the account; raises Failed."""
        await self._start()
        right = applicant.answers()
        await self._save("录入客户信息（有误）", mistyped(right))
        await self._check()
        await self._save("改正并补全", right)
        await self._take_card()
        await self._check_identity()
        await self._take_images()
        await self._attest()
        await self._sign()
        await self._check()
        await self._submit_and_wait()
        await self._show_account()

    async def _start(self) -> None:
        await self._reporter.timed(
            "取表单", self._service.GetForm(GetFormRequest(form_code=_FORM)), _form_told
        )
        started = await self._reporter.timed(
            "新建开户申请",
            self._service.StartApplication(
                StartApplicationRequest(
                    request_id=new_request_id(),
                    form_code=_FORM,
                    customer_id=self._customer_id,
                    journey_id=self._journey_id,
                )
            ),
            lambda response: f"申请 {response.application.application_id[:8]}，草稿",
        )
        self._application = started.application

    async def _save(self, what: str, answers: dict[str, str]) -> None:
        saved = await self._reporter.timed(
            what,
            self._service.SaveApplication(
                SaveApplicationRequest(
                    request_id=new_request_id(),
                    application_id=self._application.application_id,
                    etag=self._application.etag,
                    answers=[Answer(field_key=k, value=v) for k, v in answers.items()],
                )
            ),
            lambda _: f"{len(answers)} 项",
        )
        self._application = saved.application

    async def _check(self) -> None:
        request = CheckApplicationRequest(application_id=self._application.application_id)
        await self._reporter.timed("检查", self._service.CheckApplication(request), _faults_told)

    async def _take_card(self) -> None:
        serial = await cards.next_serial(self._caller)
        assigned = await self._reporter.timed(
            "配发空白卡",
            self._service.AssignVoucher(
                AssignVoucherRequest(
                    request_id=new_request_id(),
                    application_id=self._application.application_id,
                    etag=self._application.etag,
                    serial=serial,
                )
            ),
            lambda response: f"{response.application.voucher_serial}，出自本人库存",
        )
        self._application = assigned.application

    async def _check_identity(self) -> None:
        """Watches before it asks, so that the register's answer cannot be missed."""
        mirror = Mirror()
        request = WatchRequest(application_id=self._application.application_id)
        async with aclosing(watch(self._caller, request)) as steps:
            mirror.apply(await anext(steps))
            asked = await self._reporter.timed(
                "联网核查",
                self._service.CheckIdentity(
                    CheckIdentityRequest(
                        request_id=new_request_id(),
                        application_id=self._application.application_id,
                    )
                ),
                lambda _: "已发出，等待公安系统答复",
            )
            self._application = asked.application
            while _is_checking(self._application):
                for event in mirror.apply(await anext(steps)):
                    if event.application.version > self._application.version:
                        self._application = event.application
        self._reporter.tell("联网核查结果", _identities_told(self._application))

    async def _take_images(self) -> None:
        for seed, kind in enumerate(("id_front", "id_back", "customer_photo", "signature"), 3):
            image = images.png(320, 200, seed)
            completed = await self._reporter.timed(
                f"采集影像 {kind}",
                uploading.upload(self._caller, self._application.application_id, kind, image),
                lambda done: f"{done.attachment.size_bytes // 1024} KiB，摘要相符",
            )
            self._application = completed.application
            self._attachments[kind] = completed.attachment.attachment_id

    async def _attest(self) -> None:
        await self._attest_one(Sighting.KIND_APPLICANT, "亲见申请人", "customer_photo")
        await self._attest_one(Sighting.KIND_ORIGINAL_DOCUMENT, "亲见证件原件", "id_front")
        await self._attest_one(Sighting.KIND_SIGNATURE, "亲见签名", "signature")

    async def _attest_one(self, kind: Sighting.Kind.ValueType, name: str, shown_by: str) -> None:
        attested = await self._reporter.timed(
            f"声明：{name}",
            self._service.AttestSighting(
                AttestSightingRequest(
                    request_id=new_request_id(),
                    application_id=self._application.application_id,
                    etag=self._application.etag,
                    kind=kind,
                    attachment_id=self._attachments[shown_by],
                    place=self._place,
                )
            ),
            lambda _: f"{self._place}，附影像 {shown_by}",
        )
        self._application = attested.application

    async def _sign(self) -> None:
        signed = await self._reporter.timed(
            "客户签名",
            self._service.SignApplication(
                SignApplicationRequest(
                    request_id=new_request_id(),
                    application_id=self._application.application_id,
                    etag=self._application.etag,
                    form_hash=self._application.form_hash,
                    attachment_id=self._attachments["signature"],
                )
            ),
            lambda response: f"所签内容摘要 {response.application.form_hash.hex()[:12]}",
        )
        self._application = signed.application

    async def _submit_and_wait(self) -> None:
        """Watches before it submits, so that no step between can be missed."""
        mirror = Mirror()
        request = WatchRequest(application_id=self._application.application_id)
        async with aclosing(watch(self._caller, request)) as steps:
            mirror.apply(await anext(steps))
            await self._submit()
            async for step in steps:
                for event in mirror.apply(step):
                    with tracing.acting_on(event):
                        self._application = event.application
                        self._reporter.tell("申请进展", _progress(self._application))
                if self._application.state in _ENDS:
                    return

    async def _submit(self) -> None:
        await self._reporter.timed(
            "提交集中授权",
            self._service.SubmitApplication(
                SubmitApplicationRequest(
                    request_id=new_request_id(),
                    application_id=self._application.application_id,
                    etag=self._application.etag,
                )
            ),
            lambda response: f"内容摘要 {response.application.content_hash.hex()[:12]}",
        )

    async def _show_account(self) -> None:
        if self._application.state != Application.STATE_EXECUTED:
            raise Failed(f"The application ended as {self._application.state_note or 'unopened'}.")
        request = GetApplicationRequest(application_id=self._application.application_id)
        await self._reporter.timed(
            "查看账号",
            self._service.GetApplication(request),
            lambda response: f"{response.result.account_number}（掩码）",
        )


def _progress(application: Application) -> str:
    if application.state == Application.STATE_EXECUTED:
        return "核心系统已开户。"
    return application.state_note or Application.State.Name(application.state)


def _is_checking(application: Application) -> bool:
    checking = PartyIdentity.STATE_CHECKING
    return any(identity.state == checking for identity in application.identities)


def _identities_told(application: Application) -> str:
    outcomes = [IdentityOutcome.Name(each.outcome) for each in application.identities]
    return "，".join(_OUTCOMES.get(outcome, outcome) for outcome in outcomes)


def _form_told(response: GetFormResponse) -> str:
    form = response.form
    fields = sum(len(section.fields) for section in form.sections)
    return f"{form.title} 第{form.version}版，{fields} 项"


def _faults_told(response: CheckApplicationResponse) -> str:
    if not response.faults:
        return "没有问题，可以提交"
    notes = "".join(fault.note for fault in response.faults)
    return f"一次列出 {len(response.faults)} 处：{notes}"
