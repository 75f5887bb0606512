"""What is filled in, shown, witnessed, signed and then authorised."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from fingertip_server.packs.schema_rules import FormRule
from fingertip_server.packs.schema_types import (
    DottedWords,
    Duration,
    Frozen,
    PageOfText,
    Sentence,
    Title,
    UnitCode,
    VersionedWord,
    Word,
)

# The kind of the attachment that is the customer's signature, in every form.
SIGNATURE = "signature"

# Neither a form nor a tablet ever asks for these: they are typed on a keypad made for it.
_NEVER_ASKED = frozenset({"pin", "password", "passcode", "cvn", "cvv", "cvc", "track"})


class FieldType(StrEnum):
    """How a field is entered and checked."""

    TEXT = "text"
    NAME = "name"
    RESIDENT_ID = "resident_id"
    MOBILE = "mobile"
    BANK_CARD = "bank_card"
    DATE = "date"
    VALIDITY = "validity"
    CHOICE = "choice"
    ADDRESS = "address"
    BOOLEAN = "boolean"
    AMOUNT = "amount"
    USCC = "uscc"
    ACCOUNT = "account"
    PASSPORT = "passport"
    HONG_KONG_MACAU_PERMIT = "hong_kong_macau_permit"
    TAIWAN_PERMIT = "taiwan_permit"
    MRZ = "mrz"


_FREE_TEXT = frozenset({FieldType.TEXT, FieldType.NAME, FieldType.ADDRESS})


class DataClass(StrEnum):
    """The class of what a field holds, JR/T 0171-2020. C3 is never asked for in a form."""

    C1 = "C1"
    C2 = "C2"


class Choice(Frozen):
    """One of the answers that a field offers."""

    value: Word
    label: Title


class Condition(Frozen):
    """When something of a form is asked for: while a choice or a boolean has one of some values."""

    field: Word
    values: tuple[Word, ...] = Field(min_length=1)

    def holds(self, answers: Mapping[str, str]) -> bool:
        """Tells whether the answers make the form ask."""
        return answers.get(self.field) in self.values

    def fails(self, answers: Mapping[str, str]) -> bool:
        """Tells whether the answers keep the form from asking: nothing said is no such answer."""
        return bool(answers.get(self.field)) and not self.holds(answers)


class Asked(Frozen):
    """Something that a form asks for: always, or only under a condition."""

    only_when: Condition | None = None

    def is_asked(self, answers: Mapping[str, str]) -> bool:
        """Tells whether the form asks for it, given its answers."""
        return self.only_when is None or self.only_when.holds(answers)

    def is_ruled_out(self, answers: Mapping[str, str]) -> bool:
        """Tells whether the answers say that the form does not ask for it."""
        return self.only_when is not None and self.only_when.fails(answers)


class FormField(Asked):
    """One question of a form.

    `length_max` counts characters and goes with free text, `choices` with choices, `minimum` and
    `maximum` (in the bank's currency) with amounts. `source` names the rule that demands the field.
    """

    key: Word
    label: Title
    type: FieldType
    required: bool
    data_class: DataClass
    length_max: int | None = Field(default=None, ge=1, le=1000)
    choices: tuple[Choice, ...] = ()
    minimum: Decimal | None = Field(default=None, ge=0, max_digits=15, decimal_places=2)
    maximum: Decimal | None = Field(default=None, ge=0, max_digits=15, decimal_places=2)
    help: Sentence | None = None
    source: Sentence | None = None

    @model_validator(mode="after")
    def _has_what_its_type_needs(self) -> "FormField":
        if (self.length_max is not None) != (self.type in _FREE_TEXT):
            raise ValueError("Text, names and addresses have a length_max, other types have none.")
        if bool(self.choices) != (self.type == FieldType.CHOICE):
            raise ValueError("A choice has choices, other types have none.")
        bounds = [bound for bound in (self.minimum, self.maximum) if bound is not None]
        if bounds and self.type != FieldType.AMOUNT:
            raise ValueError("Only an amount has a minimum and a maximum.")
        if bounds != sorted(bounds):
            raise ValueError("The minimum is not above the maximum.")
        if _NEVER_ASKED & set(self.key.split("_")):
            raise ValueError("A form never asks for a secret of the customer.")
        return self


class Section(Frozen):
    """A part of a form with a heading."""

    title: Title
    fields: tuple[FormField, ...] = Field(min_length=1)


class ContentType(StrEnum):
    """What an attachment may be; its bytes are checked, not its name."""

    JPEG = "image/jpeg"
    PNG = "image/png"


class ImageRule(Frozen):
    """What an image of the application may be."""

    label: Title
    data_class: DataClass
    content_types: tuple[ContentType, ...] = Field(min_length=1)
    size_bytes_max: int = Field(ge=1, le=20 * 1024 * 1024)
    help: Sentence | None = None


class AttachmentRule(ImageRule, Asked):
    """An image that the form asks for."""

    kind: Word
    required: bool


class SightingKind(StrEnum):
    """What a member of staff attests to have seen himself (三亲见)."""

    APPLICANT = "applicant"
    ORIGINAL_DOCUMENT = "original_document"
    SIGNATURE = "signature"
    PROXY = "proxy"
    PROXY_DOCUMENT = "proxy_document"
    IDENTITY_PROOF = "identity_proof"
    PROXY_IDENTITY_PROOF = "proxy_identity_proof"


class Sighting(Asked):
    """One attestation: what is attested, and which kinds of image may show it.

    The kinds are those of the form's attachments, and `signature`.
    """

    kind: SightingKind
    # One that is not required is made where it helps, as another proof of an identity does.
    required: bool = True
    statement: Sentence
    attachments: tuple[Word, ...] = Field(min_length=1)
    source: Sentence | None = None


class Versioned(Frozen):
    """Something of which old versions stay valid for what was begun with them."""

    code: Word
    version: int = Field(ge=1, le=9999)
    title: Title

    @property
    def reference(self) -> str:
        """Names this version: debit_card_account.v1."""
        return f"{self.code}.v{self.version}"


class InquiryKind(StrEnum):
    """What the bank can be asked before somebody decides about an application."""

    CREDIT_REPORT = "credit_report"


class InquiryRule(Frozen):
    """Something that a form asks of the bank, by the consent to a purpose."""

    kind: InquiryKind
    label: Title
    consent: Word


class Form(Versioned):
    """forms/<code>.v<version>.yaml: what an applicant fills in."""

    sections: tuple[Section, ...] = Field(min_length=1)
    # Whether restrictive measures against the customer are told, and stand against nothing.
    despite_restrictions: bool = False
    # What is demanded of several answers together, besides what each field says of itself.
    rules: tuple[FormRule, ...] = ()
    attachments: tuple[AttachmentRule, ...]
    # What the customer's signature may be; its attachment is of the kind `signature`.
    signature: ImageRule
    sightings: tuple[Sighting, ...]
    agreements: tuple[VersionedWord, ...]
    inquiries: tuple[InquiryRule, ...] = ()
    # Whether each person's identity is checked with the police before the submission.
    identity_check: bool = False
    # The completed years of life that the business itself asks of the applicant.
    applicant_age_min: int | None = Field(default=None, ge=1, le=120)

    @property
    def fields(self) -> tuple[FormField, ...]:
        """All fields in their order, whatever their section."""
        return tuple(field for section in self.sections for field in section.fields)

    @property
    def evidence(self) -> frozenset[str]:
        """Returns everything that an authoriser can be pointed at."""
        return frozenset(
            {
                SIGNATURE,
                *(field.key for field in self.fields),
                *(attachment.kind for attachment in self.attachments),
                *(f"sighting.{sighting.kind}" for sighting in self.sightings),
                *(f"inquiry.{inquiry.kind}" for inquiry in self.inquiries),
            }
        )


class Agreement(Versioned):
    """agreements/<code>.v<version>.yaml: a text that the customer agrees to by signing.

    With a `purpose` it is one by which he consents to that purpose: RecordConsent.
    `reading_seconds_min` is how long it must be shown; without it that follows from its length.
    """

    text: PageOfText
    purpose: Word | None = None
    reading_seconds_min: int | None = Field(default=None, ge=0, le=3600)

    @property
    def sha256(self) -> bytes:
        """Returns the hash of the text in UTF-8."""
        return hashlib.sha256(self.text.encode()).digest()


# What a checklist item is to be compared with: a field, a kind of attachment, sighting.<kind>,
# inquiry.<kind>, or the customer's signature.
Evidence = Annotated[
    str, StringConstraints(pattern=r"^((sighting|inquiry)\.)?[a-z][a-z0-9_]*$", max_length=64)
]


class ChecklistItem(Frozen):
    """One thing that the authoriser looks at before he decides."""

    id: Word
    text: Sentence
    evidence: tuple[Evidence, ...] = Field(min_length=1)


# The scene of what undoes an execution.
REVERSAL_SCENE = "reversal"
# The scenes of what is authorised without a form, with what their checklists may point at: fields
# of its content in the contract.
SCENES_WITHOUT_FORM: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        REVERSAL_SCENE: frozenset(
            {
                "reason",
                "customer_number",
                "account_number",
                "undone_work_kind",
                "undone_core_reference",
                "undone_content_hash",
                "undone_maker_id",
                "execute_time",
            }
        )
    }
)


class Rung(Frozen):
    """Who authorises an amount: which level it takes, and how many persons one after the other.

    A rung is for amounts up to `up_to`, in the bank's currency; the last of a ladder has none and
    is for all others. With `reenter_amount` whoever approves types the amount once more.
    """

    up_to: Decimal | None = Field(default=None, ge=0, max_digits=15, decimal_places=2)
    level: int = Field(ge=1, le=9)
    authorisers: int = Field(ge=1, le=3)
    reenter_amount: bool = False


class Route(StrEnum):
    """Who authorises: a centre, or a second person beside the maker."""

    CENTRE = "centre"
    ON_SITE = "on_site"


class SceneVoucher(Asked):
    """A voucher that an application takes out of its maker's stock, always or under a condition.

    `serial_field` names the form's field, if any, in which the customer reads its serial.
    """

    type: Word
    serial_field: Word | None = None


class Scene(Frozen):
    """scenes/<code>.yaml: how an application of a form is authorised and executed.

    A scene without a form is one of `SCENES_WITHOUT_FORM`. `level` and `authorisers` say what it
    takes, and where the form has an `amount_field`, `levels` do so by its amount.

    A task expires `expires_after` its submission and, with `expires_at_closing`, no later than the
    branch closes. `execution` says to people what an approved application waits for.
    `booked_amount_field` names the answer that says what amount the bank moves or grants: what its
    list of operations is held to. It need not be `amount_field`, which may be a limit.
    An application takes the first of the `vouchers` that it needs out of its maker's stock.
    """

    code: Word
    title: Title
    form: VersionedWord | None = None
    work_kind: DottedWords
    execution: Title = "银行系统办理"
    vouchers: tuple[SceneVoucher, ...] = ()
    skill_group: Word
    # Who decides when a person stands on a list for review; without it nobody may.
    review_skill_group: Word | None = None
    centres: tuple[UnitCode, ...] = Field(min_length=1)
    level: int = Field(ge=1, le=9)
    authorisers: int = Field(ge=1, le=3)
    routes: tuple[Route, ...] = Field(default=(Route.CENTRE,), min_length=1)
    amount_field: Word | None = None
    levels: tuple[Rung, ...] = ()
    booked_amount_field: Word | None = None
    claim_lease: Duration
    expires_after: Duration
    expires_at_closing: bool
    checklist: tuple[ChecklistItem, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_a_ladder_for_its_amount(self) -> "Scene":
        if (self.amount_field is not None) != bool(self.levels):
            raise ValueError("A scene has levels where it has an amount_field, and nowhere else.")
        limits = [rung.up_to for rung in self.levels]
        if limits and (None in limits[:-1] or limits[-1] is not None):
            raise ValueError("The last of the levels has no up_to, and the others have one.")
        ladder = [limit for limit in limits if limit is not None]
        if ladder != sorted(set(ladder)):
            raise ValueError("The levels are in the order of their amounts.")
        heights = [(rung.level, rung.authorisers) for rung in self.levels]
        if heights != sorted(heights):
            raise ValueError("A higher amount takes no lower level and no fewer authorisers.")
        return self

    def rung(self, amount: Decimal | None) -> Rung:
        """Returns what it takes to authorise an amount; an unknown one takes the most."""
        for rung in self.levels:
            if rung.up_to is None or (amount is not None and amount <= rung.up_to):
                return rung
        return Rung(level=self.level, authorisers=self.authorisers)

    @property
    def skills(self) -> tuple[str, ...]:
        """Returns the skill groups of those who decide, also about who stands on a list."""
        review = self.review_skill_group
        return (self.skill_group,) if review is None else (self.skill_group, review)

    @property
    def authorisers_max(self) -> int:
        """Returns how many persons it takes at most."""
        return max([self.authorisers, *(rung.authorisers for rung in self.levels)])
