"""Four eyes are about persons: in every rule, and in the database whoever writes."""

from uuid import UUID, uuid4

import asyncpg
import pytest

from fingertip_server.packs import synthetic
from fingertip_server.packs.schema_bank import StaffMember
from tests.applications import paper
from tests.authorization import counter, desk
from tests.conftest import Database
from tests.customer.master import changed, people, sync
from tests.identity.lending import lend, lending
from tests.world import World, read_demo, refused

_INSERT = """
INSERT INTO task_decision (task_id, outcome, subject_kind, subject_id, revision, content_hash,
    fence, maker_person_id, customer_id, checker_id, checker_person_id, checker_customer_id)
VALUES ($1, 'APPROVED', 'application', $2, 1, $3, 1, $4, $5, '900105', $6, $7)
"""


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


async def test_who_made_it_under_another_account_is_offered_nothing_and_decides_nothing(
    world: World,
) -> None:
    await paper.submitted(world.teller_with_two_accounts)
    await desk.start_shift(world.authoriser_with_two_accounts)
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser_with_two_accounts)
    task = await desk.claim(world.authoriser)
    with refused("FOUR_EYES") as caught:
        await desk.approve(world.authoriser_with_two_accounts, task)
    assert caught.value.metadata == {"rule": "maker"}
    with refused("FOUR_EYES"):
        await desk.send_back(world.authoriser_with_two_accounts, task)
    await desk.approve(world.authoriser, task)


async def test_the_customer_is_offered_nothing_and_decides_nothing(world: World) -> None:
    xu = {
        "applicant_name": "徐海涛",
        "resident_id": "190101198511079012",
        "sex": "male",
        "mobile": "15474695962",
        "document_issue_date": "2020-06-01",
        "document_valid_until": "2040-06-01",
    }
    draft = await paper.start(world.teller, customer=1)
    filled = await paper.fill(world.teller, draft, {**paper.ANSWERS, **xu})
    await paper.submit(world.teller, filled)
    await desk.start_shift(world.authoriser_who_is_a_customer)
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser_who_is_a_customer)
    task = await desk.claim(world.authoriser)
    with refused("FOUR_EYES") as caught:
        await desk.approve(world.authoriser_who_is_a_customer, task)
    assert caught.value.metadata == {"rule": "customer"}


async def test_nobody_off_shift_decides(world: World) -> None:
    await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    with refused("NOT_ON_SHIFT"):
        await desk.approve(world.authoriser_who_is_a_customer, task)


def _member(number: str) -> StaffMember:
    return next(member for member in read_demo().staff if member.staff_number == number)


async def test_the_database_refuses_a_decision_of_the_maker_whoever_writes_it(
    database: Database,
) -> None:
    person = _member("100105").person_id
    for write in (database.as_application, database.as_owner):
        with pytest.raises(asyncpg.CheckViolationError, match="four_eyes_maker"):
            await write(_INSERT, uuid4(), uuid4(), b"h" * 32, person, uuid4(), person, None)


async def test_the_database_refuses_a_decision_of_the_customer(database: Database) -> None:
    customer = UUID(paper.customer_id(1))
    with pytest.raises(asyncpg.CheckViolationError, match="four_eyes_customer"):
        await database.as_application(
            _INSERT, uuid4(), uuid4(), b"h" * 32, uuid4(), customer, uuid4(), customer
        )


async def test_the_database_keeps_one_decision_for_each_task_and_each_revision(
    database: Database,
) -> None:
    task, subject, person = uuid4(), uuid4(), uuid4()
    await database.as_application(_INSERT, task, subject, b"h" * 32, uuid4(), uuid4(), person, None)
    with pytest.raises(asyncpg.UniqueViolationError):
        await database.as_application(
            _INSERT, task, uuid4(), b"h" * 32, uuid4(), uuid4(), person, None
        )
    with pytest.raises(asyncpg.UniqueViolationError):
        await database.as_application(
            _INSERT, uuid4(), subject, b"h" * 32, uuid4(), uuid4(), person, None
        )


async def test_decisions_are_appended_and_neither_changed_nor_deleted(
    world: World, database: Database
) -> None:
    await paper.submitted(world.teller)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    for statement in ("UPDATE task_decision SET outcome = 'REJECTED'", "DELETE FROM task_decision"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.as_application(statement)


async def test_the_customer_under_another_number_decides_nothing(world: World) -> None:
    _, xu, double = people(3)
    # The bank knows its authoriser by one number, and he applies by another.
    await sync(
        world,
        changed(double, version=2, name=xu.name, resident_id=xu.resident_id, mobile=xu.mobile),
    )
    answers = {
        **paper.ANSWERS,
        "applicant_name": xu.name,
        "resident_id": xu.resident_id,
        "sex": "male",
        "mobile": xu.mobile,
    }
    draft = await paper.start(world.teller, customer=2)
    await paper.submit(world.teller, await paper.fill(world.teller, draft, answers))
    await desk.start_shift(world.authoriser_who_is_a_customer)
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser_who_is_a_customer)
    task = await desk.claim(world.authoriser)
    with refused("FOUR_EYES"):
        await desk.approve(world.authoriser_who_is_a_customer, task)


async def test_a_relative_of_the_customer_is_offered_nothing_and_decides_nothing(
    world: World, database: Database
) -> None:
    number = int(_member("900102").relatives[0].removeprefix("DEMO"))
    await paper.synchronise(world, number)
    [*_, person] = synthetic.customers(synthetic.population_of(read_demo()), number)
    await desk.start_shift(world.authoriser_who_is_a_customer)
    draft = await paper.start(world.teller, customer=number - 1)
    filled = await paper.fill(world.teller, draft, paper.answers_of(person))
    application = await paper.submit(world.teller, filled)
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser)
    task = await desk.claim(world.authoriser_who_is_a_customer)
    assert task.subject_id == application.application_id
    with refused("FOUR_EYES") as caught:
        await desk.approve(world.authoriser, task)
    assert caught.value.metadata == {"rule": "related"}
    with refused("NOT_ELIGIBLE") as told:
        await desk.reassign(world.centre_supervisor, task.task_id, "900102")
    assert told.value.metadata == {"rule": "related"}


@pytest.mark.parametrize("related", ["100104", "100108"])
async def test_neither_a_relative_nor_his_delegate_decides_on_site(
    world: World, database: Database, related: str
) -> None:
    await lend(world.branch_manager, lending("100104"))
    await database.as_owner(
        "UPDATE staff SET relatives = ARRAY[$2::text::uuid] WHERE staff_id = $1",
        related,
        paper.customer_id(),
    )
    task = await counter.submitted(world.teller)
    with refused("FOUR_EYES") as caught:
        await counter.approve(world.teller, task)
    rule = "related" if related == "100104" else "delegate_of_related"
    assert caught.value.metadata == {"rule": rule}
    await counter.approve(world.teller, task, counter.second("100105"))
