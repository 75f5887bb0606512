"""The queue of work for adapters."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

# What is overdue in the queue is looked for from the beginning, every second.
_SWEEP = (
    "INSERT INTO timer (kind, subject, due_at) VALUES ('fulfilment.sweep', 'bank', clock_timestamp())",
)


def upgrade() -> None:
    """Makes the tables, and lets the application's role use them."""
    op.create_table(
        "work_item",
        sa.Column("work_item_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="READY", nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(), server_default="EXECUTE", nullable=False),
        sa.Column("has_effect", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=True),
        sa.Column("traceparent", sa.String(), nullable=False),
        sa.Column("dedupe_key", sa.String(), server_default="", nullable=False),
        sa.Column("order_sealed", sa.LargeBinary(), nullable=False),
        sa.Column(
            "ready_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.Column("deadline_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("attempts_forgiven", sa.Integer(), server_default="0", nullable=False),
        sa.Column("executed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("failure_code", sa.String(), server_default="", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("lease_until", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "(state = 'LEASED') = (holder IS NOT NULL)", name=op.f("ck_work_item_holder")
        ),
        sa.CheckConstraint(
            "(state = 'LEASED') = (lease_until IS NOT NULL)", name=op.f("ck_work_item_lease")
        ),
        sa.CheckConstraint(
            "(state IN ('DONE', 'FAILED')) = (ended_at IS NOT NULL)",
            name=op.f("ck_work_item_ended"),
        ),
        sa.CheckConstraint("purpose = 'EXECUTE' OR has_effect", name=op.f("ck_work_item_inquiry")),
        sa.CheckConstraint("purpose IN ('EXECUTE', 'INQUIRE')", name=op.f("ck_work_item_purpose")),
        sa.CheckConstraint(
            "state <> 'UNKNOWN' OR purpose = 'INQUIRE'", name=op.f("ck_work_item_unknown")
        ),
        sa.CheckConstraint(
            "state IN ('READY', 'LEASED', 'DONE', 'FAILED', 'UNKNOWN', 'PARKED')",
            name=op.f("ck_work_item_state"),
        ),
        sa.CheckConstraint(
            "deadline_at IS NULL OR NOT has_effect", name=op.f("ck_work_item_deadline")
        ),
        sa.PrimaryKeyConstraint("work_item_id", name=op.f("pk_work_item")),
        sa.UniqueConstraint("operation_id", name=op.f("uq_work_item_operation_id")),
    )
    op.create_index(
        "ix_work_item_branch_id",
        "work_item",
        ["branch_id", "created_at", "work_item_id"],
        unique=False,
    )
    op.create_index(
        "ix_work_item_created_at", "work_item", ["created_at", "work_item_id"], unique=False
    )
    op.create_index(
        "ix_work_item_deadline_at",
        "work_item",
        ["deadline_at"],
        unique=False,
        postgresql_where="state = 'READY' AND deadline_at IS NOT NULL",
    )
    op.create_index(
        "ix_work_item_lease_until",
        "work_item",
        ["lease_until"],
        unique=False,
        postgresql_where="state = 'LEASED'",
    )
    op.create_index(
        "ix_work_item_troubled",
        "work_item",
        ["branch_id", "created_at", "work_item_id"],
        unique=False,
        postgresql_where="state IN ('UNKNOWN', 'PARKED')",
    )
    op.create_index(
        "ix_work_item_waiting",
        "work_item",
        ["kind", "ready_at"],
        unique=False,
        postgresql_where="state IN ('READY', 'UNKNOWN')",
    )
    op.create_index(
        "uq_work_item_open",
        "work_item",
        ["kind", "dedupe_key"],
        unique=True,
        postgresql_where="dedupe_key <> '' AND state IN ('READY', 'LEASED')",
    )

    for statement in _SWEEP:
        op.execute(statement)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON work_item TO fingertip_app")
