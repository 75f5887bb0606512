"""The customer's copy is signed by the bank, and any reader of PDF can tell whether it is whole."""

import asyncio
import contextlib
import hashlib
import io
import random
import re
import subprocess
from pathlib import Path

import pytest
from asn1crypto import pem, x509
from pyhanko.pdf_utils.generic import DictionaryObject
from pyhanko.pdf_utils.misc import PdfReadError, PdfStreamError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import (
    GetCustomerCopyRequest,
    GetCustomerCopyResponse,
)
from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip_client.caller import Caller
from fingertip_server.authority import keyfile
from fingertip_server.documents.typeface import typeface
from tests.applications import paper, undoing
from tests.conftest import Database
from tests.customer import bank
from tests.world import World, refused


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


@pytest.fixture
def root(authority: Path, tmp_path: Path) -> Path:
    """The certificate that a reader is told to trust."""
    path = tmp_path / "root.pem"
    path.write_text(keyfile.root_in_pem(keyfile.load(authority)))
    return path


async def copy(caller: Caller, application: Application) -> GetCustomerCopyResponse:
    return await caller.applications.GetCustomerCopy(
        GetCustomerCopyRequest(application_id=application.application_id)
    )


def _certificate(root: Path) -> x509.Certificate:
    _, _, content = pem.unarmor(root.read_bytes())
    return x509.Certificate.load(content)


async def validate(content: bytes, root: Path) -> PdfSignatureStatus:
    """Asks a validator that is none of ours."""
    context = ValidationContext(trust_roots=[_certificate(root)])
    [signature] = PdfFileReader(io.BytesIO(content)).embedded_signatures
    return await async_validate_pdf_signature(signature, context, context)


def pages(reader: PdfFileReader) -> list[DictionaryObject]:
    kids = reader.root["/Pages"]["/Kids"]
    return [kids[index] for index in range(len(kids))]


def shown_in(content: bytes) -> str:
    """Returns the text of a PDF, as somebody would copy it out of his reader."""
    reader = PdfFileReader(io.BytesIO(content))
    text = []
    for page in pages(reader):
        unicode = page["/Resources"]["/Font"]["/F"]["/ToUnicode"].data.decode()
        mapped = {
            cid: bytes.fromhex(char).decode("utf-16-be")
            for cid, char in re.findall(r"<([0-9A-F]{4})><([0-9a-f]{4,8})>", unicode)
        }
        for line in re.findall(rb"<([0-9A-F]*)> Tj", page["/Contents"].data):
            written = line.decode()
            text.append("".join(mapped[written[at : at + 4]] for at in range(0, len(written), 4)))
    return "\n".join(text)


async def test_the_copy_holds_all_that_was_signed_in_an_embedded_font(world: World) -> None:
    application = await paper.submitted(world.teller)
    answer = await copy(world.teller, application)
    assert hashlib.sha256(answer.content).digest() == answer.sha256
    assert len(answer.content) < 1024 * 1024
    text = shown_in(answer.content)
    for said in (
        "示范银行",
        "借记卡开户申请书（客户联）",
        "王若兰",
        "190102197805209021",
        "居民身份证",
        "一、申请人自愿向示范银行",
        application.application_id,
        "第 1 页，共 2 页",
        "第 2 页，共 2 页",
    ):
        assert said in text, said
    reader = PdfFileReader(io.BytesIO(answer.content))
    font = pages(reader)[0]["/Resources"]["/Font"]["/F"]["/DescendantFonts"][0]
    assert font["/FontDescriptor"]["/FontFile3"]["/Subtype"] == "/CIDFontType0C"
    [image] = [
        page["/Resources"]["/XObject"][name]
        for page in pages(reader)
        for name in page["/Resources"]["/XObject"]
    ]
    assert image["/Subtype"] == "/Image"


async def test_any_validator_finds_the_copy_whole_certified_and_time_stamped(
    world: World, root: Path, tmp_path: Path
) -> None:
    content = (await copy(world.teller, await paper.submitted(world.teller))).content
    status = await validate(content, root)
    assert status.bottom_line
    assert status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    assert status.docmdp_ok
    assert status.timestamp_validity
    assert status.timestamp_validity.trusted
    [signature] = PdfFileReader(io.BytesIO(content)).embedded_signatures
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    # And a third one, which knows nothing of PDF.
    begin, length, again, rest = (int(part) for part in signature.byte_range)
    assert (begin, again + rest) == (0, len(content))
    (tmp_path / "signed").write_bytes(content[:length] + content[again:])
    (tmp_path / "signature").write_bytes(signature.pkcs7_content)
    verified = await asyncio.to_thread(_openssl_verifies, tmp_path, root)
    assert verified.returncode == 0, verified.stderr


