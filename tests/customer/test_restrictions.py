"""Restrictive measures: imposed, told, lifted at once; by the bank's systems and by its staff."""

import pytest

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import (
    ApplicationFault,
)
from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip.customer.v1.customer_service_pb2 import (
    ImposeRestrictionRequest,
    LiftRestrictionRequest,
    ListRestrictionsRequest,
    RestrictionRecord,
)
from fingertip.customer.v1.restriction_pb2 import CustomerChanged, Restriction
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.fulfilment.v1.fulfilment_service_pb2 import LeaseWorkItemsRequest
from tests.applications import paper, papers
from tests.authorization import desk
from tests.authorization.screen import screen
from tests.conftest import Clock
from tests.customer.master import changed, people, sync, wang
from tests.world import World, refused

_REASON, _APPEAL = "短期内多次开户，用途不明", "携带用途证明到网点申诉"
_BANKS = RestrictionRecord(
    restriction_code="PUNISHED", reason="涉诈惩戒名单", appeal_route="向公安机关申诉"
)


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await sync(world, *people(3))


def _order(
    measure: Restriction.Measure.ValueType = Restriction.MEASURE_REFUSE, customer: int = 0
) -> ImposeRestrictionRequest:
    return ImposeRestrictionRequest(
        request_id=paper.request_id(),
        customer_id=paper.customer_id(customer),
        restriction_code="ABNORMAL_OPENING",
        measure=measure,
        reason=_REASON,
        appeal_route=_APPEAL,
    )


async def _impose(
    world: World, measure: Restriction.Measure.ValueType = Restriction.MEASURE_REFUSE
) -> Restriction:
    response = await world.branch_manager.customer.ImposeRestriction(_order(measure))
    return response.restriction


def _lifting(restriction_id: str) -> LiftRestrictionRequest:
    return LiftRestrictionRequest(
        request_id=paper.request_id(), restriction_id=restriction_id, purpose="经核查用途真实"
    )


async def _lift(world: World, restriction_id: str) -> Restriction:
    response = await world.branch_manager.customer.LiftRestriction(_lifting(restriction_id))
    return response.restriction


async def _listed(world: World) -> list[Restriction]:
    response = await world.teller.customer.ListRestrictions(
        ListRestrictionsRequest(customer_id=paper.customer_id())
    )
    return list(response.restrictions)


async def _check(world: World, application: Application) -> list[ApplicationFault]:
    return await paper.faults_of(world.teller, application)


async def test_a_restriction_is_imposed_told_and_lifted_each_once(world: World) -> None:
    manager = world.branch_manager.customer
    async with screen(world.teller, WatchRequest(branch_id="0101")) as shown:
        order = _order()
        imposed = (await manager.ImposeRestriction(order)).restriction
        assert (await manager.ImposeRestriction(order)).restriction == imposed
        assert await _listed(world) == [imposed]
        assert (imposed.reason, imposed.appeal_route) == (_REASON, _APPEAL)
        assert (imposed.imposed_by, imposed.banks_own) == ("100108", False)
        request = _lifting(imposed.restriction_id)
        lifted = (await manager.LiftRestriction(request)).restriction
        assert (await manager.LiftRestriction(request)).restriction == lifted
        assert lifted.HasField("lift_time")
        assert await _listed(world) == []
        await shown.until(lambda event: event.customer_changed.version == 2)
    changes = [e.customer_changed for e in shown.shown if e.HasField("customer_changed")]
    assert [(change.kind, change.version) for change in changes] == [
        (CustomerChanged.KIND_RESTRICTIONS, 1),
        (CustomerChanged.KIND_RESTRICTIONS, 2),
    ]
    entries = await world.auditor.audit.ListEntries(ListEntriesRequest(chain="0101", page_size=200))
    told = [
        (entry.action.rpartition("/")[2], entry.object_state)
        for entry in reversed(entries.entries)
        if "Restriction" in entry.action
    ]
    assert told == [
        ("ImposeRestriction", "IMPOSED"),
        ("ListRestrictions", ""),
        ("LiftRestriction", "LIFTED"),
        ("ListRestrictions", ""),
    ]


async def test_a_restriction_that_holds_is_not_imposed_again_nor_lifted_twice(
    world: World,
) -> None:
    imposed = await _impose(world)
    with refused("RESTRICTION_STATE") as caught:
        await _impose(world)
    assert caught.value.metadata == {"state": "IMPOSED"}
    await _lift(world, imposed.restriction_id)
    with refused("RESTRICTION_STATE") as caught:
        await _lift(world, imposed.restriction_id)
    assert caught.value.metadata == {"state": "LIFTED"}
    # It may come again.
    assert (await _impose(world)).restriction_id != imposed.restriction_id


