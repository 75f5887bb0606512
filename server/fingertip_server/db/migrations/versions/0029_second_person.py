"""The journal names the second person."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Adds who stood by; of older entries nobody is known, and their digests stay good."""
    for name in ("second_person_id", "second_person_name"):
        op.add_column(
            "audit_entry", sa.Column(name, sa.String(), server_default="", nullable=False)
        )
