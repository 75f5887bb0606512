"""What a revision changed against another, by table."""

from collections.abc import Callable

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from fingertip.applications.v1.application_pb2 import Answer, Sighting
from fingertip.applications.v1.content_pb2 import ApplicationContent, SignedForm
from fingertip.authorization.v1.task_pb2 import (
    AttachmentDifference,
    ContentDifference,
    FieldDifference,
)
from fingertip_server.applications import difference

Change = Callable[[ApplicationContent, SignedForm], None]


def _image(number: int, kind: str) -> ApplicationContent.Evidence:
    return ApplicationContent.Evidence(
        attachment_id=f"image {number}", kind=kind, sha256=bytes([number]) * 32
    )


def _before() -> tuple[ApplicationContent, SignedForm]:
    form = SignedForm(
        form_code="debit_card_account",
        form_version=1,
        answers=[
            Answer(field_key="mobile", value="13800138000"),
            Answer(field_key="occupation", value="clerk"),
        ],
        agreements=[
            SignedForm.Agreed(agreement_code="debit_card_account", version=1, sha256=b"a" * 32)
        ],
    )
    content = ApplicationContent(
        application_id="an application",
        revision=1,
        work_kind="core.open_account",
        maker_id="100103",
        form_hash=b"1" * 32,
        evidence=[_image(1, "customer_photo"), _image(2, "id_back"), _image(3, "signature")],
        sightings=[
            Sighting(
                kind=Sighting.KIND_APPLICANT,
                attachment_id="image 1",
                attest_time=Timestamp(seconds=1),
            ),
            Sighting(kind=Sighting.KIND_SIGNATURE, attachment_id="image 3"),
        ],
    )
    return content, form


def _nothing(_content: ApplicationContent, _form: SignedForm) -> None:
    pass


def _other_answers(content: ApplicationContent, form: SignedForm) -> None:
    form.answers[0].value = "13900139000"
    del form.answers[1]
    form.answers.add(field_key="employer", value="示范公司")
    content.form_hash = b"2" * 32


def _another_image(content: ApplicationContent, _form: SignedForm) -> None:
    content.evidence[1].CopyFrom(_image(4, "id_back"))


def _the_same_image_again(content: ApplicationContent, _form: SignedForm) -> None:
    content.evidence[1].attachment_id = "image 4"


def _more_and_fewer_images(content: ApplicationContent, _form: SignedForm) -> None:
    del content.evidence[1]
    content.evidence.extend([_image(5, "supplement"), _image(6, "supplement")])


def _a_new_signature(content: ApplicationContent, _form: SignedForm) -> None:
    content.evidence[2].CopyFrom(_image(7, "signature"))
    content.sightings[1].attachment_id = "image 7"


def _seen_again(content: ApplicationContent, _form: SignedForm) -> None:
    content.sightings[0].attest_time.seconds = 2
    content.sightings.add(kind=Sighting.KIND_ORIGINAL_DOCUMENT)


def _another_agreement(content: ApplicationContent, form: SignedForm) -> None:
    form.agreements[0].version = 2
    content.form_hash = b"2" * 32


def _what_nobody_thought_of(content: ApplicationContent, form: SignedForm) -> None:
    content.maker_id = "100104"
    content.customer_number = "DEMO000000001"
    form.form_version = 2


_ID_BACK = AttachmentDifference(
    kind="id_back",
    former_attachment_id="image 2",
    former_sha256=b"\2" * 32,
    attachment_id="image 4",
    sha256=b"\4" * 32,
)
_SAME = AttachmentDifference(
    kind="id_back",
    former_attachment_id="image 2",
    former_sha256=b"\2" * 32,
    attachment_id="image 4",
    sha256=b"\2" * 32,
)
_TABLE = [
    (_nothing, ContentDifference()),
    (
        _other_answers,
        ContentDifference(
            fields=[
                FieldDifference(field_key="employer", value="示范公司"),
                FieldDifference(
                    field_key="mobile", former_value="13800138000", value="13900139000"
                ),
                FieldDifference(field_key="occupation", former_value="clerk"),
            ],
            is_signed_anew=True,
        ),
    ),
    (_another_image, ContentDifference(attachments=[_ID_BACK])),
    (_the_same_image_again, ContentDifference(attachments=[_SAME])),
    (
        _more_and_fewer_images,
        ContentDifference(
            attachments=[
                AttachmentDifference(
                    kind="id_back", former_attachment_id="image 2", former_sha256=b"\2" * 32
                ),
                AttachmentDifference(kind="supplement", attachment_id="image 5", sha256=b"\5" * 32),
                AttachmentDifference(kind="supplement", attachment_id="image 6", sha256=b"\6" * 32),
            ]
        ),
    ),
    (
        _a_new_signature,
        ContentDifference(
            attachments=[
                AttachmentDifference(
                    kind="signature",
                    former_attachment_id="image 3",
                    former_sha256=b"\3" * 32,
                    attachment_id="image 7",
                    sha256=b"\7" * 32,
                )
            ],
            sightings=["signature"],
            is_signed_anew=True,
        ),
    ),
    (_seen_again, ContentDifference(sightings=["applicant", "original_document"])),
    (
        _another_agreement,
        ContentDifference(agreements=["debit_card_account"], is_signed_anew=True),
    ),
    (
        _what_nobody_thought_of,
        ContentDifference(others=["customer_number", "form_version", "maker_id"]),
    ),
]


@pytest.mark.parametrize(("change", "expected"), _TABLE, ids=[row[0].__name__ for row in _TABLE])
def test_a_revision_tells_what_it_changed(change: Change, expected: ContentDifference) -> None:
    former, former_form = _before()
    former.signed_form = former_form.SerializeToString()
    now, form = _before()
    now.revision = 2
    change(now, form)
    now.signed_form = form.SerializeToString()
    expected.revision = 2
    assert difference.between(former, now) == expected
