"""Reaches PostgreSQL: engine, tables, migrations, and the embedded server."""
