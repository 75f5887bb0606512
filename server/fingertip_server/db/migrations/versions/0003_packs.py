"""Bank packs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Makes the tables, and lets the application's role use them."""
    op.create_table(
        "pack",
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column(
            "loaded_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_pack")),
    )
    op.create_index(
        "uq_pack_is_active", "pack", ["is_active"], unique=True, postgresql_where="is_active"
    )
    op.create_table(
        "pack_document",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "loaded_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.CheckConstraint("kind IN ('agreement', 'form')", name=op.f("ck_pack_document_kind")),
        sa.PrimaryKeyConstraint("kind", "code", "version", name=op.f("pk_pack_document")),
    )

    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON pack, pack_document TO fingertip_app")
