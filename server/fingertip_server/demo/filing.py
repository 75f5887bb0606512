"""An application at a teller's desk: form, evidence, sightings, signature, submission."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from fingertip.applications.v1.application_pb2 import Answer, Application, Sighting
from fingertip.applications.v1.applications_service_pb2 import (
    AssignVoucherRequest,
    AttestSightingRequest,
    CheckApplicationRequest,
    CheckApplicationResponse,
    CheckIdentityRequest,
    GetApplicationRequest,
    GetApplicationResponse,
    GetFormRequest,
    GetFormResponse,
    SaveApplicationRequest,
    ShowAgreementRequest,
    SignApplicationRequest,
    StartApplicationRequest,
    SubmitApplicationRequest,
)
from fingertip.applications.v1.form_pb2 import Agreement
from fingertip.applications.v1.identity_pb2 import IdentityOutcome, PartyIdentity
from fingertip.applications.v1.signature_pb2 import AgreementRead
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.events.v1.event_pb2 import Event
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_client import tracing
from fingertip_client.mirror import Mirror
from fingertip_client.request_ids import new_request_id
from fingertip_client.watch import watch
from fingertip_server.demo import cards, images, uploading
from fingertip_server.demo.party import Failed, Party

_WIDTH = 320
_ROUTES = {Task.ROUTE_CENTRE: "提交集中授权", Task.ROUTE_ON_SITE: "提交现场授权"}
_SEEN = {
    Sighting.KIND_APPLICANT: ("亲见申请人", "customer_photo"),
    Sighting.KIND_ORIGINAL_DOCUMENT: ("亲见证件原件", "id_front"),
    Sighting.KIND_SIGNATURE: ("亲见签名", "signature"),
}
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


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is served, where, and on which journey."""

    place: str
    customer_id: str
    journey_id: str


