"""The bank's lists of its operations, and in what they differ from ours."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Makes the tables, and lets the application's role use them: it forgets nothing."""
    op.add_column("work_item", sa.Column("listed_on", sa.Date(), nullable=True))
    op.create_index(
        "ix_work_item_unlisted",
        "work_item",
        ["ended_at"],
        postgresql_where=sa.text("has_effect AND state = 'DONE' AND listed_on IS NULL"),
    )
    op.create_table(
        "operations_day",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sending", sa.Integer(), server_default="0", nullable=False),
        sa.Column("closed_sending", sa.Integer(), server_default="0", nullable=False),
        sa.Column("closed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("work_kinds", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("source", "business_day", name=op.f("pk_operations_day")),
    )
    op.create_table(
        "bank_operation",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("core_reference", sa.String(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("sending", sa.Integer(), nullable=False),
        sa.Column("is_listed", sa.Boolean(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("work_kind", sa.String(), nullable=False),
        sa.Column("customer_number", sa.String(), nullable=False),
        sa.Column("account_number", sa.LargeBinary(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("amount", sa.Numeric(24, 2), nullable=True),
        sa.Column("booked_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "octet_length(content_hash) = 32", name=op.f("ck_bank_operation_content_hash")
        ),
        sa.PrimaryKeyConstraint(
            "source", "operation_id", "core_reference", name=op.f("pk_bank_operation")
        ),
    )
    op.create_index("ix_bank_operation_operation_id", "bank_operation", ["operation_id"])
    op.create_index(
        "ix_bank_operation_business_day",
        "bank_operation",
        ["source", "business_day", "operation_id"],
    )
    op.create_table(
        "operation_difference",
        sa.Column("difference_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("work_item_id", sa.Uuid(), nullable=True),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("item_state", sa.String(), nullable=False),
        sa.Column("core_references", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("found_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("settled_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("explained_by", sa.String(), server_default="", nullable=False),
        sa.Column("explanation", sa.String(), server_default="", nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('OPEN', 'EXPLAINED', 'SETTLED')", name=op.f("ck_operation_difference_state")
        ),
        sa.CheckConstraint(
            "(state = 'SETTLED') = (settled_at IS NOT NULL)",
            name=op.f("ck_operation_difference_settled_at"),
        ),
        sa.CheckConstraint(
            "state <> 'EXPLAINED' OR explained_by <> ''",
            name=op.f("ck_operation_difference_explained_by"),
        ),
        sa.PrimaryKeyConstraint("difference_id", name=op.f("pk_operation_difference")),
        sa.UniqueConstraint(
            "source",
            "operation_id",
            "kind",
            name=op.f("uq_operation_difference_source_operation_id_kind"),
        ),
    )
    op.create_index(
        "ix_operation_difference_found_at", "operation_difference", ["found_at", "difference_id"]
    )
    op.create_index(
        "ix_operation_difference_branch_id",
        "operation_difference",
        ["branch_id", "found_at", "difference_id"],
    )

    op.execute(
        "GRANT SELECT, INSERT, UPDATE ON operations_day, bank_operation, operation_difference TO fingertip_app"
    )
