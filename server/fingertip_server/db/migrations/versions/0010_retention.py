"""What is kept for a while only: sessions, codes, events."""

from alembic import op

revision = "0010"
down_revision = "0009"

_PRUNING = (
    "DROP FUNCTION fingertip_prune_feed(interval)",
    # Bounded, so that it ends in time whatever has piled up. The heads are locked in the order in
    # which every call locks them.
    """
    CREATE FUNCTION fingertip_prune_feed(kept interval, most integer DEFAULT 20000) RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public AS $$
        WITH gone AS (
            DELETE FROM feed_event WHERE ctid = ANY(ARRAY(
                SELECT ctid FROM feed_event
                WHERE created_at < (SELECT fingertip_now() - greatest(kept, interval '1 hour'))
                ORDER BY created_at LIMIT most
            ))
            RETURNING topic, position
        ), last AS (
            SELECT topic, max(position) AS position FROM gone GROUP BY topic
        ), head AS (
            SELECT h.topic FROM topic_head AS h
            WHERE h.topic IN (SELECT topic FROM last)
            ORDER BY h.topic
            FOR NO KEY UPDATE
        ), floor AS (
            UPDATE topic_head AS h SET feed_floor = greatest(h.feed_floor, last.position)
            FROM last JOIN head USING (topic)
            WHERE h.topic = last.topic
        )
        SELECT count(*) FROM gone
    $$
    """,
    "REVOKE ALL ON FUNCTION fingertip_prune_feed(interval, integer) FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION fingertip_prune_feed(interval, integer) TO fingertip_app",
)
_FORGETTING = "INSERT INTO timer (kind, subject, due_at) VALUES ('identity.forget', 'bank', clock_timestamp())"


def upgrade() -> None:
    """Makes it possible to find what is over, and has it looked for from the beginning."""
    op.create_index("ix_enrolment_code_expires_at", "enrolment_code", ["expires_at"], unique=False)
    op.create_index("ix_staff_session_expires_at", "staff_session", ["expires_at"], unique=False)
    for statement in _PRUNING:
        op.execute(statement)
    op.execute(_FORGETTING)
