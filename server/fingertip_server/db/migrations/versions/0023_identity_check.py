"""What the police's register says of an application's persons, and who else is seen in person."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

_SIGHTINGS = (
    "kind IN ('APPLICANT', 'ORIGINAL_DOCUMENT', 'SIGNATURE', 'PROXY', 'PROXY_DOCUMENT',"
    " 'IDENTITY_PROOF', 'PROXY_IDENTITY_PROOF')"
)


def upgrade() -> None:
    """Makes the table, and admits more sightings."""
    op.create_table(
        "application_identity",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("person", sa.LargeBinary(length=16), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("answered_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("unhindered_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("photo_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "party IN ('APPLICANT', 'PROXY', 'GUARDIAN')",
            name=op.f("ck_application_identity_party"),
        ),
        sa.CheckConstraint(
            "outcome IN ('CONSISTENT_WITH_PHOTO', 'CONSISTENT_WITHOUT_PHOTO', 'NAME_DIFFERS',"
            " 'NUMBER_UNKNOWN', 'NOT_CHECKED')",
            name=op.f("ck_application_identity_outcome"),
        ),
        sa.CheckConstraint(
            "(outcome IS NULL) = (answered_at IS NULL)",
            name=op.f("ck_application_identity_answered_at"),
        ),
        sa.CheckConstraint(
            "(unhindered_at IS NOT NULL)"
            " = (outcome IS NOT NULL AND outcome IN ('NAME_DIFFERS', 'NUMBER_UNKNOWN'))",
            name=op.f("ck_application_identity_unhindered_at"),
        ),
        sa.CheckConstraint(
            "(photo_id IS NOT NULL) = (outcome IS NOT NULL AND outcome = 'CONSISTENT_WITH_PHOTO')",
            name=op.f("ck_application_identity_photo_id"),
        ),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.application_id"],
            name=op.f("fk_application_identity_application_id_application"),
        ),
        sa.ForeignKeyConstraint(
            ["photo_id"],
            ["attachment.attachment_id"],
            name=op.f("fk_application_identity_photo_id_attachment"),
        ),
        sa.PrimaryKeyConstraint("application_id", "party", name=op.f("pk_application_identity")),
    )
    op.create_index(
        "ix_application_identity_person",
        "application_identity",
        ["person", "answered_at"],
        unique=False,
    )
    op.drop_constraint(op.f("ck_application_sighting_kind"), "application_sighting", type_="check")
    op.create_check_constraint(
        op.f("ck_application_sighting_kind"), "application_sighting", _SIGHTINGS
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON application_identity TO fingertip_app")
