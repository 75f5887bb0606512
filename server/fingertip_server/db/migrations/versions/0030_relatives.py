"""Staff's relatives among the customers, about whom they do not decide."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Adds them; the next pack that is loaded says who they are."""
    op.add_column(
        "staff",
        sa.Column("relatives", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
    )
