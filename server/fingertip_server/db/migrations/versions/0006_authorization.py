"""Tasks and decisions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Makes the tables, and lets the application's role use them."""
    op.create_table(
        "task_decision",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("maker_person_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("checker_id", sa.String(), nullable=False),
        sa.Column("checker_person_id", sa.Uuid(), nullable=False),
        sa.Column("checker_customer_id", sa.Uuid(), nullable=True),
        sa.Column("checker_device_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(), server_default="", nullable=False),
        sa.Column(
            "defects", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column(
            "passed_items",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column(
            "decide_time",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "outcome IN ('APPROVED', 'REJECTED', 'RETURNED')", name=op.f("ck_task_decision_outcome")
        ),
        sa.CheckConstraint(
            "checker_customer_id <> customer_id", name=op.f("ck_task_decision_four_eyes_customer")
        ),
        sa.CheckConstraint(
            "checker_person_id <> maker_person_id", name=op.f("ck_task_decision_four_eyes_maker")
        ),
        sa.CheckConstraint(
            "octet_length(content_hash) = 32", name=op.f("ck_task_decision_content_hash")
        ),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_task_decision")),
    )
    op.create_index(
        "uq_task_decision_subject",
        "task_decision",
        ["subject_kind", "subject_id", "revision"],
        unique=True,
    )
    op.create_table(
        "task",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("scene_code", sa.String(), nullable=False),
        sa.Column("centre_id", sa.String(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("skill", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("maker_id", sa.String(), nullable=False),
        sa.Column("maker_person_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=True),
        sa.Column("previous_task_id", sa.Uuid(), nullable=True),
        sa.Column("checklist", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("lease_span", sa.Interval(), nullable=False),
        sa.Column("rank_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("park_reason", sa.String(), server_default="", nullable=False),
        sa.Column("create_time", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expire_time", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("decide_time", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("lease_until", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "(state = 'PARKED') = (park_reason <> '')", name=op.f("ck_task_park_reason")
        ),
        sa.CheckConstraint(
            "state <> 'CLAIMED' OR (holder IS NOT NULL AND lease_until IS NOT NULL)",
            name=op.f("ck_task_claim"),
        ),
        sa.CheckConstraint(
            "state IN ('PARKED', 'QUEUED', 'CLAIMED', 'APPROVED', 'REJECTED', 'RETURNED', 'WITHDRAWN', 'EXPIRED')",
            name=op.f("ck_task_state"),
        ),
        sa.CheckConstraint("octet_length(content_hash) = 32", name=op.f("ck_task_content_hash")),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_task_branch_id_branch")
        ),
        sa.ForeignKeyConstraint(
            ["centre_id"], ["branch.branch_id"], name=op.f("fk_task_centre_id_branch")
        ),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_task")),
    )
    op.create_index(
        "ix_task_centre_id", "task", ["centre_id", "create_time", "task_id"], unique=False
    )
    op.create_index(
        "ix_task_centre_id_open",
        "task",
        ["centre_id", "create_time", "task_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('PARKED', 'QUEUED', 'CLAIMED')"),
    )
    op.create_index(
        "ix_task_parked",
        "task",
        ["scene_code", "rank_at", "task_id"],
        unique=False,
        postgresql_where=sa.text("state = 'PARKED'"),
    )
    op.create_index(
        "ix_task_queue",
        "task",
        ["centre_id", "skill", "rank_at", "task_id"],
        unique=False,
        postgresql_where=sa.text("state = 'QUEUED'"),
    )
    op.create_index(
        "uq_task_holder_claimed",
        "task",
        ["holder"],
        unique=True,
        postgresql_where=sa.text("state = 'CLAIMED'"),
    )
    op.create_index(
        "uq_task_subject_open",
        "task",
        ["subject_kind", "subject_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('PARKED', 'QUEUED', 'CLAIMED')"),
    )

    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON task TO fingertip_app")
    # What was appended stays as it is.
    op.execute("GRANT SELECT, INSERT ON task_decision TO fingertip_app")
