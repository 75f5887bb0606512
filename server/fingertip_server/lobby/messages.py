"""Rows of the lobby as the contract shows them."""

from fingertip.lobby.v1 import arrival_pb2, ticket_pb2
from fingertip_server.db.hot import AnyRow
from fingertip_server.lobby.rules import printed_number
from fingertip_server.packs.bank import Bank


def ticket(row: AnyRow) -> ticket_pb2.Ticket:
    """Returns the ticket of a row."""
    message = ticket_pb2.Ticket(
        ticket_id=str(row.ticket_id),
        branch_id=row.branch_id,
        service_line_code=row.service_line_code,
        number=printed_number(row.service_line_code, row.sequence_number),
        state=ticket_pb2.Ticket.State.Value(f"STATE_{row.state}"),
        journey_id=str(row.journey_id),
        customer_id=str(row.customer_id or ""),
        tier_code=row.tier_code,
        desk=row.desk or "",
        call_count=row.call_count,
        staff_id=row.staff_id,
        version=row.version,
        issued_offline=row.issued_offline,
    )
    message.issue_time.FromDatetime(row.issued_at)
    if row.called_at is not None:
        message.call_time.FromDatetime(row.called_at)
    if row.ended_at is not None:
        message.end_time.FromDatetime(row.ended_at)
    return message


def arrival(row: AnyRow, bank: Bank) -> arrival_pb2.Arrival:
    """Returns the arrival of a row."""
    tier = bank.tiers.get(row.tier_code)
    message = arrival_pb2.Arrival(
        arrival_id=str(row.arrival_id),
        branch_id=row.branch_id,
        ticket_id=str(row.ticket_id),
        ticket_number=row.ticket_number,
        journey_id=str(row.journey_id),
        customer_id=str(row.customer_id),
        masked_name=row.masked_name,
        tier_code=row.tier_code,
        tier_name=tier.name if tier else "",
        state=arrival_pb2.Arrival.State.Value(f"STATE_{row.state}"),
        claimed_by=row.claimed_by,
        claimed_by_name=row.claimed_by_name,
        relationship_manager_id=row.relationship_manager_id,
        escalation_level=row.escalation_level,
        version=row.version,
    )
    message.create_time.FromDatetime(row.created_at)
    if row.claimed_at is not None:
        message.claim_time.FromDatetime(row.claimed_at)
    return message
