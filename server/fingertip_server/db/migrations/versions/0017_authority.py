"""Levels of authority, and authority that is lent."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Gives everybody the lowest level until a pack says otherwise."""
    op.add_column("staff", sa.Column("level", sa.Integer(), server_default="1", nullable=False))
    op.create_check_constraint(op.f("ck_staff_level"), "staff", "level BETWEEN 1 AND 9")
    op.create_table(
        "delegation",
        sa.Column("delegation_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("delegator_id", sa.String(), nullable=False),
        sa.Column("delegator_person_id", sa.Uuid(), nullable=False),
        sa.Column("delegate_id", sa.String(), nullable=False),
        sa.Column("delegate_person_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("scene_codes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("skills", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.String(), nullable=True),
        sa.CheckConstraint(
            "delegator_person_id <> delegate_person_id", name=op.f("ck_delegation_persons")
        ),
        sa.CheckConstraint("level BETWEEN 1 AND 9", name=op.f("ck_delegation_level")),
        sa.CheckConstraint(
            "scene_codes <> '{}' OR skills <> '{}'", name=op.f("ck_delegation_scope")
        ),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_delegation_expires_at")),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoked_by IS NULL)", name=op.f("ck_delegation_revoked")
        ),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_delegation_branch_id_branch")
        ),
        sa.ForeignKeyConstraint(
            ["delegator_id"], ["staff.staff_id"], name=op.f("fk_delegation_delegator_id_staff")
        ),
        sa.ForeignKeyConstraint(
            ["delegate_id"], ["staff.staff_id"], name=op.f("fk_delegation_delegate_id_staff")
        ),
        sa.PrimaryKeyConstraint("delegation_id", name=op.f("pk_delegation")),
    )
    op.create_index(
        "ix_delegation_branch_id",
        "delegation",
        ["branch_id", "created_at", "delegation_id"],
        unique=False,
    )
    op.create_index(
        "ix_delegation_delegate",
        "delegation",
        ["delegate_person_id", "expires_at"],
        unique=False,
    )
    # What was lent is never forgotten: it is taken back, not deleted.
    op.execute("GRANT SELECT, INSERT, UPDATE ON delegation TO fingertip_app")
