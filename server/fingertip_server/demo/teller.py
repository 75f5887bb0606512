"""A teller's desk: serves the next customer, from the call of the ticket to its completion."""

import json

from fingertip.applications.v1.applications_service_pb2 import GetJourneyRequest
from fingertip.customer.v1.customer_service_pb2 import LookUpCustomerRequest
from fingertip.lobby.v1.lobby_service_pb2 import (
    CallNextTicketRequest,
    CallTicketRequest,
    CompleteTicketRequest,
    ListTicketsRequest,
    MarkNoShowRequest,
    StartServingRequest,
)
from fingertip.lobby.v1.ticket_pb2 import Ticket
from fingertip_client import tracing
from fingertip_client.request_ids import new_request_id
from fingertip_server.demo import cards, party
from fingertip_server.demo.account_opening import open_account
from fingertip_server.demo.applicant import Applicant
from fingertip_server.demo.filing import Visit
from fingertip_server.demo.mobile_change import change_mobile
from fingertip_server.demo.party import Failed, Party

_DESK = "3"
_LINE = "A"


async def serve(desk: Party) -> None:
    """Serves one customer, whose identity card the narrator lays on the reader."""
    await _clear(desk)
    await cards.count(desk)
    desk.ready("到岗，柜台就绪")
    applicant = Applicant.from_json(await desk.cues.get())
    ticket = await _call(desk)
    journey_id, customer_id = await _recognise(desk, ticket)
    with tracing.in_journey(journey_id):
        visit = Visit(f"网点{_DESK}号柜台", customer_id, journey_id)
        await open_account(desk, visit, applicant)
        await change_mobile(desk, visit, applicant)
        await desk.reporter.timed(
            "办结",
            desk.caller.lobby.CompleteTicket(
                CompleteTicketRequest(request_id=new_request_id(), ticket_id=ticket.ticket_id)
            ),
            lambda response: f"{response.ticket.number} 办理完毕",
        )
        await cards.count(desk)
        await _tell_journey(desk, journey_id)


async def _clear(desk: Party) -> None:
    """Ends what a run that was interrupted left in the line and at the desk."""
    lobby = desk.caller.lobby
    left = await lobby.ListTickets(
        ListTicketsRequest(
            states=[Ticket.STATE_WAITING, Ticket.STATE_CALLED, Ticket.STATE_SERVING],
            service_line_code=_LINE,
        )
    )
    # Served first: a desk has room for one customer.
    for ticket in sorted(left.tickets, key=lambda ticket: -ticket.state):
        ticket_id = ticket.ticket_id
        if ticket.state == Ticket.STATE_SERVING:
            await lobby.CompleteTicket(
                CompleteTicketRequest(request_id=new_request_id(), ticket_id=ticket_id)
            )
            continue
        if ticket.state == Ticket.STATE_WAITING:
            await lobby.CallTicket(
                CallTicketRequest(request_id=new_request_id(), ticket_id=ticket_id, desk=_DESK)
            )
        await lobby.MarkNoShow(MarkNoShowRequest(request_id=new_request_id(), ticket_id=ticket_id))


async def _call(desk: Party) -> Ticket:
    called = await desk.reporter.timed(
        "叫下一位",
        desk.caller.lobby.CallNextTicket(
            CallNextTicketRequest(
                request_id=new_request_id(), desk=_DESK, service_line_codes=[_LINE]
            )
        ),
        lambda response: f"请 {response.ticket.number} 到 {_DESK} 号柜台",
    )
    serving = await desk.reporter.timed(
        "开始办理",
        desk.caller.lobby.StartServing(
            StartServingRequest(request_id=new_request_id(), ticket_id=called.ticket.ticket_id)
        ),
        lambda response: response.ticket.number,
    )
    return serving.ticket


async def _recognise(desk: Party, ticket: Ticket) -> tuple[str, str]:
    """Returns the journey and the customer of the ticket; raises Failed for an unknown one."""
    found = await desk.reporter.timed(
        "按号票查客户",
        desk.caller.customer.LookUpCustomer(LookUpCustomerRequest(ticket_id=ticket.ticket_id)),
        lambda response: "，".join(f"{c.name} {c.resident_id}" for c in response.customers),
    )
    if len(found.customers) != 1:
        raise Failed("The bank does not know the customer of this ticket.")
    return found.journey_id, found.customers[0].customer_id


async def _tell_journey(desk: Party, journey_id: str) -> None:
    response = await desk.reporter.timed(
        "调阅全程",
        desk.caller.applications.GetJourney(GetJourneyRequest(journey_id=journey_id)),
        lambda response: f"{len(response.steps)} 步",
    )
    steps = [
        {
            "time": step.time.ToJsonString(),
            "actor": "、".join(filter(None, (step.actor, step.second_person))),
            "action": step.action,
            "state": f"{step.object_kind} {step.object_state} {step.refusal}".strip(),
        }
        for step in response.steps
    ]
    desk.reporter.tell_fact("本次服务结束", "journey", json.dumps(steps, ensure_ascii=False))


if __name__ == "__main__":
    party.play("teller-desk", "柜员", serve)
