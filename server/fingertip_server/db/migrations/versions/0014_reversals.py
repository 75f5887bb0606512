"""What was executed is undone, and receipts tell of both."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"

_OPEN = "state IN ('REQUESTED', 'APPROVED', 'EXECUTED', 'EXECUTION_UNKNOWN')"


def upgrade() -> None:
    """Adds the state, and makes the tables."""
    op.add_column("application", sa.Column("reversal_id", sa.Uuid(), nullable=True))
    op.add_column(
        "application",
        sa.Column("is_reversing", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("application", sa.Column("reverse_time", sa.TIMESTAMP(timezone=True)))
    op.drop_constraint(op.f("ck_application_state"), "application")
    op.create_check_constraint(
        op.f("ck_application_state"),
        "application",
        "state IN ('DRAFT', 'SUBMITTED', 'RETURNED', 'APPROVED', 'EXECUTED', 'REJECTED', 'WITHDRAWN', 'EXPIRED', 'EXECUTION_UNKNOWN', 'EXECUTION_FAILED', 'REVERSED')",
    )
    op.drop_constraint(op.f("ck_application_execute_time"), "application")
    op.create_check_constraint(
        op.f("ck_application_execute_time"),
        "application",
        "(state IN ('EXECUTED', 'REVERSED')) = (execute_time IS NOT NULL)",
    )
    op.create_check_constraint(
        op.f("ck_application_reverse_time"),
        "application",
        "(state = 'REVERSED') = (reverse_time IS NOT NULL)",
    )
    op.create_check_constraint(
        op.f("ck_application_is_reversing"), "application", "NOT is_reversing OR state = 'EXECUTED'"
    )
    op.create_table(
        "reversal",
        sa.Column("reversal_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=False),
        sa.Column("maker_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("state_note", sa.String(), nullable=False),
        sa.Column(
            "defects",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("core_reference", sa.String(), server_default="", nullable=False),
        sa.Column("create_time", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("execute_time", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('REQUESTED', 'RETURNED', 'APPROVED', 'EXECUTED', 'REJECTED', 'WITHDRAWN', 'EXPIRED', 'EXECUTION_UNKNOWN', 'EXECUTION_FAILED')",
            name=op.f("ck_reversal_state"),
        ),
        sa.CheckConstraint(
            "octet_length(content_hash) = 32", name=op.f("ck_reversal_content_hash")
        ),
        sa.CheckConstraint(
            "(state = 'EXECUTED') = (execute_time IS NOT NULL)",
            name=op.f("ck_reversal_execute_time"),
        ),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.application_id"],
            name=op.f("fk_reversal_application_id_application"),
        ),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_reversal_branch_id_branch")
        ),
        sa.ForeignKeyConstraint(
            ["maker_id"], ["staff.staff_id"], name=op.f("fk_reversal_maker_id_staff")
        ),
        sa.PrimaryKeyConstraint("reversal_id", name=op.f("pk_reversal")),
    )
    op.create_index(
        "uq_reversal_application_id_open",
        "reversal",
        ["application_id"],
        unique=True,
        postgresql_where=sa.text(_OPEN),
    )
    op.create_index("ix_reversal_application_id", "reversal", ["application_id"])
    op.create_index(
        "ix_reversal_branch_id", "reversal", ["branch_id", "create_time", "reversal_id"]
    )
    op.create_table(
        "receipt",
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("reversal_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("branch_name", sa.String(), nullable=False),
        sa.Column("core_reference", sa.String(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("maker_id", sa.String(), nullable=False),
        sa.Column("maker_name", sa.String(), nullable=False),
        sa.Column("authorisers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("submit_time", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("execute_time", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("print_count", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("kind IN ('EXECUTION', 'REVERSAL')", name=op.f("ck_receipt_kind")),
        sa.CheckConstraint(
            "(kind = 'REVERSAL') = (reversal_id IS NOT NULL)", name=op.f("ck_receipt_reversal_id")
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_receipt_number")),
        sa.CheckConstraint("print_count >= 0", name=op.f("ck_receipt_print_count")),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.application_id"],
            name=op.f("fk_receipt_application_id_application"),
        ),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_receipt_branch_id_branch")
        ),
        sa.ForeignKeyConstraint(
            ["reversal_id"],
            ["reversal.reversal_id"],
            name=op.f("fk_receipt_reversal_id_reversal"),
        ),
        sa.PrimaryKeyConstraint("branch_id", "business_day", "number", name=op.f("pk_receipt")),
        sa.UniqueConstraint("application_id", "kind", name=op.f("uq_receipt_application_id_kind")),
    )
    op.create_table(
        "receipt_day",
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_receipt_day_branch_id_branch")
        ),
        sa.PrimaryKeyConstraint("branch_id", "business_day", name=op.f("pk_receipt_day")),
    )

    op.execute("GRANT SELECT, INSERT, UPDATE ON reversal, receipt, receipt_day TO fingertip_app")
