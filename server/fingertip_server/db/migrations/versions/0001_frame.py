"""Stored answers, topics, timers, the installation and its clock."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# Every lease, expiry and journal entry takes its time from here. Only a test's database has a row
# in test_clock, and a server in production refuses to start on one.
_CLOCK = (
    """
    CREATE TABLE test_clock (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        moved_by interval NOT NULL
    )
    """,
    """
    CREATE FUNCTION fingertip_now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
        SELECT clock_timestamp() + coalesce((SELECT moved_by FROM test_clock), interval '0')
    $$
    """,
)
_FIRST_ROWS = (
    "INSERT INTO topic_head (topic) VALUES ('bank'), ('security')",
    "INSERT INTO installation (epoch) VALUES (gen_random_uuid())",
    "INSERT INTO timer (kind, subject, due_at) VALUES ('rpc.prune', 'bank', clock_timestamp())",
)


def upgrade() -> None:
    """Makes the tables, and lets the application's role use them."""
    for statement in _CLOCK:
        op.execute(statement)
    op.create_table(
        "idempotency",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("scope", "method", "request_id", name=op.f("pk_idempotency")),
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"], unique=False)
    op.create_table(
        "installation",
        sa.Column("one", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.Column("key_ring", sa.String(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_installation")),
    )
    op.create_table(
        "timer",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("due_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name=op.f("pk_timer")),
    )
    op.create_index("ix_timer_due_at", "timer", ["due_at"], unique=False)
    op.create_table(
        "topic_head",
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("feed_position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("feed_floor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("chain_position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("chain_link", sa.LargeBinary(), server_default="", nullable=False),
        sa.CheckConstraint("feed_floor <= feed_position", name=op.f("ck_topic_head_floor")),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_topic_head")),
    )

    for statement in _FIRST_ROWS:
        op.execute(statement)
    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency, timer, topic_head TO fingertip_app"
    )
    op.execute("GRANT SELECT, UPDATE ON installation TO fingertip_app")
    op.execute("GRANT SELECT ON test_clock, alembic_version TO fingertip_app")
