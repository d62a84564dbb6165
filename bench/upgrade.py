"""How long an upgrade stands still: each migration of a store with years of history, timed.

``python -m bench.upgrade EVENTS ACCOUNTS``: fills a store, takes it back to the oldest schema that
had all of these tables (0003), and brings it to the newest, migration by migration, in the way
``billhook migrate`` does. Prints the seconds of each and what went into PostgreSQL's log.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any, Final

from alembic import command

from bench import big_store
from bench.stage import Stage, stage
from domain.database import Database
from domain.migrations.run import config, pending

OLDEST: Final = "0003"
LOG: Final = "SELECT (pg_current_wal_lsn() - '0/0')::bigint"
SIZE: Final = "SELECT pg_size_pretty(pg_database_size(current_database()))"


def main() -> None:
    """Read the command line, fill, take back, and bring forward again."""
    parser = argparse.ArgumentParser(prog="python -m bench.upgrade", description=__doc__)
    parser.add_argument("events", type=int)
    parser.add_argument("accounts", type=int)
    options = parser.parse_args()
    with stage() as on:
        url = on.database()
        big_store.fill(url, options.events, options.accounts)
        database = Database(url, pool_size=1)
        _timed(on, database, OLDEST, command.downgrade)
        on.execute(url, "VACUUM (ANALYZE)", {})
        on.execute(url, "CHECKPOINT", {})
        print(f"{on.execute(url, SIZE, {})[0][0]} in all", flush=True)
        for revision in pending(database):
            _timed(on, database, revision, command.upgrade)
        database.dispose()


def _timed(on: Stage, database: Database, revision: str, move: Callable[[Any, str], None]) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    [(before,)] = on.execute(url, LOG, {})
    began = time.monotonic()
    with database.engine.begin() as connection:
        settings = config()
        settings.attributes["connection"] = connection
        move(settings, revision)
    took = time.monotonic() - began
    [(after,)] = on.execute(url, LOG, {})
    print(
        f"{move.__name__} to {revision}: {took:.1f} s, {(after - before) / 1e6:,.0f} MB of log",
        flush=True,
    )


if __name__ == "__main__":
    main()