async def test_who_may_restrict_and_whom(world: World) -> None:
    with refused("PERMISSION_MISSING"):
        await world.teller.customer.ImposeRestriction(_order())
    with refused("PERMISSION_MISSING"):
        await world.teller.customer.LiftRestriction(_lifting(paper.request_id()))
    with refused("PERMISSION_MISSING"):
        await world.security_admin.customer.ListRestrictions(
            ListRestrictionsRequest(customer_id=paper.customer_id())
        )
    with refused("RESTRICTION_NOT_FOUND"):
        await _lift(world, paper.request_id())
    with refused("CUSTOMER_NOT_FOUND"):
        await world.branch_manager.customer.ImposeRestriction(_order(customer=30))


async def test_what_the_banks_systems_hold_they_alone_lift(world: World) -> None:
    await sync(world, changed(wang(), version=2, restrictions=[_BANKS]))
    [held] = await _listed(world)
    assert (held.banks_own, held.reason) == (True, "涉诈惩戒名单")
    with refused("RESTRICTION_STATE") as caught:
        await _lift(world, held.restriction_id)
    assert caught.value.metadata == {"state": "BANKS_OWN"}
    # Told again, it is still the same.
    await sync(world, changed(wang(), version=3, restrictions=[_BANKS]))
    assert [each.restriction_id for each in await _listed(world)] == [held.restriction_id]
    await sync(world, changed(wang(), version=4))
    assert await _listed(world) == []


async def test_a_measure_against_one_customer_is_one_against_the_person(world: World) -> None:
    twin = changed(people()[2], version=2, resident_id=wang().resident_id, restrictions=[_BANKS])
    await sync(world, twin)
    assert [each.reason for each in await _listed(world)] == ["涉诈惩戒名单"]


async def test_an_opening_is_refused_until_the_measure_is_lifted(world: World) -> None:
    # Which the policy decides, where the measure does not say it.
    imposed = await _impose(world, Restriction.MEASURE_UNSPECIFIED)
    draft = await paper.fill(world.teller, await paper.start(world.teller))
    [fault] = await _check(world, draft)
    assert (fault.subject, fault.kind) == ("customer", ApplicationFault.KIND_RESTRICTED)
    assert "申诉渠道" in fault.note
    assert _REASON not in fault.note
    with refused("APPLICATION_INCOMPLETE"):
        await paper.submit(world.teller, draft)
    await _lift(world, imposed.restriction_id)
    assert (await paper.submit(world.teller, draft)).state == Application.STATE_SUBMITTED


async def test_an_enhanced_check_is_written_down(world: World) -> None:
    await _impose(world, Restriction.MEASURE_ENHANCE)
    draft = await paper.fill(world.teller, await paper.start(world.teller))
    [fault] = await _check(world, draft)
    assert (fault.subject, fault.kind) == ("enhanced_review", ApplicationFault.KIND_RESTRICTED)
    draft = await paper.save(world.teller, draft, {"enhanced_review": "已核实工资代发证明"})
    draft = await paper.sign(world.teller, draft)
    [fault] = await _check(world, draft)
    assert fault.kind == ApplicationFault.KIND_WARNING
    assert (await paper.submit(world.teller, draft)).state == Application.STATE_SUBMITTED
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))


async def test_a_form_without_a_place_for_enhanced_checks_is_refused_and_others_told_only(
    world: World,
) -> None:
    await _impose(world, Restriction.MEASURE_ENHANCE)
    for filed, kind in (
        (papers.ONLINE_BANKING, ApplicationFault.KIND_RESTRICTED),
        (papers.CHANGE_MOBILE, ApplicationFault.KIND_WARNING),
    ):
        draft = await paper.start(world.teller, form=filed.form)
        draft = await paper.fill(world.teller, draft, filed.answers)
        [fault] = await _check(world, draft)
        assert (fault.subject, fault.kind) == ("customer", kind)


async def test_a_measure_stands_against_what_was_submitted_and_what_was_approved(
    world: World, clock: Clock
) -> None:
    first = await paper.submitted(world.teller)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    await _impose(world)
    with refused("CUSTOMER_RESTRICTED"):
        await desk.approve(world.authoriser, task)
    leased = await world.core_adapter.fulfilment.LeaseWorkItems(
        LeaseWorkItemsRequest(kinds=["core.open_account"], max_items=1)
    )
    assert not leased.items
    await clock.advance(0)
    shown = (await paper.get(world.teller, first.application_id)).application
    assert shown.state == Application.STATE_EXECUTION_FAILED
    assert "申诉渠道" in shown.state_note
