"""What people, an adapter and time may do next, right or wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Final

from google.protobuf.message import Message
from google.type.money_pb2 import Money

from fingertip.applications.v1.application_pb2 import Answer, Application
from fingertip.applications.v1.applications_service_pb2 import (
    SaveApplicationRequest,
    SubmitApplicationRequest,
    WithdrawApplicationRequest,
)
from fingertip.authorization.v1.authorization_service_pb2 import (
    ApproveOnSiteRequest,
    ApproveTaskRequest,
    ClaimNextTaskRequest,
    ClaimNextTaskResponse,
    GetTaskRequest,
    GetTaskResponse,
    ReassignTaskRequest,
    RejectOnSiteRequest,
    RejectTaskRequest,
    ReleaseTaskRequest,
    RenewClaimRequest,
    RequestSupplementRequest,
    ReturnOnSiteRequest,
    ReturnTaskRequest,
)
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    FailWorkItemRequest,
    LeaseWorkItemsRequest,
    LeaseWorkItemsResponse,
)
from fingertip.fulfilment.v1.work_item_pb2 import WorkItem
from fingertip.identity.v1.identity_service_pb2 import (
    EndBreakRequest,
    EndShiftRequest,
    RevokeDelegationRequest,
    StartBreakRequest,
    StartShiftRequest,
)
from fingertip.vouchers.v1.voucher_pb2 import SerialRange, Voucher
from fingertip_client.refusal import Refused
from fingertip_server.applications import decisions
from fingertip_server.packs import synthetic
from fingertip_server.packs.synthetic import SyntheticCustomer
from tests.applications import paper, undoing
from tests.authorization import counter, desk
from tests.fulfilment import queue
from tests.identity.lending import lending, listed
from tests.random_staff.day import (
    ADAPTER,
    AUTHORISERS,
    KEEPERS,
    SECONDS,
    SUPERVISOR,
    TELLERS,
    Day,
)
from tests.vouchers import vault
from tests.world import PASSWORD, read_demo

Decision = ApproveTaskRequest | RejectTaskRequest | ReturnTaskRequest | RequestSupplementRequest
OnSite = ApproveOnSiteRequest | RejectOnSiteRequest | ReturnOnSiteRequest
Deed = Callable[[Day], Awaitable[object]]

CUSTOMERS: Final = 30
_CARDS: Final = 20
_DRAFT, _SUBMITTED, _RETURNED = (
    Application.STATE_DRAFT,
    Application.STATE_SUBMITTED,
    Application.STATE_RETURNED,
)


# What is typed again.
_HIGH: Final = Money(currency_code="CNY", units=300_000)
# Class Ⅱ, Ⅲ, and Ⅰ with so high a limit that two have to approve, each typing it again.
_CLASSES: Final[tuple[Mapping[str, str], ...]] = (
    {},
    paper.CLASS_THREE,
    {"account_class": "class_one", "remote_daily_limit": "20000.00"},
    {"account_class": "class_one", "remote_daily_limit": f"{_HIGH.units}.00"},
)


@cache
def _customers() -> list[SyntheticCustomer]:
    return list(synthetic.customers(synthetic.population_of(read_demo()), CUSTOMERS))


async def fill_in(day: Day) -> None:
    """Takes an application, mostly to the last signature."""
    teller = day.draw.choice(TELLERS)
    index = day.draw.randrange(CUSTOMERS)
    answers = paper.answers_of(_customers()[index])
    answers |= day.draw.choice((*_CLASSES, _CLASSES[0]))
    caller = day.world.caller(teller)
    application = await paper.start(caller, customer=index)
    day.see(teller, application)
    if day.draw.random() < 0.9:
        day.see(teller, await paper.fill(caller, application, answers))


async def edit(day: Day) -> None:
    """Changes an answer, sometimes of something that somebody changed meanwhile."""
    application = day.some_application(_DRAFT, _RETURNED)
    if application is not None:
        etag = application.etag if day.draw.random() < 0.8 else "1"
        await day.send(
            day.someone_for(application),
            SaveApplicationRequest(
                request_id=paper.request_id(),
                application_id=application.application_id,
                etag=etag,
                answers=[Answer(field_key="employer", value=f"第{day.draw.randrange(99)}公司")],
            ),
        )


async def sign_again(day: Day) -> None:
    """Has the customer sign what stands there now."""
    application = day.some_application(_DRAFT, _RETURNED)
    if application is not None:
        teller = day.makers[application.application_id]
        day.see(teller, await paper.sign(day.world.caller(teller), application))


async def submit(day: Day) -> None:
    """Submits, complete or not."""
    application = day.some_application(_DRAFT, _RETURNED)
    if application is not None:
        await day.send(
            day.someone_for(application),
            SubmitApplicationRequest(
                request_id=paper.request_id(),
                application_id=application.application_id,
                etag=application.etag,
                route=day.draw.choice((Task.ROUTE_CENTRE, Task.ROUTE_CENTRE, Task.ROUTE_ON_SITE)),
            ),
        )


async def withdraw(day: Day) -> None:
    """Has the customer change his mind."""
    application = day.some_application(_SUBMITTED, _RETURNED)
    if application is not None:
        await day.send(
            day.someone_for(application),
            WithdrawApplicationRequest(
                request_id=paper.request_id(),
                application_id=application.application_id,
                etag=application.etag,
                purpose="客户改变主意",
            ),
        )


async def look_again(day: Day) -> None:
    """Reads how an application stands by now."""
    application = day.some_application(_SUBMITTED, _RETURNED, Application.STATE_APPROVED)
    if application is not None:
        teller = day.makers[application.application_id]
        day.see(teller, await paper.get(day.world.caller(teller), application.application_id))


async def claim(day: Day) -> None:
    """Takes what comes next."""
    authoriser = day.draw.choice(AUTHORISERS)
    answer = await day.send(authoriser, ClaimNextTaskRequest(request_id=paper.request_id()))
    if isinstance(answer, ClaimNextTaskResponse):
        day.desks[authoriser] = answer.task


async def renew(day: Day) -> None:
    """Asks for more time."""
    for authoriser, task in _some_desk(day):
        await day.send(authoriser, RenewClaimRequest(task_id=task.task_id, fence=task.fence))


async def release(day: Day) -> None:
    """Gives a task back."""
    for authoriser, task in _some_desk(day):
        await day.send(
            authoriser,
            ReleaseTaskRequest(
                request_id=paper.request_id(),
                task_id=task.task_id,
                fence=task.fence,
                purpose="需离岗",
            ),
        )


async def decide(day: Day) -> None:
    """Decides about a task, mostly one that the decider holds, and as he saw it."""
    for holder, task in _some_desk(day):
        decider = holder if day.draw.random() < 0.9 else day.draw.choice(AUTHORISERS)
        kinds: tuple[Callable[[Task], Decision], ...] = (
            _approval,
            _approval,
            _approval,
            desk.rejection,
            desk.sending_back,
            _asking,
        )
        request = day.draw.choice(kinds)(task)
        spoilt = day.draw.random()
        if spoilt < 0.05:
            request.content_hash = b"x" * 32
        elif spoilt < 0.1:
            request.fence += day.draw.choice((-1, 1)) if request.fence > 1 else 1
        elif spoilt < 0.15:
            request.revision += 1
        await day.send(decider, request)
        if day.draw.random() < 0.5:
            # He believes that it is done, whatever came of it.
            day.desks.pop(holder, None)


async def escalate(day: Day) -> None:
    """Leaves a task to somebody of a higher level."""
    for authoriser, task in _some_desk(day):
        await day.send(authoriser, desk.escalation(task))


async def rest(day: Day) -> None:
    """Goes for a break, or comes back; mostly comes back, or nobody would be left."""
    kind = day.draw.choice((StartBreakRequest, *[EndBreakRequest] * 3))
    await day.send(day.draw.choice(AUTHORISERS), kind(request_id=paper.request_id()))


async def reassign(day: Day) -> None:
    """Has the supervisor give a task to somebody, or back to the queue."""
    task = await _task_of(day, day.some_application(_SUBMITTED))
    if task is not None:
        to = day.draw.choice((*AUTHORISERS, ""))
        await day.send(
            SUPERVISOR,
            ReassignTaskRequest(
                request_id=paper.request_id(),
                task_id=task.task_id,
                to_staff_id=to,
                purpose="调配",
            ),
        )


async def speak(day: Day) -> None:
    """Asks the maker something, or tells the authoriser something."""
    for authoriser, task in _some_desk(day):
        await day.send(authoriser, desk.saying(task, "请说明", fence=task.fence))
        maker = day.makers.get(task.subject_id, TELLERS[0])
        await day.send(maker, desk.saying(task, "好的"))


async def decide_on_site(day: Day) -> None:
    """Has somebody else decide at the maker's tablet, mostly somebody who may."""
    waiting = [
        each for each in day.applications.values() if each.state_note == decisions.ON_SITE_NOTE
    ]
    if waiting and day.draw.random() < 0.9:
        application: Application | None = day.draw.choice(waiting)
    else:
        application = day.some_application(_SUBMITTED)
    task = await _task_of(day, application)
    if application is None or task is None:
        return
    if task.state != Task.STATE_ON_SITE and day.draw.random() < 0.8:
        # The tablet shows by now what became of it.
        maker = day.makers[application.application_id]
        day.see(maker, await paper.get(day.world.caller(maker), application.application_id))
        return
    password = PASSWORD if day.draw.random() < 0.95 else "wrong"
    colleagues = _colleagues_of(day.makers[application.application_id])
    number = day.draw.choice(colleagues if day.draw.random() < 0.9 else SECONDS)
    by = counter.second(number, password)
    kinds: tuple[Callable[[Task], OnSite], ...] = (
        counter.approval,
        counter.approval,
        counter.rejection,
        counter.sending_back,
    )
    request = day.draw.choice(kinds)(task)
    request.second_person.CopyFrom(by)
    if day.draw.random() < 0.1:
        request.content_hash = b"x" * 32
    await day.send(day.someone_for(application), request)


