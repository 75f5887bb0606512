"""Who takes no step about any revision of a task."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Adds the column; tasks that are open keep whom they bar in the meantime."""
    op.add_column(
        "task",
        sa.Column("barred", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
    )
