"""The teller's part about the account: sent back once, corrected, and opened."""

from fingertip.applications.v1.application_pb2 import Application, Sighting
from fingertip.authorization.v1.task_pb2 import ANCHOR_ATTACHMENT
from fingertip_server.demo.applicant import Applicant, mistyped
from fingertip_server.demo.filing import Filing, Visit
from fingertip_server.demo.party import Party

_FORM = "debit_card_account"
# The camera was held too far away.
_FAR_AWAY = 80


async def open_account(desk: Party, visit: Visit, applicant: Applicant) -> None:
    """Takes the application, corrects what is sent back, and waits for the account."""
    filing = Filing(desk, _FORM, visit)
    await filing.start()
    right = applicant.answers()
    await filing.save("录入客户信息（有误）", mistyped(right))
    await filing.check()
    await filing.save("改正并补全", right)
    await filing.take_card()
    await filing.check_identity()
    await filing.take_image("id_front")
    await filing.take_image("id_back", _FAR_AWAY)
    await filing.take_image("customer_photo")
    await filing.attest(Sighting.KIND_APPLICANT, Sighting.KIND_ORIGINAL_DOCUMENT)
    await filing.read()
    await filing.sign()
    await filing.attest(Sighting.KIND_SIGNATURE)
    await filing.check()
    await filing.submit()
    while filing.application.state == Application.STATE_RETURNED:
        await _correct(desk, filing)
    opened = await filing.result()
    desk.reporter.tell_fact(f"账号 {opened.result.account_number}（掩码）", "opened", "yes")


async def _correct(desk: Party, filing: Filing) -> None:
    """Takes anew each image that is wrong, and submits again."""
    for defect in filing.application.defects:
        desk.reporter.tell(f"退回原因：{defect.subject}", defect.note)
        if defect.anchor == ANCHOR_ATTACHMENT:
            await filing.take_image(defect.subject)
    await filing.attest(Sighting.KIND_ORIGINAL_DOCUMENT)
    await filing.check()
    await filing.submit()
