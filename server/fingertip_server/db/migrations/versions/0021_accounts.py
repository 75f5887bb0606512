"""How many accounts a person has, and the restrictive measures against customers."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

_CLASSES = "account_class IN ('class_one', 'class_two', 'class_three')"


def upgrade() -> None:
    """Makes the tables, and lets the application's role use them."""
    op.create_table(
        "customer_account",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("blind", sa.LargeBinary(), nullable=False),
        sa.Column("account_class", sa.String(), nullable=False),
        sa.CheckConstraint(_CLASSES, name=op.f("ck_customer_account_account_class")),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.customer_id"],
            name=op.f("fk_customer_account_customer_id_customer"),
        ),
        sa.PrimaryKeyConstraint("customer_id", "blind", name=op.f("pk_customer_account")),
    )
    op.create_index("ix_customer_account_blind", "customer_account", ["blind"], unique=False)
    op.create_table(
        "account_holder",
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_account_holder")),
    )
    op.create_table(
        "account_slot",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("account_class", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("blind", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(_CLASSES, name=op.f("ck_account_slot_account_class")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_account_slot_number")),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_account_slot")),
    )
    op.create_index(
        "uq_account_slot_number",
        "account_slot",
        ["person", "account_class", "number"],
        unique=True,
    )
    op.create_index(
        "ix_account_slot_blind",
        "account_slot",
        ["blind"],
        unique=False,
        postgresql_where=sa.text("blind IS NOT NULL"),
    )
    op.create_table(
        "customer_restriction",
        sa.Column(
            "restriction_id", sa.Uuid(), server_default=sa.func.gen_random_uuid(), nullable=False
        ),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("appeal_route", sa.String(), nullable=False),
        sa.Column("is_banks_own", sa.Boolean(), nullable=False),
        sa.Column("imposed_by", sa.String(), server_default="", nullable=False),
        sa.Column(
            "impose_time",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.func.fingertip_now(),
            nullable=False,
        ),
        sa.Column("lifted_by", sa.String(), server_default="", nullable=False),
        sa.Column("lift_time", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "measure IN ('UNSPECIFIED', 'REFUSE', 'ENHANCE')",
            name=op.f("ck_customer_restriction_measure"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.customer_id"],
            name=op.f("fk_customer_restriction_customer_id_customer"),
        ),
        sa.PrimaryKeyConstraint("restriction_id", name=op.f("pk_customer_restriction")),
    )
    op.create_index(
        "uq_customer_restriction_live",
        "customer_restriction",
        ["customer_id", "code", "is_banks_own"],
        unique=True,
        postgresql_where=sa.text("lift_time IS NULL"),
    )
    op.create_index(
        "ix_customer_restriction_customer_id",
        "customer_restriction",
        ["customer_id", "impose_time"],
        unique=False,
    )
    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON customer_account, account_holder, account_slot,"
        " customer_restriction TO fingertip_app"
    )
