"""Times what the system adds to dual control: from a submission to a screen, and back.

The people are scripted: what is measured is never how long somebody looks.
"""

import asyncio
import hashlib
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import ReadAttachmentRequest
from fingertip.applications.v1.content_pb2 import ApplicationContent
from fingertip.authorization.v1.authorization_service_pb2 import GetTaskRequest
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.events.v1.event_pb2 import Event
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_client.caller import Caller
from fingertip_server.packs import synthetic
from fingertip_server.packs.synthetic import SyntheticCustomer
from tests.applications import paper
from tests.applications.images import png
from tests.authorization import desk
from tests.bench.load import Server
from tests.world import Credentials, World, read_demo

_SUBMISSIONS_PER_SECOND = 50
_IMAGE_BYTES = 2 << 20
_AT_ONCE = 8
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Times:
    """Milliseconds that something took, each time."""

    name: str
    milliseconds: list[float]
    limit_ms: float

    def percentile(self, percent: int) -> float:
        """Returns a percentile."""
        return statistics.quantiles(self.milliseconds, n=100)[percent - 1]


@dataclass
class Stopwatch:
    """When a stream told of each subject in a state, by its id."""

    seen: dict[str, float] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, ids: Sequence[str]) -> None:
        """Waits until it was told of all of them."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not self.seen.keys() >= set(ids):
                self.news.clear()
                await self.news.wait()


@asynccontextmanager
async def watching(
    caller: Caller, request: WatchRequest, subject: Callable[[Event], str]
) -> AsyncIterator[Stopwatch]:
    """Notes when events come of which `subject` says whom they are about; "" for others."""
    stopwatch = Stopwatch()
    stream = caller.events.Watch(request)
    await stream.read()

    async def follow() -> None:
        async for message in stream:
            now = time.perf_counter()
            for event in message.events:
                stopwatch.seen.setdefault(subject(event), now)
            stopwatch.news.set()

    following = asyncio.create_task(follow())
    try:
        yield stopwatch
    finally:
        stream.cancel()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def measure(
    server: Server, credentials: Credentials, submissions: int, decisions: int
) -> list[Times]:
    """Times submissions at their pace, then claims, evidence and decisions one by one."""
    world = World([server.target], credentials)
    try:
        people = synthetic.customers(synthetic.population_of(read_demo()), submissions)
        await paper.synchronise(world, submissions)
        # Nobody decides about himself or his relatives: there is somebody else for those.
        await desk.start_shift(world.authoriser_who_is_a_customer)
        drafts = await _prepared(world.teller, list(people), large=decisions)
        pushed = await _submit(world, drafts)
        evidence, told = await _decide(world, decisions)
    finally:
        await world.close()
    return [
        Times(f"submit → authoriser's stream, {_SUBMISSIONS_PER_SECOND}/s, p95", pushed, 50),
        Times(f"claim → first image of {_IMAGE_BYTES >> 20} MB, p95", evidence, 300),
        Times("decision → teller's stream, p95", told, 50),
    ]


async def _prepared(
    teller: Caller, people: list[SyntheticCustomer], large: int
) -> list[Application]:
    """Fills in an application for each; the first ones with large images."""
    image = ("image/png", png(_IMAGE_BYTES))
    turn = asyncio.Semaphore(_AT_ONCE)

    async def prepare(index: int, person: SyntheticCustomer) -> Application:
        async with turn:
            draft = await paper.start(teller, customer=index)
            scans = {**paper.IMAGES, "id_front": image} if index < large else paper.IMAGES
            answers = {**paper.answers_of(person), **paper.CLASS_THREE}
            return await paper.fill(teller, draft, answers, scans=scans)

    return await asyncio.gather(*(prepare(i, person) for i, person in enumerate(people)))


async def _submit(world: World, drafts: Sequence[Application]) -> list[float]:
    """Submits at a steady pace, whatever the answers, and returns the times to the screen."""
    sent: dict[str, float] = {}

    async def submit(number: int, draft: Application) -> None:
        await asyncio.sleep(number / _SUBMISSIONS_PER_SECOND)
        sent[draft.application_id] = time.perf_counter()
        await paper.submit(world.teller, draft)

    async with watching(
        world.authoriser, WatchRequest(centre_id="C001"), _queued_subject
    ) as screen:
        await asyncio.gather(*(submit(n, draft) for n, draft in enumerate(drafts)))
        await screen.until(list(sent))
    return [(screen.seen[each] - at) * 1000 for each, at in sent.items()]


async def _decide(world: World, count: int) -> tuple[list[float], list[float]]:
    """Claims, reads the first image whole, and approves; returns the times of both."""
    evidence, told = [], []
    async with watching(world.teller, WatchRequest(branch_id="0101"), _approved_subject) as screen:
        for _ in range(count):
            started = time.perf_counter()
            task = await desk.claim(world.authoriser)
            await _first_image(world.authoriser, task)
            evidence.append((time.perf_counter() - started) * 1000)
            approval = desk.approval(task)
            started = time.perf_counter()
            await world.authoriser.authorization.ApproveTask(approval)
            await screen.until([task.subject_id])
            told.append((screen.seen[task.subject_id] - started) * 1000)
    return evidence, told


async def _first_image(authoriser: Caller, task: Task) -> None:
    shown = await authoriser.authorization.GetTask(GetTaskRequest(task_id=task.task_id))
    content = ApplicationContent.FromString(shown.content)
    [front] = [each for each in content.evidence if each.kind == "id_front"]
    image = b""
    while len(image) < front.size_bytes:
        piece = await authoriser.applications.ReadAttachment(
            ReadAttachmentRequest(attachment_id=front.attachment_id, offset=len(image))
        )
        image += piece.piece
    if hashlib.sha256(image).digest() != front.sha256:
        raise ValueError("the image is not the one that was submitted")


def _queued_subject(event: Event) -> str:
    return event.task.subject_id if event.task.state == Task.STATE_QUEUED else ""


def _approved_subject(event: Event) -> str:
    application = event.application
    return application.application_id if application.state == Application.STATE_APPROVED else ""
