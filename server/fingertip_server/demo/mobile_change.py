"""The teller's part about her new mobile number, approved by a second teller at his tablet."""

from fingertip.applications.v1.application_pb2 import Application, Sighting
from fingertip.authorization.v1.authorization_service_pb2 import (
    ApproveOnSiteRequest,
    GetTaskRequest,
)
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.identity.v1.second_person_pb2 import SecondPerson
from fingertip_client.request_ids import new_request_id
from fingertip_server.demo import cast, examination
from fingertip_server.demo.applicant import Applicant
from fingertip_server.demo.filing import Filing, Visit
from fingertip_server.demo.party import Failed, Party

_FORM = "change_mobile"


async def change_mobile(desk: Party, visit: Visit, applicant: Applicant) -> None:
    """Takes the application, and has the second teller approve it without leaving the tablet."""
    filing = Filing(desk, _FORM, visit)
    await filing.start()
    await filing.save("录入新手机号码", applicant.answers_about_mobile())
    for kind in ("id_front", "id_back", "customer_photo"):
        await filing.take_image(kind)
    await filing.attest(Sighting.KIND_APPLICANT, Sighting.KIND_ORIGINAL_DOCUMENT)
    await filing.read()
    await filing.sign()
    await filing.attest(Sighting.KIND_SIGNATURE)
    await filing.check()
    await filing.submit(Task.ROUTE_ON_SITE, lambda submitted: _stand_by(desk, submitted))
    await filing.result()


async def _stand_by(desk: Party, submitted: Application) -> None:
    """Has the second teller look at all of it, and approve with his own password."""
    shown = await desk.reporter.timed(
        "第二柜员到场查看",
        desk.caller.authorization.GetTask(GetTaskRequest(task_id=submitted.task_id)),
        examination.shown,
    )
    findings, defects = await examination.examine(desk, shown)
    if defects:
        raise Failed(f"The second teller found fault with {defects[0].subject}.")
    await desk.reporter.timed(
        "第二柜员现场批准",
        desk.caller.authorization.ApproveOnSite(
            ApproveOnSiteRequest(
                request_id=new_request_id(),
                task_id=shown.task.task_id,
                revision=shown.task.revision,
                content_hash=examination.hash_of(shown),
                second_person=SecondPerson(
                    staff_number=cast.SECOND_TELLER.staff_number, password=desk.password
                ),
                findings=findings,
            )
        ),
        lambda response: f"{response.task.authoriser_id} 本人口令，经办柜员未签退",
    )
