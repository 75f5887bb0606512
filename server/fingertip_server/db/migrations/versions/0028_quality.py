"""The error file, and second looks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Makes the tables, and lets the application's role use them."""
    op.create_table(
        "error_entry",
        sa.Column("error_entry_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("category_code", sa.String(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("scene_code", sa.String(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("centre_id", sa.String(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=True),
        sa.Column("maker_id", sa.String(), nullable=False),
        sa.Column("maker_person_id", sa.Uuid(), nullable=False),
        sa.Column("raised_by", sa.String(), nullable=False),
        sa.Column("raised_person_id", sa.Uuid(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("was_executed", sa.Boolean(), nullable=False),
        sa.Column("is_disputed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("answered_by", sa.String(), server_default="", nullable=False),
        sa.Column("answered_person_id", sa.Uuid(), nullable=True),
        sa.Column("answer_note", sa.String(), server_default="", nullable=False),
        sa.Column("settled_by", sa.String(), server_default="", nullable=False),
        sa.Column("settled_person_id", sa.Uuid(), nullable=True),
        sa.Column("settle_note", sa.String(), server_default="", nullable=False),
        sa.Column(
            "create_time",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.Column("answer_deadline", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("settle_time", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "state IN ('AT_BRANCH', 'AT_SUPERVISOR', 'CONFIRMED', 'CANCELLED')",
            name=op.f("ck_error_entry_state"),
        ),
        sa.CheckConstraint(
            "source IN ('REJECTED', 'RETURNED', 'SECOND_LOOK')", name=op.f("ck_error_entry_source")
        ),
        sa.CheckConstraint(
            "raised_person_id <> maker_person_id", name=op.f("ck_error_entry_four_eyes_raised")
        ),
        sa.CheckConstraint(
            "answered_person_id <> raised_person_id",
            name=op.f("ck_error_entry_four_eyes_answered"),
        ),
        sa.CheckConstraint(
            "settled_person_id NOT IN (maker_person_id, raised_person_id)",
            name=op.f("ck_error_entry_four_eyes_settled"),
        ),
        sa.CheckConstraint(
            "settled_person_id <> answered_person_id",
            name=op.f("ck_error_entry_four_eyes_answer_settled"),
        ),
        sa.CheckConstraint(
            "(state IN ('CONFIRMED', 'CANCELLED')) = (settle_time IS NOT NULL)",
            name=op.f("ck_error_entry_settled"),
        ),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_error_entry_branch_id_branch")
        ),
        sa.ForeignKeyConstraint(
            ["centre_id"], ["branch.branch_id"], name=op.f("fk_error_entry_centre_id_branch")
        ),
        sa.PrimaryKeyConstraint("error_entry_id", name=op.f("pk_error_entry")),
    )
    op.create_index(
        "uq_error_entry_task_id_source", "error_entry", ["task_id", "source"], unique=True
    )
    for column in ("branch_id", "centre_id"):
        op.create_index(
            f"ix_error_entry_{column}",
            "error_entry",
            [column, "create_time", "error_entry_id"],
            unique=False,
        )
    op.create_index(
        "ix_error_entry_create_time", "error_entry", ["create_time", "error_entry_id"], unique=False
    )
    op.create_table(
        "second_look",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), server_default="OPEN", nullable=False),
        sa.Column("scene_code", sa.String(), nullable=False),
        sa.Column("skill", sa.String(), nullable=False),
        sa.Column("centre_id", sa.String(), nullable=False),
        sa.Column("branch_id", sa.String(), nullable=False),
        sa.Column("maker_id", sa.String(), nullable=False),
        sa.Column("maker_person_id", sa.Uuid(), nullable=False),
        sa.Column("draw", sa.Integer(), nullable=False),
        sa.Column("share_per_mille", sa.Integer(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.Column("reviewer_id", sa.String(), server_default="", nullable=False),
        sa.Column("reviewer_person_id", sa.Uuid(), nullable=True),
        sa.Column(
            "create_time",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.Column("review_time", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('OPEN', 'AGREED', 'ERROR')", name=op.f("ck_second_look_state")
        ),
        sa.CheckConstraint("draw < share_per_mille", name=op.f("ck_second_look_draw")),
        sa.CheckConstraint(
            "(state = 'OPEN') = (review_time IS NULL)", name=op.f("ck_second_look_reviewed")
        ),
        sa.CheckConstraint(
            "reviewer_person_id <> maker_person_id", name=op.f("ck_second_look_four_eyes_maker")
        ),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["branch.branch_id"], name=op.f("fk_second_look_branch_id_branch")
        ),
        sa.ForeignKeyConstraint(
            ["centre_id"], ["branch.branch_id"], name=op.f("fk_second_look_centre_id_branch")
        ),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_second_look")),
    )
    op.create_index(
        "ix_second_look_centre_id",
        "second_look",
        ["centre_id", "create_time", "task_id"],
        unique=False,
    )

    # Neither an entry nor a draw is ever taken away.
    op.execute("GRANT SELECT, INSERT, UPDATE ON error_entry, second_look TO fingertip_app")
