"""Opens the database for a command, with one plain message when it cannot be used."""

from __future__ import annotations

from domain import settings as environment
from domain.database import Database
from workers.processes import require_schema


def open_store() -> Database:
    """The configured database, at the schema that this version needs.

    Raises ``StoreUnavailable`` when it cannot be reached, ``Misconfigured`` before a migration.
    """
    database = Database(environment.read().database_url)
    require_schema(database)
    return database
