"""Proves a customer's signature from what is stored, link by link."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from google.protobuf.message import DecodeError
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from fingertip.applications.v1.content_pb2 import ApplicationContent, SignedForm
from fingertip.applications.v1.signature_pb2 import SignatureCheck, SignatureStatement
from fingertip_server.applications import signatures, store
from fingertip_server.applications.rules import EDITABLE, State
from fingertip_server.applications.tables import (
    Application,
    ApplicationRevision,
    Attachment,
    Signature,
)
from fingertip_server.authority import chains, cms
from fingertip_server.authority.authority import Authority
from fingertip_server.authority.errors import Broken
from fingertip_server.packs import texts
from fingertip_server.protection import Protection
from fingertip_server.protection.errors import Unreadable
from fingertip_server.rpc.phases import Outside

# What people read when a link does not hold.
_NOTES: Mapping[SignatureCheck.Link.ValueType, str] = {
    SignatureCheck.LINK_RECORD: "签名记录不完整或无法读取。",
    SignatureCheck.LINK_AGREEMENTS: "协议文本与客户签署的文本不一致。",
    SignatureCheck.LINK_FORM: "申请内容与客户签署的内容不一致。",
    SignatureCheck.LINK_IMAGE: "手写签名影像与签署时的影像不一致。",
    SignatureCheck.LINK_SIGNATURE: "电子签名与所签内容不符。",
    SignatureCheck.LINK_TIME_STAMP: "时间戳无效，或不属于本次签名。",
    SignatureCheck.LINK_CERTIFICATE: "签名证书无效，或不属于本次签名。",
    SignatureCheck.LINK_CONTENT: "已提交的内容与客户签署的内容不一致。",
}


def name_of(link: SignatureCheck.Link.ValueType) -> str:
    """Returns how a link is called, for example TIME_STAMP."""
    return SignatureCheck.Link.Name(link).removeprefix("LINK_")


@dataclass(frozen=True, slots=True)
class Stored:
    """Everything that a signature is proved with, as it is stored; what cannot be read is None."""

    application_id: UUID
    customer_id: UUID
    form_hash: bytes
    signature_id: UUID
    statement: bytes
    cms: bytes
    signed_form_hash: bytes
    certificate_sha256: bytes
    token_sha256: bytes
    signed_form: bytes | None
    texts: tuple[str | None, ...]
    image_sha256: bytes | None
    image: bytes | None
    is_submitted: bool
    content_hash: bytes
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of the proof."""

    signature_id: UUID
    checks: tuple[SignatureCheck, ...]
    statement: SignatureStatement | None
    certificate_sha256: bytes
    stamp_time: datetime | None

    @property
    def is_valid(self) -> bool:
        """Tells whether every link holds."""
        return all(check.holds for check in self.checks)

    @property
    def broken(self) -> tuple[str, ...]:
        """Names the links that do not hold."""
        return tuple(name_of(check.link) for check in self.checks if not check.holds)


def read(connection: Connection, protection: Protection, application_id: UUID) -> Stored | None:
    """Returns what is stored about an application's signature; nothing when it has none."""
    with Session(connection) as session:
        application = session.get(Application, application_id)
        if application is None or application.signature_id is None:
            return None
        signature = session.get_one(Signature, application.signature_id)
        signed_form = _opened(
            lambda: protection.open_bytes(
                Application.signed_form, application_id, application.signed_form
            )
        )
        image_id = application.signature_attachment_id
        attachment = session.get(Attachment, image_id) if image_id else None
        return Stored(
            application_id=application_id,
            customer_id=application.customer_id,
            form_hash=application.form_hash,
            signature_id=signature.signature_id,
            statement=signature.statement,
            cms=signature.cms,
            signed_form_hash=signature.form_hash,
            certificate_sha256=signature.certificate_sha256,
            token_sha256=signature.token_sha256,
            signed_form=signed_form,
            texts=_texts(connection, signed_form),
            image_sha256=attachment.sha256 if attachment else None,
            image=_image(connection, protection, attachment) if attachment else None,
            is_submitted=_is_submitted(application, signature),
            content_hash=application.content_hash or b"",
            content=_content(session, protection, application),
        )


def _is_submitted(application: Application, signature: Signature) -> bool:
    """Tells whether the last submission is of this signature: not when it ended as a draft."""
    if application.state in EDITABLE:
        return False
    submitted = application.submit_time
    is_newer = submitted is None or submitted < signature.sign_time
    return not (is_newer and application.state in {State.WITHDRAWN, State.EXPIRED})


async def find(outside: Outside, application_id: UUID) -> Finding | None:
    """Returns what the signature of an application proves; nothing when it has none."""
    stored = await outside.read(read, outside.protection, application_id)
    if stored is None:
        return None
    return await asyncio.to_thread(prove, stored, outside.authority)


def prove(stored: Stored, authority: Authority) -> Finding:
    """Returns which links hold. Takes time: not for the event loop."""
    proof = _Proof(stored, authority)
    checks = []
    for link, require in proof.links.items():
        try:
            require()
        except Broken:
            checks.append(SignatureCheck(link=link, note=_NOTES[link]))
        else:
            checks.append(SignatureCheck(link=link, holds=True))
    return Finding(
        stored.signature_id,
        tuple(checks),
        proof.statement,
        stored.certificate_sha256,
        proof.stamp_time,
    )


