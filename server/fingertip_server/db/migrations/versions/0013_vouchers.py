"""Counted vouchers: what there is, who has it, every movement and every count."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Makes the tables, and lets the application's role use them."""
    op.create_table(
        "stock",
        sa.Column("stock_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("holder_id", sa.String(), nullable=False),
        sa.Column("day_state", sa.String(), server_default="CLOSED", nullable=False),
        sa.Column("business_day", sa.Date(), nullable=True),
        sa.Column("is_overdue", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("stock_count_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(day_state = 'DIFFERENT') = (stock_count_id IS NOT NULL)",
            name=op.f("ck_stock_different"),
        ),
        sa.CheckConstraint(
            "day_state = 'CLOSED' OR business_day IS NOT NULL", name=op.f("ck_stock_business_day")
        ),
        sa.CheckConstraint(
            "day_state IN ('CLOSED', 'OPEN', 'DIFFERENT')", name=op.f("ck_stock_day_state")
        ),
        sa.CheckConstraint("holder_id <> '' OR day_state = 'CLOSED'", name=op.f("ck_stock_vault")),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_stock_branch_id_branch")
        ),
        sa.PrimaryKeyConstraint("stock_id", name=op.f("pk_stock")),
        sa.UniqueConstraint("branch_id", "holder_id", name=op.f("uq_stock_branch_id_holder_id")),
    )
    op.create_table(
        "voucher",
        sa.Column("voucher_id", sa.Uuid(), nullable=False),
        sa.Column("voucher_type", sa.String(), nullable=False),
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("holder_id", sa.String(), server_default="", nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=True),
        sa.Column("change_time", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(state IN ('RESERVED', 'ISSUING', 'ISSUED')) = (application_id IS NOT NULL)",
            name=op.f("ck_voucher_application_id"),
        ),
        sa.CheckConstraint(
            "CASE WHEN state IN ('WITH_TELLER', 'RESERVED', 'ISSUING') THEN holder_id <> '' WHEN state = 'SPOILED' THEN true ELSE holder_id = '' END",
            name=op.f("ck_voucher_holder_id"),
        ),
        sa.CheckConstraint(
            "state IN ('IN_VAULT', 'WITH_TELLER', 'RESERVED', 'ISSUING', 'ISSUED', 'SPOILED', 'DESTROYED', 'LOST')",
            name=op.f("ck_voucher_state"),
        ),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_voucher_branch_id_branch")
        ),
        sa.PrimaryKeyConstraint("voucher_id", name=op.f("pk_voucher")),
        sa.UniqueConstraint("voucher_type", "serial", name=op.f("uq_voucher_voucher_type_serial")),
    )
    op.create_index(
        "ix_voucher_counted",
        "voucher",
        ["branch_id", "holder_id", "voucher_type", "serial"],
        unique=False,
        postgresql_where=sa.text(
            "state IN ('IN_VAULT', 'WITH_TELLER', 'RESERVED', 'ISSUING', 'SPOILED')"
        ),
    )
    op.create_index(
        "uq_voucher_application_id",
        "voucher",
        ["application_id"],
        unique=True,
        postgresql_where=sa.text("application_id IS NOT NULL"),
    )
    op.create_table(
        "stock_count",
        sa.Column("stock_count_id", sa.Uuid(), nullable=False),
        sa.Column("stock_id", sa.Uuid(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("counted_by", sa.String(), nullable=False),
        sa.Column("second_person_id", sa.String(), server_default="", nullable=False),
        sa.Column("counted_number", sa.Integer(), nullable=False),
        sa.Column(
            "differences",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("explanation", sa.String(), server_default="", nullable=False),
        sa.Column("stock_version", sa.BigInteger(), nullable=False),
        sa.Column(
            "count_time",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "jsonb_array_length(differences) = 0 OR (explanation <> '' AND second_person_id NOT IN ('', counted_by))",
            name=op.f("ck_stock_count_explained"),
        ),
        sa.ForeignKeyConstraint(
            ["stock_id"], ["stock.stock_id"], name=op.f("fk_stock_count_stock_id_stock")
        ),
        sa.PrimaryKeyConstraint("stock_count_id", name=op.f("pk_stock_count")),
    )
    op.create_index(
        "ix_stock_count_stock_id", "stock_count", ["stock_id", "count_time"], unique=False
    )
    op.create_table(
        "voucher_movement",
        sa.Column("voucher_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("from_holder_id", sa.String(), nullable=False),
        sa.Column("to_holder_id", sa.String(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=False),
        sa.Column("second_person_id", sa.String(), server_default="", nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=True),
        sa.Column("account_commitment", sa.LargeBinary(), nullable=True),
        sa.Column("core_reference", sa.String(), server_default="", nullable=False),
        sa.Column("purpose", sa.String(), server_default="", nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("move_time", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('RECEIVED', 'HANDED_OVER', 'RETURNED', 'RESERVED', 'RELEASED', 'COMMITTED', 'ISSUED', 'SPOILED', 'DESTROYED', 'LOST')",
            name=op.f("ck_voucher_movement_kind"),
        ),
        sa.CheckConstraint(
            "kind NOT IN ('RECEIVED', 'HANDED_OVER', 'RETURNED', 'SPOILED', 'DESTROYED') OR second_person_id NOT IN ('', actor_id)",
            name=op.f("ck_voucher_movement_second_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_voucher_movement_branch_id_branch")
        ),
        sa.ForeignKeyConstraint(
            ["voucher_id"],
            ["voucher.voucher_id"],
            name=op.f("fk_voucher_movement_voucher_id_voucher"),
        ),
        sa.PrimaryKeyConstraint("voucher_id", "version", name=op.f("pk_voucher_movement")),
    )
    op.create_index(
        "ix_voucher_movement_branch_id",
        "voucher_movement",
        [
            "branch_id",
            sa.text("move_time DESC"),
            sa.text("voucher_id DESC"),
            sa.text("version DESC"),
        ],
        unique=False,
    )
    op.create_table(
        "stock_resolution",
        sa.Column("stock_count_id", sa.Uuid(), nullable=False),
        sa.Column("resolved_by", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column(
            "lost", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column(
            "resolve_time",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["stock_count_id"],
            ["stock_count.stock_count_id"],
            name=op.f("fk_stock_resolution_stock_count_id_stock_count"),
        ),
        sa.PrimaryKeyConstraint("stock_count_id", name=op.f("pk_stock_resolution")),
    )
    op.add_column("application", sa.Column("voucher_id", sa.Uuid(), nullable=True))
    op.add_column(
        "application", sa.Column("voucher_serial", sa.String(), server_default="", nullable=False)
    )

    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON stock, voucher TO fingertip_app")
    # What was moved, counted and resolved stays as it was.
    op.execute(
        "GRANT SELECT, INSERT ON voucher_movement, stock_count, stock_resolution TO fingertip_app"
    )
