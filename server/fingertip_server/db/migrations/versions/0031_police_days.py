"""Asking the register again does not begin the police's days anew."""

from alembic import op

revision = "0031"
down_revision = "0030"

_NAME = "ck_application_identity_unhindered_at"


def upgrade() -> None:
    """Lets the end of the days outlast a question that is put again."""
    op.drop_constraint(op.f(_NAME), "application_identity")
    op.create_check_constraint(
        op.f(_NAME),
        "application_identity",
        "coalesce(outcome, 'NOT_CHECKED') = 'NOT_CHECKED'"
        " OR (unhindered_at IS NOT NULL) = (outcome IN ('NAME_DIFFERS', 'NUMBER_UNKNOWN'))",
    )
