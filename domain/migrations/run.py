"""Bring a database to the newest schema, or tell how far behind it is."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from domain.database import Database


def upgrade(url: str) -> None:
    """Apply every pending migration."""
    database = Database(url, pool_size=1)
    try:
        with database.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                # Several processes may start at once: the first migrates, the rest wait.
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7331001)")
            configuration = config()
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, "head")
    finally:
        database.dispose()


def pending(database: Database) -> list[str]:
    """The migrations that the database still lacks, oldest first."""
    script = ScriptDirectory.from_config(config())
    with database.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    missing = script.iterate_revisions("head", current or "base")
    return [revision.revision for revision in missing][::-1]


def config() -> Config:
    """Alembic's configuration, without a file."""
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(__file__).parent))
    return configuration