async def route_to_centre(day: Day) -> None:
    """Has the centre decide what nobody decides on site."""
    application = day.some_application(_SUBMITTED)
    task = await _task_of(day, application)
    if application is not None and task is not None:
        await day.send(day.someone_for(application), counter.rerouting(task))


async def hand_out(day: Day) -> None:
    """Brings new cards, and gives them to a teller."""
    keeper = day.draw.choice(list(KEEPERS))
    teller = day.draw.choice(KEEPERS[keeper])
    day.cards += _CARDS
    cards = vault.span(day.cards, day.cards + _CARDS - 1)
    await day.send(keeper, vault.receipt(cards, second=teller))
    await day.send(keeper, vault.handing_over(cards, to=teller))


async def give_back(day: Day) -> None:
    """Gives a card back, or says that it is spoilt, whoever's it is."""
    keeper = day.draw.choice(list(KEEPERS))
    teller = day.draw.choice(KEEPERS[keeper])
    number = day.draw.randint(1, day.cards + _CARDS)
    card = vault.span(number)
    request = day.draw.choice(
        (
            vault.giving_back(card, keeper=keeper),
            vault.spoiling(number, witness=keeper),
        )
    )
    await day.send(teller, request)


async def count(day: Day) -> None:
    """Counts a stock, mostly right."""
    keeper = day.draw.choice(list(KEEPERS))
    teller = day.draw.choice(KEEPERS[keeper])
    caller = day.world.caller(teller)
    stock = await vault.stock_of(caller)
    held = await vault.vouchers_of(caller)
    await day.send(teller, vault.counting(stock, *_ranges(held), number=len(held)))


