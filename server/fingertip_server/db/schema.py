"""Says whether a database's schema is one that this server works with.

Apart from `migrating`, so that servers need not load what only migrations use.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

MIGRATIONS = Path(__file__).parent / "migrations"

_REVISION = text("SELECT version_num FROM alembic_version")


class SchemaNotCurrent(Exception):
    """The database's schema is not one that this server works with."""


def own_revision() -> str:
    """Returns the revision that this distribution's migrations lead to: their files are counted."""
    return max(file.name.partition("_")[0] for file in MIGRATIONS.glob("versions/[0-9]*.py"))


def require_current(connection: Connection) -> None:
    """Raises SchemaNotCurrent unless the schema is this server's or the one after it."""
    own = own_revision()
    found = ""
    if inspect(connection).has_table("alembic_version"):
        found = connection.execute(_REVISION).scalar() or ""
    if not found or int(found) < int(own):
        raise SchemaNotCurrent(
            f"The database's schema is {found or 'empty'}, and this server needs {own}:"
            " run `fingertip migrate` first."
        )
    if int(found) > int(own) + 1:
        raise SchemaNotCurrent(
            f"The database's schema is {found}, which is too new for this server ({own}):"
            " install a newer one."
        )
