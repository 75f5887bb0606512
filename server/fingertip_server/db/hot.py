"""Statements of hot paths, which go down to the driver: half the price of a statement.

They run on the same connection and in the same transaction as every other statement. What they
violate arrives as the driver's own exception, which `rpc.units` knows as well.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import Connection, Row
from sqlalchemy.util import await_only

_NAME = re.compile(r"(?<!:):([a-z_]+)")


class Record(asyncpg.Record):
    """A row whose columns are attributes, as the rows of every other statement."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as typed as SQLAlchemy's rows are
        return self[name]


AnyRow: TypeAlias = Row[Any] | Record
"""A row of either kind of statement: its columns are attributes."""


class Hot:
    """A statement with parameters written `:name`, given to the driver by position."""

    def __init__(self, sql: str) -> None:
        self._names = tuple(dict.fromkeys(_NAME.findall(sql)))
        places = {name: f"${number}" for number, name in enumerate(self._names, 1)}
        self._sql = _NAME.sub(lambda found: places[found[1]], sql)

    def all(self, connection: Connection, parameters: Mapping[str, object]) -> list[Record]:
        """Runs the statement and returns its rows."""
        driver = driver_of(connection)
        arguments = [parameters[name] for name in self._names]
        return await_only(driver.fetch(self._sql, *arguments, record_class=Record))

    def first(self, connection: Connection, parameters: Mapping[str, object]) -> Record | None:
        """Runs the statement and returns its first row, or None."""
        rows = self.all(connection, parameters)
        return rows[0] if rows else None


def driver_of(connection: Connection) -> "asyncpg.Connection[asyncpg.Record]":
    """Returns the driver's connection below one of ours."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, asyncpg.Connection):
        raise TypeError("the engine's driver is asyncpg")
    return driver
