"""``migrate``: bring the database to the newest schema."""

from __future__ import annotations

import argparse
from typing import Any

from domain import database, schema
from domain import settings as environment
from domain.database import Database


def add_to(commands: Any) -> None:
    """Add the parser."""
    commands.add_parser("migrate", help="bring the database up to date").set_defaults(run=_run)


def _run(_chosen: argparse.Namespace) -> int:
    url = environment.read().database_url
    store = Database(url)
    try:
        before = schema.present(store)
    finally:
        store.dispose()
    database.migrate(url)
    after = schema.expected()
    print(f"database at {after}" + ("" if before == after else f" (was {before or 'empty'})"))
    return 0