class _Proof:
    """The links, each a function that raises Broken."""

    def __init__(self, stored: Stored, authority: Authority) -> None:
        self._stored = stored
        self._authority = authority
        self.stamp_time: datetime | None = None
        try:
            self.statement: SignatureStatement | None = SignatureStatement.FromString(
                stored.statement
            )
        except DecodeError:
            self.statement = None
        self.links: Mapping[SignatureCheck.Link.ValueType, Callable[[], None]] = {
            SignatureCheck.LINK_RECORD: self._record,
            SignatureCheck.LINK_AGREEMENTS: self._agreements,
            SignatureCheck.LINK_FORM: self._form,
            SignatureCheck.LINK_IMAGE: self._image,
            SignatureCheck.LINK_SIGNATURE: self._signature,
            SignatureCheck.LINK_TIME_STAMP: self._time_stamp,
            SignatureCheck.LINK_CERTIFICATE: self._certificate,
            SignatureCheck.LINK_CONTENT: self._content,
        }

    def _record(self) -> None:
        stored, statement = self._stored, self._said()
        _require(statement.application_id == str(stored.application_id))
        _require(statement.customer_id == str(stored.customer_id))
        _require(statement.form_hash == stored.signed_form_hash)
        _require(stored.signed_form is not None)

    def _agreements(self) -> None:
        agreed = self._agreed().agreements
        read = self._said().agreements_read
        _require(
            [(each.agreement_code, each.version, each.sha256) for each in agreed]
            == [(each.agreement_code, each.version, each.sha256) for each in read]
        )
        _require(
            [each.sha256 for each in agreed]
            == [None if text is None else _sha256(text.encode()) for text in self._stored.texts]
        )

    def _form(self) -> None:
        stored = self._stored
        form_hash = _sha256(stored.signed_form or b"")
        _require(form_hash == stored.form_hash == self._said().form_hash)
        _require(self._agreed().customer_id == str(stored.customer_id))

    def _image(self) -> None:
        image = self._stored.image
        _require(image is not None)
        signed = self._said().image_sha256
        _require(_sha256(image or b"") == signed == self._stored.image_sha256)

    def _signature(self) -> None:
        verified = cms.verify(self._stored.cms, self._signed())
        _require(chains.fingerprint(verified.certificate) == self._stored.certificate_sha256)

    def _time_stamp(self) -> None:
        _require(_sha256(cms.token_of(self._stored.cms)) == self._stored.token_sha256)
        self.stamp_time = self._authority.stamp_of(self._stored.cms).time

    def _certificate(self) -> None:
        self._authority.verify(self._stored.cms, self._signed())

    def _content(self) -> None:
        stored = self._stored
        if not stored.is_submitted:
            return
        _require(_sha256(stored.content or b"") == stored.content_hash)
        try:
            content = ApplicationContent.FromString(stored.content or b"")
        except DecodeError:
            raise Broken("The content cannot be read.") from None
        _require(content.signature.signature_id == str(stored.signature_id))
        _require(content.signature.cms_sha256 == _sha256(stored.cms))
        _require(content.signature.statement_sha256 == _sha256(stored.statement))
        _require(content.signed_form == stored.signed_form)
        images = [each.sha256 for each in content.evidence if each.kind == "signature"]
        _require(images == [self._said().image_sha256])

    def _said(self) -> SignatureStatement:
        if self.statement is None:
            raise Broken("The statement cannot be read.")
        return self.statement

    def _agreed(self) -> SignedForm:
        agreed = _form(self._stored.signed_form)
        if agreed is None:
            raise Broken("The form cannot be read.")
        return agreed

    def _signed(self) -> bytes:
        """Returns what was signed, put together anew."""
        stored = self._stored
        known = [text for text in stored.texts if text is not None]
        if stored.signed_form is None or len(known) < len(stored.texts):
            raise Broken("What was signed is not there.")
        return signatures.signed_content(stored.statement, stored.signed_form, known)


def _require(holds: bool) -> None:  # noqa: FBT001 - it reads as what is required
    if not holds:
        raise Broken("A link does not hold.")


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _opened(open_it: Callable[[], bytes]) -> bytes | None:
    try:
        return open_it()
    except Unreadable:
        return None


def _form(signed_form: bytes | None) -> SignedForm | None:
    if signed_form is None:
        return None
    try:
        return SignedForm.FromString(signed_form)
    except DecodeError:
        return None


def _texts(connection: Connection, signed_form: bytes | None) -> tuple[str | None, ...]:
    form = _form(signed_form)
    if form is None:
        return ()
    return tuple(
        texts.agreement(connection, each.agreement_code, each.version) for each in form.agreements
    )


def _image(connection: Connection, protection: Protection, attachment: Attachment) -> bytes | None:
    pieces = store.pieces(connection, attachment.attachment_id, 0, attachment.size_bytes)
    return _opened(
        lambda: b"".join(
            store.opened(protection, attachment.attachment_id, piece) for piece in pieces
        )
    )


def _content(session: Session, protection: Protection, application: Application) -> bytes | None:
    key = (application.application_id, application.revision)
    row = session.get(ApplicationRevision, key)
    if row is None:
        return None
    return _opened(
        lambda: protection.open_bytes(
            ApplicationRevision.content, store.revision_row(*key), row.content
        )
    )
