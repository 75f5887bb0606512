"""The lobby's statements, built once."""

from sqlalchemy import Select, Table, Update, bindparam, func, insert, select, text, update

from fingertip_server.db.hot import Hot
from fingertip_server.lobby.tables import Arrival, NumberBlock, Ticket

_TICKET: Table = Ticket.__table__  # type: ignore[assignment] # mapped to a plain table
_ARRIVAL: Table = Arrival.__table__  # type: ignore[assignment] # as above

# The hot one: the number, the ticket and the length of the queue before it, in one.
ISSUE = Hot("""
WITH today AS (
    SELECT fingertip_now() AS now
), day AS (
    SELECT now, (now AT TIME ZONE :time_zone)::date AS business_day FROM today
), drawn AS (
    INSERT INTO ticket_sequence AS s (branch_id, service_line_code, business_day, next_number)
    SELECT :branch_id, :service_line_code, business_day, :first_number + 1 FROM day
    ON CONFLICT (branch_id, service_line_code, business_day)
    DO UPDATE SET next_number = s.next_number + 1 WHERE s.next_number <= :last_number
    RETURNING s.next_number - 1 AS number
), issued AS (
    INSERT INTO ticket (ticket_id, branch_id, service_line_code, business_day, sequence_number,
        journey_id, customer_id, tier_code, issued_at)
    SELECT :ticket_id, :branch_id, :service_line_code, day.business_day, drawn.number,
        :journey_id, :customer_id, :tier_code, day.now
    FROM drawn, day
    RETURNING *
)
SELECT issued.*, (
    SELECT count(*) FROM ticket AS t
    WHERE t.branch_id = :branch_id AND t.business_day = issued.business_day
      AND t.service_line_code = :service_line_code AND t.state = 'WAITING'
) AS waiting_count
FROM issued
""")

REGISTER = text("""
WITH issued AS (
    INSERT INTO ticket (ticket_id, branch_id, service_line_code, business_day, sequence_number,
        journey_id, customer_id, tier_code, issued_at, issued_offline, state, ended_at)
    VALUES (:ticket_id, :branch_id, :service_line_code, :business_day, :sequence_number,
        :journey_id, :customer_id, :tier_code, :issued_at, true, :state, :ended_at)
    ON CONFLICT DO NOTHING
    RETURNING *
)
SELECT issued.*, (
    SELECT count(*) FROM ticket AS t
    WHERE t.branch_id = :branch_id AND t.business_day = issued.business_day
      AND t.service_line_code = :service_line_code AND t.state = 'WAITING'
      AND t.issued_at < issued.issued_at
) AS waiting_count
FROM issued
""")

# The ticket of a press whose answer was lost, and not one that has the number of a slip already.
RENUMBER = text("""
UPDATE ticket SET service_line_code = :service_line_code, business_day = :business_day,
    sequence_number = :sequence_number, issued_offline = true, version = version + 1
WHERE ticket_id = :ticket_id AND branch_id = :branch_id AND NOT issued_offline
RETURNING ticket_id, state
""")
FIND_WITH_QUEUE = text("""
SELECT issued.*, (
    SELECT count(*) FROM ticket AS t
    WHERE t.branch_id = issued.branch_id AND t.business_day = issued.business_day
      AND t.service_line_code = issued.service_line_code AND t.state = 'WAITING'
      AND t.issued_at < issued.issued_at
) AS waiting_count
FROM ticket AS issued WHERE issued.ticket_id = :ticket_id
""")

# By its number or its id, whichever was taken.
FIND_REGISTERED = text("""
SELECT ticket_id FROM ticket
WHERE ticket_id = :ticket_id OR (branch_id = :branch_id AND business_day = :business_day
    AND service_line_code = :service_line_code AND sequence_number = :sequence_number)
LIMIT 1
""")

BEGIN_SEQUENCE = text("""
INSERT INTO ticket_sequence (branch_id, service_line_code, business_day, next_number)
VALUES (:branch_id, :service_line_code, :business_day, :first_number)
ON CONFLICT DO NOTHING
""")
LOCK_SEQUENCE = text("""
SELECT next_number FROM ticket_sequence
WHERE branch_id = :branch_id AND service_line_code = :service_line_code
  AND business_day = :business_day
FOR NO KEY UPDATE
""")
SET_SEQUENCE = text("""
UPDATE ticket_sequence SET next_number = :next_number
WHERE branch_id = :branch_id AND service_line_code = :service_line_code
  AND business_day = :business_day
""")
INSERT_BLOCK = insert(NumberBlock).returning(NumberBlock.__table__)
FIND_BLOCK: Select[tuple[NumberBlock]] = select(NumberBlock.__table__).where(
    NumberBlock.block_id == bindparam("the_block_id")
)

