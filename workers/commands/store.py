"""Opens the database for a command, with one plain message when it cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from domain import data_keys
from domain import settings as environment
from domain.database import Database
from domain.schema import require_schema


@contextmanager
def opened() -> Iterator[Database]:
    """The configured database, at the schema that this version needs; closed afterwards.

    Raises ``StoreUnavailable`` when it cannot be reached, ``Misconfigured`` before a migration
    and without the keys of its personal data.
    """
    settings = environment.read()
    database = Database(settings.database_url, ring=settings.ring)
    try:
        require_schema(database)
        with database.transaction() as session:
            data_keys.enroll(session, database.ring)
        yield database
    finally:
        database.dispose()


@contextmanager
def transaction() -> Iterator[Session]:
    """One transaction on the configured database; raises like ``opened``."""
    with opened() as database, database.transaction() as session:
        yield session
