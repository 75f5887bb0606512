"""More evidence in the same task."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"

_OPEN = "state IN ('PARKED', 'QUEUED', 'CLAIMED', 'SUPPLEMENT_REQUESTED')"
_TASK_STATES = (
    "state IN ('PARKED', 'QUEUED', 'CLAIMED', 'APPROVED', 'REJECTED', 'RETURNED', 'WITHDRAWN',"
    " 'EXPIRED', 'SUPPLEMENT_REQUESTED')"
)
_APPLICATION_STATES = (
    "state IN ('DRAFT', 'SUBMITTED', 'RETURNED', 'APPROVED', 'EXECUTED', 'REJECTED', 'WITHDRAWN',"
    " 'EXPIRED', 'EXECUTION_UNKNOWN', 'EXECUTION_FAILED', 'REVERSED',"
    " 'SUPPLEMENT_REQUESTED')"
)


def upgrade() -> None:
    """Admits the new states, keeps what is asked for, and lets the application's role use it."""
    _replace_check("task", _TASK_STATES)
    _replace_check("application", _APPLICATION_STATES)
    _replace_index(
        "uq_task_subject_open", "task", ["subject_kind", "subject_id"], _OPEN, unique=True
    )
    _replace_index(
        "ix_task_centre_id_open",
        "task",
        ["centre_id", "create_time", "task_id"],
        _OPEN,
        unique=False,
    )
    _replace_index(
        "ix_application_branch_id_open",
        "application",
        ["branch_id"],
        "state IN ('SUBMITTED', 'SUPPLEMENT_REQUESTED', 'RETURNED', 'APPROVED',"
        " 'EXECUTION_UNKNOWN')",
        unique=False,
    )
    _replace_index(
        "uq_attachment_application_id_kind_in_use",
        "attachment",
        ["application_id", "kind"],
        "state = 'COMPLETE' AND NOT is_replaced AND kind <> 'supplement'",
        unique=True,
    )
    op.add_column(
        "application",
        sa.Column(
            "asked", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
    )
    op.create_table(
        "task_supplement",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("authoriser_id", sa.String(), nullable=False),
        sa.Column("authoriser_person_id", sa.Uuid(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("items", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "request_time",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "octet_length(content_hash) = 32", name=op.f("ck_task_supplement_content_hash")
        ),
        sa.PrimaryKeyConstraint("task_id", "revision", name=op.f("pk_task_supplement")),
    )
    # What was appended stays as it is.
    op.execute("GRANT SELECT, INSERT ON task_supplement TO fingertip_app")


def _replace_check(table: str, states: str) -> None:
    name = op.f(f"ck_{table}_state")
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, states)


def _replace_index(name: str, table: str, columns: list[str], where: str, *, unique: bool) -> None:
    op.drop_index(name, table)
    op.create_index(name, table, columns, unique=unique, postgresql_where=sa.text(where))
