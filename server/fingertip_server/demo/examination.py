"""How somebody looks at all of a task before he decides, in the centre or at a teller's tablet."""

import hashlib
import struct

from fingertip.applications.v1.application_pb2 import Sighting
from fingertip.applications.v1.applications_service_pb2 import ReadAttachmentRequest
from fingertip.applications.v1.content_pb2 import ApplicationContent, SignedForm
from fingertip.authorization.v1.authorization_service_pb2 import GetTaskResponse
from fingertip.authorization.v1.task_pb2 import ChecklistFinding, TaskDefect
from fingertip_server.demo.party import Failed, Party

# Nothing can be read on a smaller image.
_WIDTH_MIN = 200
# No teller can take that one anew.
_FROM_THE_REGISTER = "police_photo"


def shown(response: GetTaskResponse) -> str:
    """Says that the bytes shown are those that the task is about; raises Failed otherwise."""
    if hash_of(response) != response.task.content_hash:
        raise Failed("The content is not what its hash says.")
    content = ApplicationContent.FromString(response.content)
    if hashlib.sha256(content.signed_form).digest() != content.form_hash:
        raise Failed("The form is not the one that the customer signed.")
    return f"内容摘要 {response.task.content_hash.hex()[:12]}，与任务及客户所签一致"


def hash_of(response: GetTaskResponse) -> bytes:
    """Returns the hash of what is shown."""
    return hashlib.sha256(response.content).digest()


async def examine(
    desk: Party, response: GetTaskResponse
) -> tuple[list[ChecklistFinding], list[TaskDefect]]:
    """Returns what was found of each checklist item, and what is wrong; raises Failed."""
    content = ApplicationContent.FromString(response.content)
    seen = {answer.field_key for answer in SignedForm.FromString(content.signed_form).answers}
    defects = []
    for evidence in content.evidence:
        width, height = await _look_at(desk, evidence)
        seen.add(evidence.kind)
        if width < _WIDTH_MIN and evidence.kind != _FROM_THE_REGISTER:
            note = f"影像过小（{width}×{height}），看不清，请重拍"
            defects.append(TaskDefect(subject=evidence.kind, note=note))
    for sighting in content.sightings:
        kind = Sighting.Kind.Name(sighting.kind).removeprefix("KIND_").lower()
        seen.add(f"sighting.{kind}")
    # Some of it is asked for only of some: what is missing of the rest could not be submitted.
    findings = [
        ChecklistFinding(item_id=item.item_id, passed=not seen.isdisjoint(item.evidence_keys))
        for item in response.checklist
    ]
    passed = sum(finding.passed for finding in findings)
    desk.reporter.tell("逐项核对清单", f"{passed}/{len(findings)} 项相符")
    return findings, defects


async def _look_at(desk: Party, evidence: ApplicationContent.Evidence) -> tuple[int, int]:
    """Reads an image piece by piece, compares it with the content, and returns its size in pixels.

    Raises Failed where it is another.
    """
    image = b""
    while len(image) < evidence.size_bytes:
        request = ReadAttachmentRequest(attachment_id=evidence.attachment_id, offset=len(image))
        response = await desk.caller.applications.ReadAttachment(request)
        if not response.piece:
            break
        image += response.piece
    if hashlib.sha256(image).digest() != evidence.sha256:
        raise Failed(f"{evidence.kind} is not the image that was submitted.")
    desk.reporter.tell("查看影像", f"{evidence.kind}，{len(image):,} 字节，摘要相符")
    # Where a PNG says it (RFC 2083, 4.1.1).
    width, height = struct.unpack_from(">II", image, 16)
    return width, height
