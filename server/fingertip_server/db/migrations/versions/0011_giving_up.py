"""Parked items are given up, those with an effect by two persons."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Adds who asked to give an item up."""
    op.add_column("work_item", sa.Column("give_up_by", sa.String(), nullable=True))
    op.add_column("work_item", sa.Column("give_up_person_id", sa.Uuid(), nullable=True))
    op.add_column(
        "work_item", sa.Column("give_up_purpose", sa.String(), server_default="", nullable=False)
    )
    op.add_column("work_item", sa.Column("give_up_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_work_item_give_up"),
        "work_item",
        "give_up_by IS NULL OR (has_effect AND state = 'PARKED')",
    )
    op.create_check_constraint(
        op.f("ck_work_item_give_up_whole"),
        "work_item",
        "(give_up_by IS NULL) = (give_up_person_id IS NULL) AND (give_up_by IS NULL) = (give_up_at IS NULL)",
    )
