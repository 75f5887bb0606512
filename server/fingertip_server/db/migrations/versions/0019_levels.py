"""Queues by level of authority."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Makes one probe find the first task of a level, of a skill or of a scene."""
    op.drop_index("ix_task_queue", "task")
    for name, lane in (("ix_task_queue", "skill"), ("ix_task_queue_scene", "scene_code")):
        op.create_index(
            name,
            "task",
            ["centre_id", lane, "level", "rank_at", "task_id"],
            unique=False,
            postgresql_where=sa.text("state = 'QUEUED'"),
        )
