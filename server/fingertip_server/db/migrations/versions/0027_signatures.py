"""Agreements that are read, and signatures that prove what was signed."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Adds what was read and signed; a signature of before is an image alone, and is asked for anew."""
    op.create_table(
        "agreement_showing",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("agreement_code", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column(
            "show_time",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("fingertip_now()"),
            nullable=False,
        ),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("ck_agreement_showing_sha256")),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.application_id"],
            name=op.f("fk_agreement_showing_application_id_application"),
        ),
        sa.PrimaryKeyConstraint(
            "application_id", "agreement_code", name=op.f("pk_agreement_showing")
        ),
    )
    op.create_table(
        "signature",
        sa.Column("signature_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("form_hash", sa.LargeBinary(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("cms", sa.LargeBinary(), nullable=False),
        sa.Column("certificate_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("sign_time", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(form_hash) = 32", name=op.f("ck_signature_form_hash")),
        sa.CheckConstraint(
            "octet_length(certificate_sha256) = 32", name=op.f("ck_signature_certificate_sha256")
        ),
        sa.CheckConstraint(
            "octet_length(token_sha256) = 32", name=op.f("ck_signature_token_sha256")
        ),
        sa.PrimaryKeyConstraint("signature_id", name=op.f("pk_signature")),
    )
    op.create_index("ix_signature_application_id", "signature", ["application_id"], unique=False)
    op.add_column("application", sa.Column("signature_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_application_signature_id_signature"),
        "application",
        "signature",
        ["signature_id"],
        ["signature_id"],
    )
    op.add_column(
        "installation", sa.Column("authority", sa.String(), server_default="", nullable=False)
    )

    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON agreement_showing TO fingertip_app")
    # Never changed, never deleted.
    op.execute("GRANT SELECT, INSERT ON signature TO fingertip_app")
