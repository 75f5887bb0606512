"""Customers' consents, and what the bank is asked by them."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Makes the tables, and lets the application's role use them."""
    op.create_table(
        "consent",
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("agreement_code", sa.String(), nullable=False),
        sa.Column("agreement_version", sa.Integer(), nullable=False),
        sa.Column("agreement_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column(
            "record_time",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.func.fingertip_now(),
            nullable=False,
        ),
        sa.Column("withdrawn_by", sa.String(), server_default="", nullable=False),
        sa.Column("withdraw_time", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("channel IN ('WRITTEN', 'ONLINE')", name=op.f("ck_consent_channel")),
        sa.CheckConstraint(
            "octet_length(agreement_sha256) = 32", name=op.f("ck_consent_agreement_sha256")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.customer_id"], name=op.f("fk_consent_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint("consent_id", name=op.f("pk_consent")),
    )
    op.create_index(
        "ix_consent_customer_id", "consent", ["customer_id", "purpose", "record_time"], unique=False
    )
    op.create_index(
        "ix_consent_application_id",
        "consent",
        ["application_id"],
        unique=False,
        postgresql_where=sa.text("application_id IS NOT NULL"),
    )
    op.create_table(
        "application_inquiry",
        sa.Column("inquiry_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("consent_agreement", sa.String(), nullable=False),
        sa.Column("consent_time", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column(
            "ask_time",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.func.fingertip_now(),
            nullable=False,
        ),
        sa.Column("answer_time", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("reference", sa.String(), server_default="", nullable=False),
        sa.CheckConstraint(
            "state IN ('ASKED', 'ANSWERED', 'UNAVAILABLE')",
            name=op.f("ck_application_inquiry_state"),
        ),
        sa.CheckConstraint(
            "(state = 'ANSWERED') = (answer_time IS NOT NULL)",
            name=op.f("ck_application_inquiry_answer_time"),
        ),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.application_id"],
            name=op.f("fk_application_inquiry_application_id_application"),
        ),
        sa.PrimaryKeyConstraint("inquiry_id", name=op.f("pk_application_inquiry")),
    )
    op.create_index(
        "uq_application_inquiry_asked",
        "application_inquiry",
        ["application_id", "kind"],
        unique=True,
        postgresql_where=sa.text("state = 'ASKED'"),
    )
    op.create_index(
        "ix_application_inquiry_application_id",
        "application_inquiry",
        ["application_id", "ask_time"],
        unique=False,
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON consent TO fingertip_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON application_inquiry TO fingertip_app")
