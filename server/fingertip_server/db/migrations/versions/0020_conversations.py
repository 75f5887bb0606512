"""What authorisers and makers say to each other."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Makes the table, counts its rows where they are shown, and lets the servers' role append."""
    for table in ("task", "application"):
        op.add_column(
            table, sa.Column("messages", sa.Integer(), server_default="0", nullable=False)
        )
    op.create_table(
        "task_message",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("post_time", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_task_message_number")),
        sa.CheckConstraint("octet_length(link) = 32", name=op.f("ck_task_message_link")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_task_message")),
    )
    op.create_index(
        "uq_task_message_subject",
        "task_message",
        ["subject_kind", "subject_id", "number"],
        unique=True,
    )
    # What was said stays as it is.
    op.execute("GRANT SELECT, INSERT ON task_message TO fingertip_app")
