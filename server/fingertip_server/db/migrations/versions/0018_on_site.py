"""Tasks that a second person decides on site; levels and amounts of tasks; whose authority it was."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_STATES = "state IN ('ON_SITE', 'PARKED', 'QUEUED', 'CLAIMED', 'APPROVED', 'REJECTED', 'RETURNED', 'WITHDRAWN', 'EXPIRED', 'SUPPLEMENT_REQUESTED')"
_OPEN = "state IN ('ON_SITE', 'PARKED', 'QUEUED', 'CLAIMED', 'SUPPLEMENT_REQUESTED')"
_CHECKS = {
    "four_eyes_lender_maker": "lender_person_id <> maker_person_id",
    "four_eyes_lender_customer": "lender_customer_id <> customer_id",
    "four_eyes_lender": "lender_person_id <> checker_person_id",
    "delegation": "(delegation_id IS NULL) = (lender_person_id IS NULL)",
}


def upgrade() -> None:
    """Adds what is known of a task and of a decision."""
    op.add_column("task", sa.Column("level", sa.Integer(), server_default="1", nullable=False))
    op.add_column(
        "task", sa.Column("escalation_note", sa.String(), server_default="", nullable=False)
    )
    op.add_column("task", sa.Column("amount", sa.LargeBinary(), nullable=True))
    op.add_column(
        "task",
        sa.Column("reenter_amount", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.create_check_constraint(op.f("ck_task_level"), "task", "level BETWEEN 1 AND 9")
    op.drop_constraint(op.f("ck_task_state"), "task")
    op.create_check_constraint(op.f("ck_task_state"), "task", _STATES)
    for name, columns, unique in (
        ("uq_task_subject_open", ["subject_kind", "subject_id"], True),
        ("ix_task_centre_id_open", ["centre_id", "create_time", "task_id"], False),
    ):
        op.drop_index(name, "task")
        op.create_index(name, "task", columns, unique=unique, postgresql_where=sa.text(_OPEN))

    for name in ("delegation_id", "lender_person_id", "lender_customer_id"):
        op.add_column("task_decision", sa.Column(name, sa.Uuid(), nullable=True))
    op.add_column(
        "task_decision",
        sa.Column("on_site", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    for name, check in _CHECKS.items():
        op.create_check_constraint(op.f(f"ck_task_decision_{name}"), "task_decision", check)
