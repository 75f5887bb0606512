"""What a document consists of, from its top to its end."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Title:
    """The name of the document."""

    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """The name of a part."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """Any number of paragraphs."""

    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and what is said under it."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """An image, in the bytes of a PNG or JPEG, as wide as that many points."""

    content: bytes
    width: float


Block = Title | Heading | Text | Fact | Picture
