"""What a form demands of several answers together, as its file declares it.

Each rule finds fault with its `subject`, a field or a kind of attachment, by the sentence `note`
that the teller reads. It counts under all circumstances of `when`, and where what it reads is
answered and right by itself. A `warning` is told and does not hinder the submission.
"""

from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from fingertip_server.packs.schema_types import DottedWords, Frozen, Sentence, Word

AnswerText = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class Circumstance(Frozen):
    """Is met by an answer among some, or by an amount above a policy's."""

    field: Word
    values: tuple[AnswerText, ...] = ()
    above: DottedWords | None = None

    @model_validator(mode="after")
    def _asks_one_thing(self) -> "Circumstance":
        if bool(self.values) == (self.above is not None):
            raise ValueError("A circumstance names either answers or a policy.")
        return self


class Rule(Frozen):
    """What every rule has."""

    subject: Word
    when: tuple[Circumstance, ...] = ()
    note: Sentence
    warning: bool = False


class Answered(Rule):
    """The subject is answered, though the form does not always require it."""

    kind: Literal["answered"]


class AnyOf(Rule):
    """The subject's answer is one of some."""

    kind: Literal["any_of"]
    values: tuple[AnswerText, ...] = Field(min_length=1)


class NotBefore(Rule):
    """The subject's day is not before that of another field, or before today."""

    kind: Literal["not_before"]
    other: Word | None = None


class NotAfter(Rule):
    """The subject's day is not after that of another field, or after today."""

    kind: Literal["not_after"]
    other: Word | None = None


class AtMost(Rule):
    """The subject's amount is at most that of another field, or that of a policy."""

    kind: Literal["at_most"]
    other: Word | None = None
    policy: DottedWords | None = None

    @model_validator(mode="after")
    def _has_one_limit(self) -> "AtMost":
        if (self.other is None) == (self.policy is None):
            raise ValueError("The limit is either another field or a policy.")
        return self


class Same(Rule):
    """The subject's answer is that of another field."""

    kind: Literal["same"]
    other: Word


class Differs(Rule):
    """The subject's answer is not that of another field."""

    kind: Literal["differs"]
    other: Word


class MasterField(StrEnum):
    """What the customer master knows of a customer."""

    NAME = "name"
    RESIDENT_ID = "resident_id"
    MOBILE = "mobile"


class AsInMaster(Rule):
    """The subject's answer is what the customer master says, where it says anything."""

    kind: Literal["as_in_master"]
    master: MasterField


class Attached(Rule):
    """An attachment is there, though the form does not always require its kind."""

    kind: Literal["attached"]


class Unshared(Rule):
    """The subject's mobile number is not known of another person of the bank's."""

    kind: Literal["unshared"]


FormRule: TypeAlias = Annotated[
    Answered
    | AnyOf
    | NotBefore
    | NotAfter
    | AtMost
    | Same
    | Differs
    | AsInMaster
    | Attached
    | Unshared,
    Field(discriminator="kind"),
]
