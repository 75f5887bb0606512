"""Lists of persons to be screened for, and every look at them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"

_NOW = sa.text("fingertip_now()")


def upgrade() -> None:
    """Makes the tables. What was looked at, and with which result, is never changed."""
    op.create_table(
        "screening_list",
        sa.Column("list_code", sa.String(), nullable=False),
        sa.Column("position", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("list_code", name=op.f("pk_screening_list")),
    )
    op.create_table(
        "screening_entry",
        sa.Column("list_code", sa.String(), nullable=False),
        sa.Column("entry_number", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("effect", sa.String(), nullable=True),
        sa.CheckConstraint("effect IN ('BLOCK', 'REVIEW')", name=op.f("ck_screening_entry_effect")),
        sa.CheckConstraint("is_deleted = (effect IS NULL)", name=op.f("ck_screening_entry_erased")),
        sa.PrimaryKeyConstraint("list_code", "entry_number", name=op.f("pk_screening_entry")),
    )
    op.create_table(
        "screening_key",
        sa.Column("list_code", sa.String(), nullable=False),
        sa.Column("entry_number", sa.String(), nullable=False),
        sa.Column("means", sa.String(), nullable=False),
        sa.Column("blind", sa.LargeBinary(length=16), nullable=False),
        sa.CheckConstraint("means IN ('DOCUMENT', 'NAME')", name=op.f("ck_screening_key_means")),
        sa.ForeignKeyConstraint(
            ["list_code", "entry_number"],
            ["screening_entry.list_code", "screening_entry.entry_number"],
            name=op.f("fk_screening_key_list_code_entry_number_screening_entry"),
        ),
        sa.PrimaryKeyConstraint(
            "list_code", "entry_number", "means", "blind", name=op.f("pk_screening_key")
        ),
    )
    op.create_index("ix_screening_key_blind", "screening_key", ["blind"], unique=False)
    op.create_table(
        "screening_record",
        sa.Column("screening_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("screen_time", sa.TIMESTAMP(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("positions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("matches", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("effect", sa.String(), nullable=True),
        sa.CheckConstraint(
            "stage IN ('SUBMISSION', 'APPROVAL', 'EXECUTION')",
            name=op.f("ck_screening_record_stage"),
        ),
        sa.CheckConstraint(
            "effect IN ('BLOCK', 'REVIEW')", name=op.f("ck_screening_record_effect")
        ),
        sa.PrimaryKeyConstraint("screening_id", name=op.f("pk_screening_record")),
    )
    op.create_index(
        "ix_screening_record_application_id",
        "screening_record",
        ["application_id", "revision"],
        unique=False,
    )
    op.create_table(
        "screening_hit",
        sa.Column("screening_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=True),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="OPEN", nullable=False),
        sa.Column("hit_time", sa.TIMESTAMP(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("closed_by", sa.String(), server_default="", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("state IN ('OPEN', 'CLOSED')", name=op.f("ck_screening_hit_state")),
        sa.CheckConstraint(
            "(state = 'CLOSED') = (closed_by <> '')", name=op.f("ck_screening_hit_closed_by")
        ),
        sa.PrimaryKeyConstraint("screening_id", name=op.f("pk_screening_hit")),
    )
    op.create_index(
        "uq_screening_hit_application_id_stage_open",
        "screening_hit",
        ["application_id", "stage"],
        unique=True,
        postgresql_where=sa.text("state = 'OPEN'"),
    )
    op.create_index(
        "ix_screening_hit_hit_time", "screening_hit", ["hit_time", "screening_id"], unique=False
    )
    op.create_index(
        "ix_screening_hit_open",
        "screening_hit",
        ["hit_time"],
        unique=False,
        postgresql_where=sa.text("state = 'OPEN'"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON screening_list, screening_entry TO fingertip_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON screening_key TO fingertip_app")
    op.execute("GRANT SELECT, INSERT ON screening_record TO fingertip_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON screening_hit TO fingertip_app")
