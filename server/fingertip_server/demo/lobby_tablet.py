"""A lobby manager's tablet: hears of an important customer, claims the arrival, opens the view."""

from contextlib import aclosing
from datetime import UTC, datetime

from fingertip.customer.v1.customer_service_pb2 import (
    GetCustomerViewRequest,
    GetCustomerViewResponse,
)
from fingertip.customer.v1.customer_view_pb2 import CustomerSectionChanged, Section, SectionKind
from fingertip.events.v1.event_pb2 import Event
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.lobby.v1.arrival_pb2 import Arrival
from fingertip.lobby.v1.lobby_service_pb2 import ClaimArrivalRequest
from fingertip_client import tracing
from fingertip_client.mirror import Mirror
from fingertip_client.refusal import Refused
from fingertip_client.request_ids import new_request_id
from fingertip_client.watch import Snapshot, watch
from fingertip_server.demo import party
from fingertip_server.demo.party import Party

_SECTIONS = {
    SectionKind.SECTION_KIND_PROFILE: "基本资料",
    SectionKind.SECTION_KIND_HOLDINGS: "持有资产",
    SectionKind.SECTION_KIND_TRANSACTIONS: "近期交易",
    SectionKind.SECTION_KIND_PREFERENCES: "产品偏好",
    SectionKind.SECTION_KIND_INTENTIONS: "投资意向",
}
_FRESHNESS = {
    Section.FRESHNESS_FRESH: "最新",
    Section.FRESHNESS_STALE: "旧",
    Section.FRESHNESS_UNAVAILABLE: "未到",
}


async def be_in_the_lobby(tablet: Party) -> None:
    """Watches the branch until told to leave."""
    lobby = _Lobby(tablet)
    mirror = Mirror()
    request = WatchRequest(branch_id=tablet.staff.branch_id)
    async with aclosing(watch(tablet.caller, request)) as steps:
        async for step in steps:
            events = mirror.apply(step)
            if isinstance(step, Snapshot):
                # Whoever stands there by now was announced before.
                tablet.ready("到岗，关注本网点动态")
                continue
            for event in events:
                with tracing.acting_on(event):
                    await lobby.hear(event)


class _Lobby:
    """What this tablet does about the branch's news."""

    def __init__(self, tablet: Party) -> None:
        self._caller = tablet.caller
        self._reporter = tablet.reporter
        # The customers met, and the sections of their views that have not come yet.
        self._met: dict[str, Arrival] = {}
        self._missing: dict[str, set[SectionKind.ValueType]] = {}

    async def hear(self, event: Event) -> None:
        """Goes to who has come, and shows what comes in about who was met."""
        kind = event.WhichOneof("resource")
        if kind == "arrival" and event.arrival.state == Arrival.STATE_OPEN:
            await self._meet(event.arrival)
        elif kind == "customer_section_changed":
            await self._show_late(event.customer_section_changed)

    async def _meet(self, arrival: Arrival) -> None:
        since = (datetime.now(UTC) - arrival.create_time.ToDatetime(UTC)).total_seconds()
        self._reporter.tell(
            "平板提醒：重要客户来访",
            f"{arrival.masked_name}，{arrival.tier_name}，{arrival.ticket_number}，"
            f"取号后 {since * 1000:.0f} 毫秒",
        )
        claim = ClaimArrivalRequest(request_id=new_request_id(), arrival_id=arrival.arrival_id)
        try:
            await self._reporter.timed(
                "认领来访客户", self._caller.lobby.ClaimArrival(claim), lambda _: "由我迎接"
            )
        except Refused as refused:
            if refused.reason != "ARRIVAL_CLAIMED":
                raise
            self._reporter.tell("认领来访客户", f"已由{refused.metadata['claimed_by_name']}认领")
            return
        self._met[arrival.customer_id] = arrival
        await self._show(arrival, "打开客户视图")

    async def _show_late(self, changed: CustomerSectionChanged) -> None:
        missing = self._missing.get(changed.customer_id, set())
        if changed.kind not in missing:
            return
        if changed.unavailable:
            missing.remove(changed.kind)
            self._reporter.tell(f"{_SECTIONS[changed.kind]}", "银行系统暂未应答")
            self._greet_when_complete(changed.customer_id)
        else:
            arrival = self._met[changed.customer_id]
            await self._show(arrival, f"{_SECTIONS[changed.kind]}随后送达，刷新视图")

    async def _show(self, arrival: Arrival, what: str) -> None:
        request = GetCustomerViewRequest(
            customer_id=arrival.customer_id, journey_id=arrival.journey_id
        )
        view = await self._reporter.timed(
            what, self._caller.customer.GetCustomerView(request), _told
        )
        self._missing[arrival.customer_id] = {
            section.kind
            for section in view.sections
            if section.freshness == Section.FRESHNESS_UNAVAILABLE
        }
        self._greet_when_complete(arrival.customer_id)

    def _greet_when_complete(self, customer_id: str) -> None:
        if not self._missing[customer_id]:
            journey_id = self._met[customer_id].journey_id
            self._reporter.tell_fact("称呼客户，引导至柜台", "greeted", journey_id)


def _told(view: GetCustomerViewResponse) -> str:
    sections = "，".join(f"{_SECTIONS[s.kind]}{_FRESHNESS[s.freshness]}" for s in view.sections)
    return f"{view.customer.name}：{sections}"


if __name__ == "__main__":
    party.play("lobby-tablet", "大堂经理", be_in_the_lobby)
