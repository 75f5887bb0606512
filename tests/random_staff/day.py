"""A day at the demo bank of which nobody knows what comes next."""

import random
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

from google.protobuf.message import Message

from fingertip.applications.v1.application_pb2 import Application
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.fulfilment.v1.work_item_pb2 import LeasedWorkItem
from fingertip_client.refusal import Refused
from tests.conftest import Clock, Database
from tests.contract import documented
from tests.contract.descriptors import methods
from tests.world import CARD_HOLDERS, World

TELLERS: Final = ("100103", "100104", "100105", "100202")
AUTHORISERS: Final = ("900101", "900102", "900103", "900105")
SUPERVISOR: Final = "900109"
# Who has a vault, and whom he gives cards.
KEEPERS: Final = CARD_HOLDERS
SECONDS: Final = (*TELLERS, *KEEPERS)
ADAPTER: Final = "core_adapter"

_METHODS: Final = {method.name: method for method in methods()}
_SERVICES: Final = {
    name: method.containing_service.name.removesuffix("Service").lower()
    for name, method in _METHODS.items()
}
_APPLICATIONS_MAX: Final = 40
_PAST_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Answered:
    """A write that was answered, to be sent again."""

    caller: str
    request: Message
    answer: Message


@dataclass
class Day:
    """What the staff know; everything they do goes through the front door."""

    world: World
    database: Database
    clock: Clock
    draw: random.Random
    # As last seen by anybody, by id; and who made each.
    applications: dict[str, Application] = field(default_factory=dict)
    makers: dict[str, str] = field(default_factory=dict)
    # The tasks that authorisers believe to hold, by authoriser.
    desks: dict[str, Task] = field(default_factory=dict)
    leased: list[LeasedWorkItem] = field(default_factory=list)
    # How many cards were made, so that none is made twice.
    cards: int = 0
    past: deque[Answered] = field(default_factory=lambda: deque(maxlen=_PAST_MAX))
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def send(self, caller: str, request: Message) -> Message | None:
        """Sends a request, and returns the answer; nothing for a refusal of the contract."""
        name = type(request).__name__.removesuffix("Request")
        stub = getattr(self.world.caller(caller), _SERVICES[name])
        try:
            answer: Message = await getattr(stub, name)(request)
        except Refused as refused:
            self.note(name, refused)
            return None
        self.outcomes[name, "OK"] += 1
        if hasattr(request, "request_id"):
            self.past.append(Answered(caller, request, answer))
        self.see(caller, answer)
        return answer

    def note(self, name: str, refused: Refused) -> None:
        """Counts a refusal, which must be one that the method's comment names."""
        self.outcomes[name, refused.reason] += 1
        assert refused.reason in documented.refusals(_METHODS[name]), (name, refused)
        assert refused.reason not in {"INTERNAL", "INVALID_REQUEST"}, (name, refused)

    def see(self, caller: str, answer: Message) -> None:
        """Remembers the application that an answer shows."""
        for part in (answer, getattr(answer, "application", None)):
            if isinstance(part, Application) and part.application_id:
                known = self.applications.get(part.application_id)
                if known is None or known.version < part.version:
                    self.applications[part.application_id] = part
                self.makers.setdefault(part.application_id, caller)
        while len(self.applications) > _APPLICATIONS_MAX:
            del self.applications[next(iter(self.applications))]

    def some_application(self, *states: Application.State.ValueType) -> Application | None:
        """Returns one, mostly in one of these states, as it was last seen."""
        known = list(self.applications.values())
        wanted = [each for each in known if each.state in states]
        if wanted and self.draw.random() < 0.9:
            return self.draw.choice(wanted)
        return self.draw.choice(known) if known else None

    def someone_for(self, application: Application) -> str:
        """Returns mostly its maker, and sometimes whoever thinks that he may."""
        if self.draw.random() < 0.9:
            return self.makers[application.application_id]
        return self.draw.choice(TELLERS)
