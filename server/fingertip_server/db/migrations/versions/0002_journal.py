"""The audit journal and the feed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

# The application's role cannot delete events; what is older than a day it may have removed.
_PRUNING = (
    """
    CREATE FUNCTION fingertip_prune_feed(kept interval) RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public AS $$
        WITH gone AS (
            DELETE FROM feed_event
            WHERE created_at < fingertip_now() - greatest(kept, interval '1 hour')
            RETURNING topic, position
        ), floor AS (
            UPDATE topic_head AS h SET feed_floor = greatest(h.feed_floor, last.position)
            FROM (SELECT topic, max(position) AS position FROM gone GROUP BY topic) AS last
            WHERE h.topic = last.topic
        )
        SELECT count(*) FROM gone
    $$
    """,
    "REVOKE ALL ON FUNCTION fingertip_prune_feed(interval) FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION fingertip_prune_feed(interval) TO fingertip_app",
)


def upgrade() -> None:
    """Makes the tables, and lets the application's role use them."""
    op.create_table(
        "audit_entry",
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=False),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("object_kind", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("object_state", sa.String(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("suite", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("outcome IN ('DONE', 'REFUSED')", name=op.f("ck_audit_entry_outcome")),
        sa.PrimaryKeyConstraint("chain", "position", name=op.f("pk_audit_entry")),
    )
    op.create_index(
        "ix_audit_entry_journey_id",
        "audit_entry",
        ["journey_id", "time"],
        unique=False,
        postgresql_where="journey_id IS NOT NULL",
    )
    op.create_table(
        "feed_event",
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.SmallInteger(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=True),
        sa.Column("traceparent", sa.String(), nullable=False),
        sa.Column("audience_permission", sa.String(), nullable=False),
        sa.Column("audience_skill", sa.String(), nullable=False),
        sa.Column("audience_staff", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("audience_on_shift", sa.Boolean(), nullable=False),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("topic", "position", "ordinal", name=op.f("pk_feed_event")),
    )
    op.create_index("ix_feed_event_created_at", "feed_event", ["created_at"], unique=False)

    for statement in _PRUNING:
        op.execute(statement)
    # What was appended stays as it is.
    op.execute("GRANT SELECT, INSERT ON audit_entry, feed_event TO fingertip_app")
