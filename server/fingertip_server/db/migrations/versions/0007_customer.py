"""The customer master and the sections of views."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Makes the tables, and lets the application's role use them."""
    op.create_table(
        "customer",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("customer_number", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("resident_id", sa.LargeBinary(), nullable=True),
        sa.Column("mobile", sa.LargeBinary(), nullable=True),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("tier_code", sa.String(), nullable=False),
        sa.Column("home_branch_id", sa.String(), nullable=False),
        sa.Column("relationship_manager_id", sa.String(), nullable=False),
        sa.CheckConstraint(
            "NOT is_deleted OR (name IS NULL AND resident_id IS NULL AND mobile IS NULL AND address IS NULL)",
            name=op.f("ck_customer_erased"),
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer")),
    )
    op.create_index("uq_customer_customer_number", "customer", ["customer_number"], unique=True)
    op.create_table(
        "customer_section_asker",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("asked_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('PROFILE', 'HOLDINGS', 'TRANSACTIONS', 'PREFERENCES', 'INTENTIONS')",
            name=op.f("ck_customer_section_asker_kind"),
        ),
        sa.PrimaryKeyConstraint(
            "customer_id", "kind", "topic", name=op.f("pk_customer_section_asker")
        ),
    )
    op.create_table(
        "sync_source",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("position", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_sync_source")),
    )
    op.create_table(
        "customer_identifier",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("blind", sa.LargeBinary(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('card', 'resident_id', 'mobile')", name=op.f("ck_customer_identifier_kind")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.customer_id"],
            name=op.f("fk_customer_identifier_customer_id_customer"),
        ),
        sa.PrimaryKeyConstraint(
            "kind", "blind", "customer_id", name=op.f("pk_customer_identifier")
        ),
    )
    op.create_index(
        "ix_customer_identifier_customer_id", "customer_identifier", ["customer_id"], unique=False
    )
    op.create_table(
        "customer_section",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("as_of", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('PROFILE', 'HOLDINGS', 'TRANSACTIONS', 'PREFERENCES', 'INTENTIONS')",
            name=op.f("ck_customer_section_kind"),
        ),
        sa.CheckConstraint(
            "(version = 0) = (as_of IS NULL)", name=op.f("ck_customer_section_as_of")
        ),
        sa.CheckConstraint(
            "(version = 0) = (content IS NULL)", name=op.f("ck_customer_section_content")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.customer_id"],
            name=op.f("fk_customer_section_customer_id_customer"),
        ),
        sa.PrimaryKeyConstraint("customer_id", "kind", name=op.f("pk_customer_section")),
    )

    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON customer, customer_section_asker, sync_source, customer_identifier, customer_section TO fingertip_app"
    )
