"""Opens the database for a command, with one plain message when it cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from domain import settings as environment
from domain.database import Database
from workers.processes import require_schema


@contextmanager
def opened() -> Iterator[Database]:
    """The configured database, at the schema that this version needs; closed afterwards.

    Raises ``StoreUnavailable`` when it cannot be reached, ``Misconfigured`` before a migration.
    """
    database = Database(environment.read().database_url)
    try:
        require_schema(database)
        yield database
    finally:
        database.dispose()


@contextmanager
def transaction() -> Iterator[Session]:
    """One transaction on the configured database; raises like ``opened``."""
    with opened() as database, database.transaction() as session:
        yield session
