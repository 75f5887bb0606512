"""What dual control asks of the domain that a task is about.

This domain imports none of them: `app.py` hands it one `Decisions` for each kind of subject.

Row locks are always taken in the order subject, task: whoever ends or parks a task has the owning
domain lock the subject first. Only a claim locks a task alone, and touches no subject.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from fingertip.authorization.v1.task_message_pb2 import TaskMessage
from fingertip.authorization.v1.task_pb2 import ContentDifference
from fingertip_server.authorization import rules
from fingertip_server.authorization.anchors import Anchored, Names
from fingertip_server.rpc.call import Call


@dataclass(frozen=True, slots=True)
class Subject:
    """What a task is about, in the revision that the task is about."""

    subject_id: UUID
    revision: int
    content_hash: bytes
    task_id: UUID


@dataclass(frozen=True, slots=True)
class Supply:
    """What the maker supplies: the subject's etag as he saw it, and whose question he answers.

    `messages` is how many there are by now.
    """

    etag: str
    message_id: str
    messages: int


@dataclass(frozen=True, slots=True)
class Frozen:
    """A revision of a subject, whose content never changes any more."""

    revision: int
    content_hash: bytes


def _no_evidence(*_: object) -> Frozen:
    raise rules.no_picture_asked()


def _asks_for_none(*_: object) -> None:
    raise TypeError("Of this kind of subject nothing is asked.")


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The functions of a domain whose subjects are more than yes or no, besides `Decisions`.

    `names` returns the fields and attachments that something may be anchored to. `difference` tells
    what a revision of a subject changed against the one before. `asked` is told which evidence the
    authoriser asks for, by what names, and `told` which message was posted, which may ask for a
    picture. `supplied` freezes the subject's next revision with what was uploaded since; it raises
    where something is missing.
    """

    names: Callable[[Call, UUID], Names]
    difference: Callable[[Call, UUID, int], ContentDifference]
    asked: Callable[[Call, Subject, Sequence[Anchored], Names], None] = _asks_for_none
    told: Callable[[Call, Subject, TaskMessage], None] = lambda *_: None
    supplied: Callable[[Call, Subject, Supply], Frozen] = _no_evidence


# Of a subject that has nothing to point at but the checklist, and no evidence.
SILENT = Dialogue(
    names=lambda _call, _subject_id: Names(),
    difference=lambda _call, _subject_id, revision: ContentDifference(revision=revision),
)


def _nothing_to_tell(_call: Call, _subject: Subject, _done: int, _required: int) -> None:
    """Does for a subject of which one approval is always enough."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """The functions of the domain that owns a kind of subject.

    `lock` locks the subject's row until the end of the transaction; it is called before any of the
    others but `content`. `content` returns the stored bytes of a revision. `parked` is told why
    nobody can decide, and with an empty reason that somebody can again; `expired` is told why the
    task ended before its time, with an empty reason that its time was over; `step_taken` how many
    have approved of how many who have to, when somebody can go on. Each of the others changes the
    subject's state, announces it on the subject's own topic, and raises where the subject does not
    admit the decision.
    """

    lock: Callable[[Call, UUID], None]
    content: Callable[[Call, UUID, int], bytes]
    approved: Callable[[Call, Subject], None]
    rejected: Callable[[Call, Subject, str], None]
    returned: Callable[[Call, Subject, Sequence[Anchored]], None]
    expired: Callable[[Call, Subject, str], None]
    parked: Callable[[Call, Subject, str], None]
    dialogue: Dialogue = SILENT
    step_taken: Callable[[Call, Subject, int, int], None] = field(default=_nothing_to_tell)