def _openssl_verifies(folder: Path, root: Path) -> "subprocess.CompletedProcess[bytes]":
    how = ["-binary", "-inform", "DER", "-purpose", "any", "-cades", "-CAfile", str(root)]
    return subprocess.run(
        [  # noqa: S607 - whichever is there
            "openssl",
            "cms",
            "-verify",
            *how,
            "-in",
            "signature",
            "-content",
            "signed",
            "-out",
            "out",
        ],
        check=False,
        capture_output=True,
        cwd=folder,
    )


async def test_one_changed_byte_of_the_copy_is_told(world: World, root: Path) -> None:
    content = (await copy(world.teller, await paper.submitted(world.teller))).content
    [signature] = PdfFileReader(io.BytesIO(content)).embedded_signatures
    _, length, again, _ = (int(part) for part in signature.byte_range)
    rng = random.Random(3)
    places = [*rng.sample(range(20, length), 5), *rng.sample(range(again, len(content) - 200), 25)]
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1
        # What no reader can open any more deceives nobody.
        with contextlib.suppress(PdfReadError, PdfStreamError, ValueError, KeyError, TypeError):
            assert not (await validate(bytes(changed), root)).bottom_line, place
    longer = content + b"\n% more\n"
    status = await validate(longer, root)
    assert status.coverage != SignatureCoverageLevel.ENTIRE_FILE


async def test_the_receipt_is_in_the_copy_once_there_is_one(world: World) -> None:
    executed = await undoing.executed(world)
    waiting = await paper.submitted(world.teller)
    assert "业务回单" not in shown_in((await copy(world.teller, waiting)).content)
    text = shown_in((await copy(world.teller, executed)).content)
    assert "业务回单" in text
    assert "核心流水" in text
    assert bank.ACCOUNT not in text


async def test_the_same_copy_is_the_same_but_for_its_signature(world: World) -> None:
    application = await paper.submitted(world.teller)
    first, second = [shown_in((await copy(world.teller, application)).content) for _ in range(2)]
    assert first == second


async def test_a_name_that_the_font_has_not_is_spelled_and_never_left_out() -> None:
    font = typeface()
    assert font.spelled("䶮𠅤𬱖") == "䶮𠅤𬱖"
    assert font.spelled("王\U0002f8ff") == "王〔U+2F8FF〕"


async def test_what_was_not_signed_or_no_longer_is_has_no_copy(
    world: World, database: Database
) -> None:
    application = await paper.start(world.teller)
    with refused("SIGNATURE_MISSING"):
        await copy(world.teller, application)
    signed = await paper.submitted(world.teller)
    await database.as_owner(
        "UPDATE pack_document SET content = jsonb_set(content, '{text}',"
        " to_jsonb(replace(content->>'text', '自愿', '被迫')))"
        " WHERE kind = 'agreement' AND code = 'debit_card_account' AND version = 2"
    )
    with refused("SIGNATURE_BROKEN") as caught:
        await copy(world.teller, signed)
    assert caught.value.metadata == {"links": "AGREEMENTS,SIGNATURE,CERTIFICATE"}


async def test_the_copy_is_for_the_customers_branch_and_is_journalled(world: World) -> None:
    application = await paper.submitted(world.teller)
    answer = await copy(world.second_teller, application)
    with refused("APPLICATION_NOT_FOUND"):
        await copy(world.other_teller, application)
    with refused("PERMISSION_MISSING"):
        await copy(world.authoriser, application)
    entries = await world.auditor.audit.ListEntries(ListEntriesRequest(chain="0101", page_size=200))
    [entry] = [
        each
        for each in entries.entries
        if each.action.endswith("GetCustomerCopy") and not each.reason
    ]
    told = (entry.object_kind, entry.object_id, entry.object_state)
    assert told == ("customer_copy", application.application_id, answer.sha256.hex())