async def supply(day: Day) -> None:
    """Supplies what an authoriser asked for, asked or not."""
    application = day.some_application(Application.STATE_SUPPLEMENT_REQUESTED)
    if application is not None and application.task_id:
        teller = day.makers[application.application_id]
        if day.draw.random() < 0.8:
            caller = day.world.caller(teller)
            application = await paper.attach(caller, application, "id_back")
            day.see(teller, application)
        await day.send(teller, desk.supplying(application))


async def undo(day: Day) -> None:
    """Asks to undo what the bank did."""
    application = day.some_application(Application.STATE_EXECUTED)
    if application is not None:
        await day.send(day.draw.choice(TELLERS), undoing.reversal_request(application))


async def lend_or_take_back(day: Day) -> None:
    """Has a leader lend his authority for a while, or take back what is lent."""
    leader, delegates = day.draw.choice(
        (
            (SUPERVISOR, AUTHORISERS),
            *((keeper, tellers) for keeper, tellers in KEEPERS.items()),
        )
    )
    lent = await listed(day.world.caller(leader))
    if lent and day.draw.random() < 0.5:
        delegation = day.draw.choice(lent)
        await day.send(
            leader,
            RevokeDelegationRequest(
                request_id=paper.request_id(),
                delegation_id=delegation.delegation_id,
                purpose="已返岗",
            ),
        )
        return
    request = lending(day.draw.choice(delegates))
    [row] = await day.database.as_owner("SELECT fingertip_now() AS now")
    until = row["now"] + timedelta(seconds=day.draw.choice((60, 600, 3_600)))
    request.expire_time.FromDatetime(until)
    await day.send(leader, request)


