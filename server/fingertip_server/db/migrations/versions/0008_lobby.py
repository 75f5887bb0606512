"""Tickets, arrivals and numbers."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Makes the tables, and lets the application's role use them."""
    op.create_table(
        "branch_day",
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("priority_calls", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_branch_day_branch_id_branch")
        ),
        sa.PrimaryKeyConstraint("branch_id", "business_day", name=op.f("pk_branch_day")),
    )
    op.create_table(
        "line_day",
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("service_line_code", sa.String(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column("waiting_count", sa.Integer(), nullable=False),
        sa.Column("last_called_number", sa.String(), server_default="", nullable=False),
        sa.CheckConstraint("waiting_count >= 0", name=op.f("ck_line_day_waiting_count")),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_line_day_branch_id_branch")
        ),
        sa.PrimaryKeyConstraint(
            "branch_id", "service_line_code", "business_day", name=op.f("pk_line_day")
        ),
    )
    op.create_table(
        "ticket",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("service_line_code", sa.String(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("sequence_number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("tier_code", sa.String(), server_default="", nullable=False),
        sa.Column("identifier", sa.LargeBinary(), nullable=True),
        sa.Column("desk", sa.String(), server_default="", nullable=False),
        sa.Column("call_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("staff_id", sa.String(), server_default="", nullable=False),
        sa.Column("issued_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("called_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column(
            "is_issued_offline", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "state IN ('WAITING', 'CALLED', 'SERVING', 'COMPLETED', 'NO_SHOW', 'EXPIRED')",
            name=op.f("ck_ticket_state"),
        ),
        sa.CheckConstraint(
            "sequence_number BETWEEN 1 AND 999", name=op.f("ck_ticket_sequence_number")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.customer_id"], name=op.f("fk_ticket_customer_id_customer")
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
        "ix_ticket_day",
        "ticket",
        ["branch_id", "business_day", "issued_at", "ticket_id"],
        unique=False,
    )
    op.create_index(
        "ix_ticket_identifier",
        "ticket",
        ["branch_id", "business_day", "identifier"],
        unique=False,
        postgresql_where="identifier IS NOT NULL AND customer_id IS NULL",
    )
    op.create_index(
        "ix_ticket_open",
        "ticket",
        ["branch_id"],
        unique=False,
        postgresql_where="state IN ('WAITING', 'CALLED', 'SERVING')",
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
        ["branch_id", "desk"],
        unique=True,
        postgresql_where="state IN ('CALLED', 'SERVING')",
    )
    op.create_table(
        "visitor",
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.customer_id"], name=op.f("fk_visitor_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint(
            "branch_id", "business_day", "customer_id", name=op.f("pk_visitor")
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
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("claimed_by", sa.String(), server_default="", nullable=False),
        sa.Column("claimed_by_name", sa.String(), server_default="", nullable=False),
        sa.Column("relationship_manager_id", sa.String(), server_default="", nullable=False),
        sa.Column("manager_branch_id", sa.String(), server_default="", nullable=False),
        sa.Column("escalation_level", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(claimed_by <> '') = (claimed_at IS NOT NULL)", name=op.f("ck_arrival_claimed")
        ),
        sa.CheckConstraint(
            "state <> 'CLAIMED' OR claimed_by <> ''", name=op.f("ck_arrival_claimer")
        ),
        sa.CheckConstraint(
            "state IN ('OPEN', 'CLAIMED', 'RESOLVED')", name=op.f("ck_arrival_state")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.customer_id"], name=op.f("fk_arrival_customer_id_customer")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.ticket_id"], name=op.f("fk_arrival_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("arrival_id", name=op.f("pk_arrival")),
        sa.UniqueConstraint(
            "branch_id", "business_day", "customer_id", name="uq_arrival_once_a_day"
        ),
    )
    op.create_index(
        "ix_arrival_open",
        "arrival",
        ["branch_id"],
        unique=False,
        postgresql_where="state IN ('OPEN', 'CLAIMED')",
    )
    op.create_index(
        "ix_arrival_open_elsewhere",
        "arrival",
        ["manager_branch_id"],
        unique=False,
        postgresql_where="state IN ('OPEN', 'CLAIMED') AND manager_branch_id <> ''",
    )
    op.create_table(
        "ticket_block",
        sa.Column("block_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("service_line_code", sa.String(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("first_number", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("first_number <= last_number", name=op.f("ck_ticket_block_numbers")),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.device_id"], name=op.f("fk_ticket_block_device_id_device")
        ),
        sa.PrimaryKeyConstraint("block_id", name=op.f("pk_ticket_block")),
    )

    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON branch_day, line_day, ticket, visitor, arrival, ticket_block TO fingertip_app"
    )