class Filing:
    """One application, at a teller's desk, from the empty form to its end."""

    def __init__(self, desk: Party, form: str, visit: Visit) -> None:
        self._form = form
        self._visit = visit
        self._reporter = desk.reporter
        self._caller = desk.caller
        self._service = desk.caller.applications
        # As the server last described it; every change quotes its etag.
        self.application = Application()
        self._attachments: dict[str, str] = {}
        self._agreements: Sequence[Agreement] = ()
        self._read_to_the_end: list[AgreementRead] = []

    async def start(self) -> None:
        """Opens an empty form."""
        got = await self._reporter.timed(
            "取表单", self._service.GetForm(GetFormRequest(form_code=self._form)), _form_told
        )
        self._agreements = got.form.agreements
        started = await self._reporter.timed(
            "新建申请",
            self._service.StartApplication(
                StartApplicationRequest(
                    request_id=new_request_id(),
                    form_code=self._form,
                    customer_id=self._visit.customer_id,
                    journey_id=self._visit.journey_id,
                )
            ),
            lambda response: f"申请 {response.application.application_id[:8]}，草稿",
        )
        self.application = started.application

    async def save(self, what: str, answers: dict[str, str]) -> None:
        """Enters answers."""
        saved = await self._reporter.timed(
            what,
            self._service.SaveApplication(
                SaveApplicationRequest(
                    request_id=new_request_id(),
                    application_id=self.application.application_id,
                    etag=self.application.etag,
                    answers=[Answer(field_key=k, value=v) for k, v in answers.items()],
                )
            ),
            lambda _: f"{len(answers)} 项",
        )
        self.application = saved.application

    async def check(self) -> None:
        """Asks what is wrong or missing."""
        request = CheckApplicationRequest(application_id=self.application.application_id)
        await self._reporter.timed("检查", self._service.CheckApplication(request), _faults_told)

    async def take_card(self) -> None:
        """Assigns a blank card of the teller's own; raises Failed when there is none."""
        serial = await cards.next_serial(self._caller)
        assigned = await self._reporter.timed(
            "配发空白卡",
            self._service.AssignVoucher(
                AssignVoucherRequest(
                    request_id=new_request_id(),
                    application_id=self.application.application_id,
                    etag=self.application.etag,
                    serial=serial,
                )
            ),
            lambda response: f"{response.application.voucher_serial}，出自本人库存",
        )
        self.application = assigned.application

    async def check_identity(self) -> None:
        """Has the police's register asked, and waits for its answer."""
        async with self._following() as news:
            asked = await self._reporter.timed(
                "联网核查",
                self._service.CheckIdentity(
                    CheckIdentityRequest(
                        request_id=new_request_id(),
                        application_id=self.application.application_id,
                    )
                ),
                lambda _: "已发出，等待公安系统答复",
            )
            self.application = asked.application
            while _is_checking(self.application):
                await anext(news)
        self._reporter.tell("联网核查结果", _identities_told(self.application))

    async def take_image(self, kind: str, width: int = _WIDTH) -> None:
        """Takes an image of a kind, in place of one that is there."""
        image = images.png(width, width * 5 // 8, len(kind))
        completed = await self._reporter.timed(
            f"采集影像 {kind}",
            uploading.upload(self._caller, self.application.application_id, kind, image),
            lambda done: f"{done.attachment.size_bytes / 1024:.0f} KiB，摘要相符",
        )
        self.application = completed.application
        self._attachments[kind] = completed.attachment.attachment_id

    async def attest(self, *kinds: Sighting.Kind.ValueType) -> None:
        """States what the teller saw with his own eyes."""
        for kind in kinds:
            await self._attest(kind, *_SEEN[kind])

    async def _attest(self, kind: Sighting.Kind.ValueType, name: str, shown_by: str) -> None:
        attested = await self._reporter.timed(
            f"声明：{name}",
            self._service.AttestSighting(
                AttestSightingRequest(
                    request_id=new_request_id(),
                    application_id=self.application.application_id,
                    etag=self.application.etag,
                    kind=kind,
                    attachment_id=self._attachments[shown_by],
                    place=self._visit.place,
                )
            ),
            lambda _: f"{self._visit.place}，附影像 {shown_by}",
        )
        self.application = attested.application

    async def read(self) -> None:
        """Shows every agreement for as long as it takes to read, and has it scrolled to its end."""
        for agreement in self._agreements:
            shown = await self._reporter.timed(
                "出示协议",
                self._service.ShowAgreement(
                    ShowAgreementRequest(
                        request_id=new_request_id(),
                        application_id=self.application.application_id,
                        agreement_code=agreement.agreement_code,
                    )
                ),
                lambda response: (
                    f"{response.agreement.title} 第{response.agreement.version}版，"
                    f"客户须阅读至少 {response.agreement.reading_seconds_min} 秒"
                ),
            )
            self.application = shown.application
            text = shown.agreement
            await asyncio.sleep(text.reading_seconds_min)
            self._read_to_the_end.append(
                AgreementRead(
                    agreement_code=text.agreement_code,
                    version=text.version,
                    sha256=hashlib.sha256(text.text.encode()).digest(),
                    seconds=text.reading_seconds_min,
                    scrolled_to_end=True,
                )
            )

    async def sign(self) -> None:
        """Has the customer sign what the form says now, in the teller's sight."""
        await self.take_image("signature")
        signed = await self._reporter.timed(
            "客户签名",
            self._service.SignApplication(
                SignApplicationRequest(
                    request_id=new_request_id(),
                    application_id=self.application.application_id,
                    etag=self.application.etag,
                    form_hash=self.application.form_hash,
                    attachment_id=self._attachments["signature"],
                    agreements_read=self._read_to_the_end,
                )
            ),
            lambda response: (
                f"所签内容摘要 {response.application.form_hash.hex()[:12]}，已加时间戳"
            ),
        )
        self.application = signed.application

    async def submit(
        self,
        route: Task.Route.ValueType = Task.ROUTE_CENTRE,
        decide: Callable[[Application], Awaitable[None]] | None = None,
    ) -> None:
        """Submits, has somebody decide who stands by, and tells the steps to the end."""
        async with self._following() as news:
            submitted = await self._reporter.timed(
                _ROUTES[route],
                self._service.SubmitApplication(
                    SubmitApplicationRequest(
                        request_id=new_request_id(),
                        application_id=self.application.application_id,
                        etag=self.application.etag,
                        route=route,
                    )
                ),
                lambda response: f"内容摘要 {response.application.content_hash.hex()[:12]}",
            )
            self.application = submitted.application
            if decide is not None:
                await decide(self.application)
            while self.application.state not in _ENDS:
                with tracing.acting_on(await anext(news)):
                    self._reporter.tell("申请进展", _progress(self.application))

    async def result(self) -> GetApplicationResponse:
        """Returns what came of it; raises Failed where nothing did."""
        if self.application.state != Application.STATE_EXECUTED:
            raise Failed(f"The application ended as {self.application.state_note or 'undone'}.")
        request = GetApplicationRequest(application_id=self.application.application_id)
        return await self._service.GetApplication(request)

    @asynccontextmanager
    async def _following(self) -> AsyncIterator[AsyncIterator[Event]]:
        """Watches the application from before what is done inside: no step can be missed."""
        request = WatchRequest(application_id=self.application.application_id)
        async with aclosing(watch(self._caller, request)) as steps:
            mirror = Mirror()
            mirror.apply(await anext(steps))

            async def news() -> AsyncIterator[Event]:
                async for step in steps:
                    for event in mirror.apply(step):
                        if event.application.version > self.application.version:
                            self.application = event.application
                            yield event

            yield news()


def _progress(application: Application) -> str:
    if application.state == Application.STATE_EXECUTED:
        return "核心系统已执行。"
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