async def come_or_go(day: Day) -> None:
    """Starts or ends a shift; in the branches mostly starts one, for those that lapsed."""
    staff = day.draw.choice((*AUTHORISERS, *SECONDS))
    comes = day.draw.random() < (0.65 if staff in AUTHORISERS else 0.9)
    kind = StartShiftRequest if comes else EndShiftRequest
    await day.send(staff, kind(request_id=paper.request_id()))


async def lease(day: Day) -> None:
    """Has the adapter ask for work with an effect."""
    answer = await day.send(
        ADAPTER,
        LeaseWorkItemsRequest(kinds=["core.open_account", undoing.REVERSE], max_items=3),
    )
    if isinstance(answer, LeaseWorkItemsResponse):
        day.leased += answer.items


async def report(day: Day) -> None:
    """Has the adapter tell what the bank did, or fall silent about it."""
    if not day.leased:
        return
    leased = day.leased.pop(day.draw.randrange(len(day.leased)))
    if day.draw.random() < 0.1:
        return
    is_inquiry = leased.work_item.purpose == WorkItem.PURPOSE_INQUIRE
    done = undoing.completion(leased, f"CORE-{leased.work_item.operation_id}")
    request = day.draw.choice(
        (
            done,
            done,
            done,
            queue.unknown(leased),
            queue.never_seen(leased) if is_inquiry else queue.failed(leased),
            queue.failed(leased, FailWorkItemRequest.FAILURE_PERMANENT, "REFUSED"),
        )
    )
    await day.send(ADAPTER, request)


async def pass_time(day: Day) -> None:
    """Lets time pass: mostly seconds, sometimes a claim's lease, seldom a task's life."""
    seconds = day.draw.choice((1, 3, 5, 10, 20, 20, 40, 65, 65, 130, 900, 1_900))
    await day.clock.advance(seconds)
    await paper.stay_signed_in(day.database)
    # Whoever's shift lapsed comes back at the next opportunity.


