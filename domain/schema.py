"""Which schema the code expects and which one the database has; light, without alembic."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect, text

from domain.database import Database
from domain.errors import Misconfigured

_VERSIONS = Path(__file__).with_name("migrations") / "versions"


def expected() -> str:
    """The newest migration that the code brings."""
    return max(path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*.py"))


def present(database: Database) -> str | None:
    """The migration that the database is at; None for an empty database.

    Raises ``StoreUnavailable`` when it cannot be reached.
    """
    with database.transaction() as session:
        if not inspect(session.connection()).has_table("alembic_version"):
            return None
        version = session.scalar(text("SELECT version_num FROM alembic_version"))
    return str(version) if version is not None else None


def require_schema(database: Database) -> None:
    """Raise ``Misconfigured`` unless the database is at the schema that the code expects.

    Raises ``StoreUnavailable`` when it cannot be reached: a process that cannot work ends, and its
    supervisor starts it again.
    """
    at, wanted = present(database), expected()
    if at != wanted:
        database.dispose()
        raise Misconfigured(
            f"the database is at migration {at or 'none'} and this version needs {wanted}; "
            "run `billhook migrate` first"
        )