# Locks the branch's day, so that calls queue, and returns the streak.
LOCK_DAY = text("""
INSERT INTO lobby_day AS d (branch_id, business_day)
VALUES (:branch_id, (fingertip_now() AT TIME ZONE :time_zone)::date)
ON CONFLICT (branch_id, business_day) DO UPDATE SET priority_streak = d.priority_streak
RETURNING business_day, priority_streak
""")
SET_STREAK = text(
    "UPDATE lobby_day SET priority_streak = :streak"
    " WHERE branch_id = :branch_id AND business_day = :business_day"
)
HEADS = text("""
SELECT head.ticket_id, head.service_line_code, head.issued_at
FROM unnest(CAST(:codes AS text[])) AS line (code)
CROSS JOIN LATERAL (
    SELECT ticket_id, service_line_code, issued_at FROM ticket
    WHERE branch_id = :branch_id AND business_day = :business_day
      AND service_line_code = line.code AND state = 'WAITING'
    ORDER BY issued_at, sequence_number LIMIT 1
) AS head
""")
AT_DESK = text(
    "SELECT ticket_id FROM ticket WHERE branch_id = :branch_id AND business_day = :business_day"
    " AND desk = :desk AND state IN ('CALLED', 'SERVING')"
)
LINES = Hot("""
SELECT line.code, (
    SELECT count(*) FROM ticket AS t
    WHERE t.branch_id = :branch_id AND t.business_day = day.business_day
      AND t.service_line_code = line.code AND t.state = 'WAITING'
) AS waiting_count, (
    SELECT t.sequence_number FROM ticket AS t
    WHERE t.branch_id = :branch_id AND t.business_day = day.business_day
      AND t.service_line_code = line.code AND t.called_at IS NOT NULL
    ORDER BY t.called_at DESC LIMIT 1
) AS last_called
FROM unnest(CAST(:codes AS text[])) WITH ORDINALITY AS line (code, place),
     (SELECT (fingertip_now() AT TIME ZONE :time_zone)::date AS business_day) AS day
ORDER BY line.place
""")
# What the customer did here today before: his journey goes on.
TODAY_OF_CUSTOMER = Hot("""
SELECT journey_id FROM ticket
WHERE customer_id = :customer_id AND branch_id = :branch_id
  AND business_day = (fingertip_now() AT TIME ZONE :time_zone)::date
ORDER BY issued_at LIMIT 1
""")