async def repeat(day: Day) -> None:
    """Sends an answered write once more: the answer is the same, and nothing is done."""
    if day.past:
        former = day.draw.choice(day.past)
        count = len(day.past)
        again = await day.send(former.caller, former.request)
        if len(day.past) == count + 1 or again is not None:
            day.past.pop()
        assert again == former.answer, type(former.request).__name__


async def reuse(day: Day) -> None:
    """Sends something else under the id of an answered write, which is refused."""
    if not day.past:
        return
    former = day.draw.choice(day.past)
    other: Message = type(former.request)()
    other.CopyFrom(former.request)
    for name, value in (("purpose", "另有缘故"), ("fence", 999_999), ("etag", "999999")):
        if name in other.DESCRIPTOR.fields_by_name:
            setattr(other, name, value)
            break
    else:
        return
    assert await day.send(former.caller, other) is None, (former.request, other)


async def race(day: Day) -> None:
    """Has several people do something at the same time."""
    rivals = day.draw.sample((withdraw, decide, decide, submit, supply, claim, release, report), 3)
    await asyncio.gather(*(do(day, deed) for deed in rivals))


def _approval(task: Task) -> ApproveTaskRequest:
    if task.subject_kind == "reversal":
        return undoing.approval(task)
    approval = desk.approval(task)
    if task.reenter_amount:
        approval.amount.CopyFrom(_HIGH)
    return approval


def _asking(task: Task) -> RequestSupplementRequest:
    return desk.asking(task, "id_back")


async def _task_of(day: Day, application: Application | None) -> Task | None:
    """Returns the task about an application, as its maker sees it."""
    if application is None or not application.task_id:
        return None
    maker = day.makers[application.application_id]
    answer = await day.send(maker, GetTaskRequest(task_id=application.task_id))
    return answer.task if isinstance(answer, GetTaskResponse) else None


def _ranges(held: Sequence[Voucher]) -> list[SerialRange]:
    """Returns vouchers as a teller counts them: those that follow one another as one range."""
    ranges: list[SerialRange] = []
    expected = ("", 0)
    for each in sorted(held, key=lambda each: (each.voucher_type, each.serial)):
        number = int(each.serial[2:])
        if (each.voucher_type, number) == expected:
            ranges[-1].last_serial = each.serial
        else:
            ranges.append(SerialRange(voucher_type=each.voucher_type, first_serial=each.serial))
        expected = (each.voucher_type, number + 1)
    return ranges


def _colleagues_of(maker: str) -> tuple[str, ...]:
    """Returns who could stand by: those of the maker's branch, himself among them."""
    return next(
        (*tellers, keeper) for keeper, tellers in KEEPERS.items() if maker in (*tellers, keeper)
    )


def _some_desk(day: Day) -> list[tuple[str, Task]]:
    return [day.draw.choice(list(day.desks.items()))] if day.desks else []


async def do(day: Day, deed: Deed) -> None:
    """Does a deed; one of several calls may be refused in the middle, which ends it."""
    try:
        await deed(day)
    except Refused as refused:
        if refused.reason in {"INTERNAL", "INVALID_REQUEST", ""}:
            raise
        day.outcomes[deed.__name__, refused.reason] += 1


DEEDS: Final[dict[Deed, int]] = {
    fill_in: 10,
    edit: 4,
    sign_again: 3,
    submit: 14,
    withdraw: 3,
    look_again: 8,
    claim: 14,
    renew: 4,
    release: 3,
    decide: 14,
    escalate: 2,
    rest: 2,
    reassign: 2,
    speak: 4,
    decide_on_site: 10,
    route_to_centre: 2,
    hand_out: 2,
    give_back: 2,
    count: 2,
    supply: 5,
    undo: 3,
    lend_or_take_back: 3,
    come_or_go: 6,
    lease: 8,
    report: 10,
    pass_time: 6,
    repeat: 6,
    reuse: 3,
    race: 4,
}
