"""Applications and their evidence."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Makes the tables, and lets the application's role use them."""
    op.create_table(
        "application",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("form_code", sa.String(), nullable=False),
        sa.Column("form_version", sa.Integer(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=False),
        sa.Column("maker_id", sa.String(), nullable=False),
        sa.Column("maker_person_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), server_default="DRAFT", nullable=False),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("signed_form", sa.LargeBinary(), nullable=False),
        sa.Column("form_hash", sa.LargeBinary(), nullable=False),
        sa.Column("signature_form_hash", sa.LargeBinary(), nullable=True),
        sa.Column("signature_attachment_id", sa.Uuid(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=True),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("state_note", sa.String(), server_default="", nullable=False),
        sa.Column(
            "defects", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column(
            "create_time",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.Column(
            "change_time",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.Column("submit_time", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("account_number", sa.LargeBinary(), nullable=True),
        sa.Column("core_reference", sa.String(), server_default="", nullable=False),
        sa.Column("execute_time", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'EXECUTED') = (execute_time IS NOT NULL)",
            name=op.f("ck_application_execute_time"),
        ),
        sa.CheckConstraint(
            "state IN ('DRAFT', 'SUBMITTED', 'RETURNED', 'APPROVED', 'EXECUTED', 'REJECTED', 'WITHDRAWN', 'EXPIRED', 'EXECUTION_UNKNOWN', 'EXECUTION_FAILED')",
            name=op.f("ck_application_state"),
        ),
        sa.CheckConstraint(
            "(content_hash IS NULL) = (revision = 0)", name=op.f("ck_application_content_hash")
        ),
        sa.CheckConstraint("octet_length(form_hash) = 32", name=op.f("ck_application_form_hash")),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_application_branch_id_branch")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.customer_id"],
            name=op.f("fk_application_customer_id_customer"),
        ),
        sa.ForeignKeyConstraint(
            ["maker_id"], ["staff.staff_id"], name=op.f("fk_application_maker_id_staff")
        ),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_application")),
    )
    op.create_index(
        "ix_application_branch_id",
        "application",
        ["branch_id", "create_time", "application_id"],
        unique=False,
    )
    op.create_index(
        "ix_application_branch_id_open",
        "application",
        ["branch_id"],
        unique=False,
        postgresql_where=sa.text(
            "state IN ('SUBMITTED', 'RETURNED', 'APPROVED', 'EXECUTION_UNKNOWN')"
        ),
    )
    op.create_index(
        "ix_application_customer_id", "application", ["customer_id", "create_time"], unique=False
    )
    op.create_table(
        "application_revision",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "submit_time",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "octet_length(content_hash) = 32", name=op.f("ck_application_revision_content_hash")
        ),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_application_revision_revision")),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.application_id"],
            name=op.f("fk_application_revision_application_id_application"),
        ),
        sa.PrimaryKeyConstraint("application_id", "revision", name=op.f("pk_application_revision")),
    )
    op.create_table(
        "attachment",
        sa.Column("attachment_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), server_default="UPLOADING", nullable=False),
        sa.Column("is_replaced", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("chunks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column(
            "create_time",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(state = 'COMPLETE') = (sha256 IS NOT NULL)", name=op.f("ck_attachment_sha256")
        ),
        sa.CheckConstraint(
            "state = 'COMPLETE' OR NOT is_replaced", name=op.f("ck_attachment_is_replaced")
        ),
        sa.CheckConstraint("state IN ('UPLOADING', 'COMPLETE')", name=op.f("ck_attachment_state")),
        sa.CheckConstraint(
            "next_offset BETWEEN 0 AND size_bytes", name=op.f("ck_attachment_next_offset")
        ),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.application_id"],
            name=op.f("fk_attachment_application_id_application"),
        ),
        sa.PrimaryKeyConstraint("attachment_id", name=op.f("pk_attachment")),
    )
    op.create_index("ix_attachment_application_id", "attachment", ["application_id"], unique=False)
    op.create_index(
        "uq_attachment_application_id_kind_in_use",
        "attachment",
        ["application_id", "kind"],
        unique=True,
        postgresql_where=sa.text("state = 'COMPLETE' AND NOT is_replaced"),
    )
    op.create_table(
        "application_sighting",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("attachment_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column(
            "attest_time",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind IN ('APPLICANT', 'ORIGINAL_DOCUMENT', 'SIGNATURE')",
            name=op.f("ck_application_sighting_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.application_id"],
            name=op.f("fk_application_sighting_application_id_application"),
        ),
        sa.ForeignKeyConstraint(
            ["attachment_id"],
            ["attachment.attachment_id"],
            name=op.f("fk_application_sighting_attachment_id_attachment"),
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.staff_id"], name=op.f("fk_application_sighting_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("application_id", "kind", name=op.f("pk_application_sighting")),
    )
    op.create_table(
        "attachment_chunk",
        sa.Column("attachment_id", sa.Uuid(), nullable=False),
        sa.Column("chunk_offset", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "size_bytes BETWEEN 1 AND 1048576", name=op.f("ck_attachment_chunk_size_bytes")
        ),
        sa.ForeignKeyConstraint(
            ["attachment_id"],
            ["attachment.attachment_id"],
            name=op.f("fk_attachment_chunk_attachment_id_attachment"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("attachment_id", "chunk_offset", name=op.f("pk_attachment_chunk")),
    )

    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON application, application_revision, attachment, application_sighting, attachment_chunk TO fingertip_app"
    )
