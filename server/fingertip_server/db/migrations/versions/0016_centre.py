"""Breaks, offers, and the clocks of a centre."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_SWEEP = "INSERT INTO timer (kind, subject, due_at) VALUES ('authorization.sweep', 'bank', clock_timestamp())"


def upgrade() -> None:
    """Adds what a centre knows of its tasks, and has them looked after from the beginning."""
    op.add_column("shift", sa.Column("break_since", sa.TIMESTAMP(timezone=True), nullable=True))
    for name in ("reminded_time", "escalated_time", "claim_time", "claim_reminded_time"):
        op.add_column("task", sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("task", sa.Column("offered_to", sa.String(), nullable=True))
    op.add_column("task", sa.Column("offered_until", sa.TIMESTAMP(timezone=True), nullable=True))
    for name in ("escalated_to", "end_note"):
        op.add_column("task", sa.Column(name, sa.String(), server_default="", nullable=False))
    for name in ("waiting_since", "centre_since"):
        op.add_column(
            "task",
            sa.Column(
                name,
                sa.TIMESTAMP(timezone=True),
                server_default=sa.text("fingertip_now()"),
                nullable=False,
            ),
        )
    op.create_check_constraint(
        op.f("ck_task_offer"), "task", "(offered_to IS NULL) = (offered_until IS NULL)"
    )
    op.create_index(
        "ix_task_offered_to",
        "task",
        ["offered_to"],
        unique=False,
        postgresql_where=sa.text("state = 'QUEUED' AND offered_to IS NOT NULL"),
    )
    op.create_index(
        "ix_task_waiting",
        "task",
        ["waiting_since"],
        unique=False,
        postgresql_where=sa.text("state IN ('PARKED', 'QUEUED') AND escalated_time IS NULL"),
    )
    op.create_index(
        "ix_task_decided",
        "task",
        ["centre_id", "skill", "decide_time"],
        unique=False,
        postgresql_where=sa.text("decide_time IS NOT NULL"),
    )
    op.create_index(
        "ix_task_branch_id_decided",
        "task",
        ["branch_id", "decide_time"],
        unique=False,
        postgresql_where=sa.text("decide_time IS NOT NULL"),
    )
    op.execute(_SWEEP)
