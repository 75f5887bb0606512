"""Branches, staff, devices, sessions and shifts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Makes the tables, and lets the application's role use them."""
    op.create_table(
        "branch",
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('branch', 'centre', 'head_office')", name=op.f("ck_branch_kind")
        ),
        sa.PrimaryKeyConstraint("branch_id", name=op.f("pk_branch")),
    )
    op.create_table(
        "device",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="ENROLLED", nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("work_kinds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("credential_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "enrolled_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.Column("revoked_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(kind = 'ADAPTER') = (work_kinds <> '{}')", name=op.f("ck_device_work_kinds")
        ),
        sa.CheckConstraint(
            "(state = 'REVOKED') = (revoked_at IS NOT NULL)", name=op.f("ck_device_revoked")
        ),
        sa.CheckConstraint(
            "kind IN ('TABLET', 'TICKET_MACHINE', 'ADAPTER')", name=op.f("ck_device_kind")
        ),
        sa.CheckConstraint("state IN ('ENROLLED', 'REVOKED')", name=op.f("ck_device_state")),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_device_branch_id_branch")
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device")),
    )
    op.create_index("ix_device_enrolled_at", "device", ["enrolled_at", "device_id"], unique=False)
    op.create_index("uq_device_credential_hash", "device", ["credential_hash"], unique=True)
    op.create_table(
        "enrolment_code",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("work_kinds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("used_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('TABLET', 'TICKET_MACHINE', 'ADAPTER')", name=op.f("ck_enrolment_code_kind")
        ),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_enrolment_code_branch_id_branch")
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_enrolment_code")),
    )
    op.create_index("uq_enrolment_code_code_hash", "enrolment_code", ["code_hash"], unique=True)
    op.create_table(
        "staff",
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("skills", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("is_listed", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("state", sa.String(), server_default="ACTIVE", nullable=False),
        sa.Column("failed_attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('ACTIVE', 'SUSPENDED')", name=op.f("ck_staff_state")),
        sa.CheckConstraint("failed_attempts >= 0", name=op.f("ck_staff_failed_attempts")),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_staff_branch_id_branch")
        ),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_staff")),
    )
    op.create_index("ix_staff_branch_id", "staff", ["branch_id", "staff_id"], unique=False)
    op.create_table(
        "shift",
        sa.Column("shift_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column(
            "started_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_shift_branch_id_branch")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.staff_id"], name=op.f("fk_shift_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("shift_id", name=op.f("pk_shift")),
    )
    op.create_index(
        "ix_shift_branch_id_open",
        "shift",
        ["branch_id"],
        unique=False,
        postgresql_where="ended_at IS NULL",
    )
    op.create_index(
        "uq_shift_staff_id_open",
        "shift",
        ["staff_id"],
        unique=True,
        postgresql_where="ended_at IS NULL",
    )
    op.create_table(
        "staff_credential",
        sa.Column("credential_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column(
            "set_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.Column("replaced_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.staff_id"], name=op.f("fk_staff_credential_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_staff_credential")),
    )
    op.create_index("ix_staff_credential_staff_id", "staff_credential", ["staff_id"], unique=False)
    op.create_index(
        "uq_staff_credential_current",
        "staff_credential",
        ["staff_id"],
        unique=True,
        postgresql_where="replaced_at IS NULL",
    )
    op.create_table(
        "staff_session",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column(
            "last_used_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.device_id"], name=op.f("fk_staff_session_device_id_device")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.staff_id"], name=op.f("fk_staff_session_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_staff_session")),
    )
    op.create_index(
        "ix_staff_session_device_id_open",
        "staff_session",
        ["device_id"],
        unique=False,
        postgresql_where="ended_at IS NULL",
    )
    op.create_index(
        "ix_staff_session_staff_id_open",
        "staff_session",
        ["staff_id"],
        unique=False,
        postgresql_where="ended_at IS NULL",
    )
    op.create_index("uq_staff_session_token_hash", "staff_session", ["token_hash"], unique=True)

    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON branch, device, enrolment_code, staff, shift, staff_credential, staff_session TO fingertip_app"
    )