LOCK_TICKET: Select[tuple[object]] = (
    select(_TICKET)
    .where(
        _TICKET.c.ticket_id == bindparam("the_ticket_id"),
        _TICKET.c.branch_id == bindparam("the_branch_id"),
    )
    .with_for_update(key_share=True)
)
FIND_TICKET = select(_TICKET).where(
    _TICKET.c.ticket_id == bindparam("the_ticket_id"),
    _TICKET.c.branch_id == bindparam("the_branch_id"),
)
LOCK_ARRIVAL = (
    select(_ARRIVAL)
    .where(_ARRIVAL.c.arrival_id == bindparam("the_arrival_id"))
    .with_for_update(key_share=True)
)
LOCK_ARRIVAL_OF_CUSTOMER = (
    select(_ARRIVAL)
    .where(
        _ARRIVAL.c.branch_id == bindparam("the_branch_id"),
        _ARRIVAL.c.business_day == bindparam("the_business_day"),
        _ARRIVAL.c.customer_id == bindparam("the_customer_id"),
    )
    .with_for_update(key_share=True)
)
OPEN_ARRIVALS = (
    select(_ARRIVAL)
    .where(_ARRIVAL.c.branch_id == bindparam("the_branch_id"), _ARRIVAL.c.state != "RESOLVED")
    .order_by(_ARRIVAL.c.created_at)
)
# Those of a relationship manager's customers in other branches.
OPEN_ARRIVALS_ELSEWHERE = (
    select(_ARRIVAL)
    .where(
        _ARRIVAL.c.relationship_manager_branch_id == bindparam("the_branch_id"),
        _ARRIVAL.c.relationship_manager_branch_id != _ARRIVAL.c.branch_id,
        _ARRIVAL.c.state != "RESOLVED",
    )
    .order_by(_ARRIVAL.c.created_at)
)
# Ends what is left of a line's day, some at a time.
EXPIRE = text("""
UPDATE ticket SET state = 'EXPIRED', ended_at = fingertip_now(), version = version + 1
WHERE ticket_id IN (
    SELECT ticket_id FROM ticket
    WHERE branch_id = :branch_id AND service_line_code = :service_line_code
      AND business_day = :business_day AND state IN ('WAITING', 'CALLED')
    ORDER BY sequence_number LIMIT :row_count FOR NO KEY UPDATE)
RETURNING *
""")
ARRIVALS_OF_DAY = text("""
SELECT arrival_id FROM arrival
WHERE branch_id = :branch_id AND business_day = :business_day AND state <> 'RESOLVED'
""")
# An arrival of the same customer, branch and day is there already: no second alert.
INSERT_ARRIVAL = Hot("""
INSERT INTO arrival (arrival_id, branch_id, business_day, ticket_id, ticket_number, journey_id,
    customer_id, masked_name, tier_code, relationship_manager_id, relationship_manager_branch_id)
VALUES (:arrival_id, :branch_id, :business_day, :ticket_id, :ticket_number, :journey_id,
    :customer_id, :masked_name, :tier_code, :relationship_manager_id,
    :relationship_manager_branch_id)
ON CONFLICT (branch_id, business_day, customer_id) DO NOTHING
RETURNING *
""")
OPEN_TICKETS = text("""
SELECT * FROM ticket
WHERE branch_id = :branch_id
  AND business_day = (fingertip_now() AT TIME ZONE :time_zone)::date
  AND state IN ('WAITING', 'CALLED', 'SERVING')
ORDER BY issued_at, ticket_id
""")
LIST_TICKETS = Hot("""
SELECT * FROM ticket
WHERE branch_id = :branch_id
  AND business_day = (fingertip_now() AT TIME ZONE :time_zone)::date
  AND (cardinality(CAST(:states AS text[])) = 0 OR state = ANY(CAST(:states AS text[])))
  AND (:code = '' OR service_line_code = :code)
  AND (issued_at, ticket_id) > (CAST(:after_time AS timestamptz), CAST(:after_id AS uuid))
ORDER BY issued_at, ticket_id LIMIT :row_count
""")


def change_ticket(**values: object) -> Update:
    """Returns the statement that changes one ticket, `the_ticket_id`, and returns its row."""
    return (
        update(_TICKET)
        .where(_TICKET.c.ticket_id == bindparam("the_ticket_id"))
        .values(version=_TICKET.c.version + 1, **values)
        .returning(_TICKET)
    )


CALL = change_ticket(
    state="CALLED",
    desk=bindparam("the_desk"),
    staff_id=bindparam("the_staff_id"),
    call_count=_TICKET.c.call_count + 1,
    called_at=func.fingertip_now(),
    ended_at=None,
)
RECALL = change_ticket(call_count=_TICKET.c.call_count + 1, called_at=func.fingertip_now())
SERVE = change_ticket(state="SERVING", staff_id=bindparam("the_staff_id"))
END = change_ticket(state=bindparam("the_state"), ended_at=func.fingertip_now())
WAIT_AGAIN = change_ticket(
    state="WAITING", desk=None, staff_id="", call_count=0, called_at=None, ended_at=None
)
IDENTIFY = change_ticket(
    customer_id=bindparam("the_customer_id"), tier_code=bindparam("the_tier_code")
)


def change_arrival(**values: object) -> Update:
    """Returns the statement that changes one arrival, `the_arrival_id`, and returns its row."""
    return (
        update(_ARRIVAL)
        .where(_ARRIVAL.c.arrival_id == bindparam("the_arrival_id"))
        .values(version=_ARRIVAL.c.version + 1, **values)
        .returning(_ARRIVAL)
    )


CLAIM = change_arrival(
    state="CLAIMED",
    claimed_by=bindparam("the_staff_id"),
    claimed_by_name=bindparam("the_name"),
    claimed_at=func.fingertip_now(),
)
RESOLVE = change_arrival(state="RESOLVED")
RENUMBER_ARRIVAL = (
    update(_ARRIVAL)
    .where(_ARRIVAL.c.ticket_id == bindparam("the_ticket_id"))
    .values(version=_ARRIVAL.c.version + 1, ticket_number=bindparam("the_number"))
    .returning(_ARRIVAL)
)
ESCALATE = change_arrival(escalation_level=_ARRIVAL.c.escalation_level + 1)
