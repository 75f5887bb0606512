"""What every table shares."""

import datetime as dt
import uuid
from typing import Annotated

from sqlalchemy import TIMESTAMP, MetaData, Uuid, func, select
from sqlalchemy.orm import DeclarativeBase, mapped_column

# Names of constraints come from here, so that a violation can be told by its constraint's name.
_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# The time: one value for a whole statement, and one that an index can be searched by. The function
# itself is volatile, and would be compared row by row.
NOW = select(func.fingertip_now()).scalar_subquery()

Timestamp = dt.datetime
Id = Annotated[uuid.UUID, mapped_column(primary_key=True)]


class Base(DeclarativeBase):
    """The root of all tables. Instants are timestamptz, ids are native UUIDs."""

    metadata = MetaData(naming_convention=_NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        dt.datetime: TIMESTAMP(timezone=True),
        uuid.UUID: Uuid(),
    }
