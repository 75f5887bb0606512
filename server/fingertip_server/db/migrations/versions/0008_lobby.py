"""Tickets, arrivals and numbers."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Makes the tables, and lets the application's role use them."""
    op.create_table(
        "lobby_day",
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("priority_streak", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_lobby_day_branch_id_branch")
        ),
        sa.PrimaryKeyConstraint("branch_id", "business_day", name=op.f("pk_lobby_day")),
    )
    op.create_table(
        "number_block",
        sa.Column("block_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("service_line_code", sa.String(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("first_number", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_number_block_branch_id_branch")
        ),
        sa.PrimaryKeyConstraint("block_id", name=op.f("pk_number_block")),
    )
    op.create_table(
        "ticket",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("service_line_code", sa.String(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("sequence_number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), server_default="WAITING", nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("tier_code", sa.String(), server_default="", nullable=False),
        sa.Column("desk", sa.String(), nullable=True),
        sa.Column("call_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("staff_id", sa.String(), server_default="", nullable=False),
        sa.Column("issued_offline", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("issued_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("called_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(state IN ('COMPLETED', 'NO_SHOW', 'EXPIRED')) = (ended_at IS NOT NULL)",
            name=op.f("ck_ticket_ended"),
        ),
        sa.CheckConstraint("state <> 'WAITING' OR desk IS NULL", name=op.f("ck_ticket_desk")),
        sa.CheckConstraint(
            "state IN ('WAITING', 'CALLED', 'SERVING', 'COMPLETED', 'NO_SHOW', 'EXPIRED')",
            name=op.f("ck_ticket_state"),
        ),
        sa.CheckConstraint(
            "state IN ('WAITING', 'EXPIRED') OR desk IS NOT NULL", name=op.f("ck_ticket_called")
        ),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_ticket_branch_id_branch")
        ),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_ticket")),
        sa.UniqueConstraint(
            "branch_id",
            "business_day",
            "service_line_code",
            "sequence_number",
            name="uq_ticket_number",
        ),
    )
    op.create_index(
        "ix_ticket_customer",
        "ticket",
        ["customer_id", "branch_id", "business_day"],
        unique=False,
        postgresql_where="customer_id IS NOT NULL",
    )
    op.create_index(
        "ix_ticket_day",
        "ticket",
        ["branch_id", "business_day", "issued_at", "ticket_id"],
        unique=False,
    )
    op.create_index(
        "ix_ticket_waiting",
        "ticket",
        ["branch_id", "business_day", "service_line_code", "issued_at", "sequence_number"],
        unique=False,
        postgresql_where="state = 'WAITING'",
    )
    op.create_index(
        "uq_ticket_desk",
        "ticket",
        ["branch_id", "business_day", "desk"],
        unique=True,
        postgresql_where="state IN ('CALLED', 'SERVING')",
    )
    op.create_table(
        "ticket_sequence",
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("service_line_code", sa.String(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("next_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_ticket_sequence_branch_id_branch")
        ),
        sa.PrimaryKeyConstraint(
            "branch_id", "service_line_code", "business_day", name=op.f("pk_ticket_sequence")
        ),
    )
    op.create_table(
        "arrival",
        sa.Column("arrival_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_number", sa.String(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("masked_name", sa.String(), nullable=False),
        sa.Column("tier_code", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="OPEN", nullable=False),
        sa.Column("claimed_by", sa.String(), server_default="", nullable=False),
        sa.Column("claimed_by_name", sa.String(), server_default="", nullable=False),
        sa.Column("relationship_manager_id", sa.String(), server_default="", nullable=False),
        sa.Column("relationship_manager_branch_id", sa.String(), server_default="", nullable=False),
        sa.Column("escalation_level", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.Column("claimed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "state <> 'CLAIMED' OR claimed_by <> ''", name=op.f("ck_arrival_claimed_by")
        ),
        sa.CheckConstraint(
            "state IN ('OPEN', 'CLAIMED', 'RESOLVED')", name=op.f("ck_arrival_state")
        ),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_arrival_branch_id_branch")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.ticket_id"], name=op.f("fk_arrival_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("arrival_id", name=op.f("pk_arrival")),
        sa.UniqueConstraint(
            "branch_id",
            "business_day",
            "customer_id",
            name=op.f("uq_arrival_branch_id_business_day_customer_id"),
        ),
    )
    op.create_index(
        "ix_arrival_open",
        "arrival",
        ["branch_id", "created_at"],
        unique=False,
        postgresql_where="state <> 'RESOLVED'",
    )
    op.create_index(
        "ix_arrival_open_elsewhere",
        "arrival",
        ["relationship_manager_branch_id"],
        unique=False,
        postgresql_where="state <> 'RESOLVED' AND relationship_manager_branch_id <> branch_id",
    )
    op.create_index("uq_arrival_ticket_id", "arrival", ["ticket_id"], unique=True)

    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON lobby_day, number_block, ticket, ticket_sequence, arrival TO fingertip_app"
    )
