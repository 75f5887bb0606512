"""Decisions in steps: several persons may have to approve a revision, one after the other."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Makes every decision that is there the only, final step of its task."""
    op.add_column(
        "task", sa.Column("steps_required", sa.Integer(), server_default="1", nullable=False)
    )
    op.add_column("task", sa.Column("steps_done", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "task",
        sa.Column("taken_by", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
    )
    op.execute("UPDATE task SET steps_done = 1 WHERE state = 'APPROVED'")
    op.create_check_constraint(
        op.f("ck_task_steps_required"), "task", "steps_required BETWEEN 1 AND 3"
    )
    op.create_check_constraint(
        op.f("ck_task_steps_done"), "task", "steps_done BETWEEN 0 AND steps_required"
    )

    op.add_column(
        "task_decision", sa.Column("step", sa.Integer(), server_default="1", nullable=False)
    )
    op.add_column(
        "task_decision",
        sa.Column("is_final", sa.Boolean(), server_default=sa.true(), nullable=False),
    )
    op.drop_constraint(op.f("pk_task_decision"), "task_decision", type_="primary")
    op.create_primary_key(
        op.f("pk_task_decision"), "task_decision", ["task_id", "revision", "step"]
    )
    op.create_check_constraint(
        op.f("ck_task_decision_is_final"), "task_decision", "is_final OR outcome = 'APPROVED'"
    )
    op.create_check_constraint(
        op.f("ck_task_decision_step"), "task_decision", "step BETWEEN 1 AND 3"
    )
    op.drop_index("uq_task_decision_subject", "task_decision")
    op.create_index(
        "uq_task_decision_person",
        "task_decision",
        ["task_id", "revision", "checker_person_id"],
        unique=True,
    )
    op.create_index(
        "uq_task_decision_final",
        "task_decision",
        ["task_id"],
        unique=True,
        postgresql_where=sa.text("is_final"),
    )
    op.create_index(
        "uq_task_decision_subject_final",
        "task_decision",
        ["subject_kind", "subject_id", "revision"],
        unique=True,
        postgresql_where=sa.text("is_final"),
    )
