"""Where measurements happen: PostgreSQL as it flushes in production, Valkey, the played providers,
and the processes to be measured."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import redis

from bench.events import Keys
from domain.database import migrate
from tests.processes import ROOT, Installation, free_port, wait_until
from tests.servers.databases import Databases, libpq_url
from tests.servers.postgres import PostgresServer
from tests.servers.valkey import ValkeyServer
from webhooks.sandbox.app import create_sandbox
from webhooks.sandbox.authority import Authority
from webhooks.sandbox.server import SandboxServer
from webhooks.sandbox.world import World

SEGMENTS: Final = 100
"""Files of the log that are made beforehand: a server that ran for a day uses its old ones again,
a new one stops every 16 MB to make another."""
SETTINGS: Final = {
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "min_wal_size": "2GB",
    # Tells when each payment was committed.
    "track_commit_timestamp": "on",
}
"""Everything else is PostgreSQL's default: fsync and synchronous_commit are on."""

VACUUMING: Final = """
SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'
"""
REST_S: Final = 90
"""Longer than PostgreSQL's autovacuum sleeps."""


class Stage:
    """The servers, and what the events are signed with."""

    def __init__(
        self, directory: Path, postgres: PostgresServer, valkey: ValkeyServer, world: World
    ) -> None:
        self.directory, self.postgres, self.valkey, self.world = directory, postgres, valkey, world
        authority = Authority.load_or_make(directory)
        base = f"{world.base_url}/paypal/v1/notifications/certs"
        credentials = world.credentials
        self.keys = Keys(
            credentials.stripe_webhook_secret,
            authority,
            credentials.paypal_webhook_id,
            f"{base}/{authority.certificate_id}",
        )
        self._number = 0

    def database(self) -> str:
        """The URL of a new database with Billhook's tables."""
        self._number += 1
        url = self.postgres.create_database(f"bench_{self._number}")
        migrate(url)
        return url

    def drop(self, url: str) -> None:
        """Forget a database."""
        with Databases(self.postgres.url()) as databases:
            databases.drop(url.partition("?")[0].rpartition("/")[2])

    def environ(self, url: str) -> dict[str, str]:
        """The settings under which all processes of one comparison run."""
        self._number += 1
        return {
            **self.world.credentials.environment(self.world.base_url),
            "DATABASE_URL": url,
            "REDIS_URL": self.valkey.url(self._number),
            "BILLHOOK_SECRET_KEY": "a-secret-key-of-the-benchmarks-012345",
            "BILLHOOK_DATA_KEYS": "bench:YS1kYXRhLWtleS1vZi10aGUtYmVuY2htYXJrcy0wMTI=",
        }

    @contextmanager
    def billhook(self, environ: Mapping[str, str], *names: str) -> Iterator[Installation]:
        """Billhook's processes, started, until the end of the block."""
        place = Path(tempfile.mkdtemp(dir=self.directory))
        with Installation(place, environ) as installation:
            installation.start(*names)
            _lower_sessions(installation)
            yield installation

    @contextmanager
    def design(self, environ: Mapping[str, str], name: str) -> Iterator[tuple[int, int]]:
        """One of the designs to compare with: its port and process."""
        port = free_port()
        process = subprocess.Popen(  # noqa: S603 - a module of ours
            [sys.executable, "-m", "bench.designs", name, str(port)],
            cwd=ROOT,
            env={**os.environ, **environ},
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda: _listens(port), f"{name} listens")
            yield port, process.pid
        finally:
            process.terminate()
            process.wait()

    def server_pids(self) -> dict[str, int]:
        """The processes of PostgreSQL (its children count with it) and of Valkey."""
        postmaster = (self.postgres.directory / "data" / "postmaster.pid").read_text().split()[0]
        client: Any = redis.Redis.from_url(self.valkey.url())
        return {"PostgreSQL": int(postmaster), "Valkey": int(client.info()["process_id"])}

    def execute(
        self, url: str, statement: str, values: Sequence[Any] | Mapping[str, Any]
    ) -> list[tuple[Any, ...]]:
        """Run a statement in a database and commit; gives its rows."""
        with psycopg.connect(libpq_url(url), autocommit=True) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def rest(self, url: str) -> None:
        """Let the server write what it holds and end its own work, as a store of years has had
        time to."""
        self.execute(url, "CHECKPOINT", {})
        quiet = 0
        while quiet < REST_S:
            working = self.execute(url, VACUUMING, {})[0][0]
            quiet = 0 if working else quiet + 1
            time.sleep(1)
        self.execute(url, "CHECKPOINT", {})

    def describe(self) -> list[str]:
        """The servers, with their versions."""
        settings = ", ".join(f"{name} {value}" for name, value in SETTINGS.items())
        return [f"{self.postgres.installation} ({settings})", str(self.valkey.installation)]


def _lower_sessions(installation: Installation) -> None:
    """A worker lowers the session that it leads, as it does under a service manager; here another
    process leads it."""
    for process in installation.processes.values():
        nice = os.getpriority(os.PRIO_PROCESS, process.pid)
        session = Path(f"/proc/{process.pid}/autogroup")
        if nice > 0 and session.exists():
            session.write_text(str(nice))


def _listens(port: int) -> bool:
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@contextmanager
def stage() -> Iterator[Stage]:
    """The servers, running until the end of the block."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="billhook-bench-")))
        app = create_sandbox(directory)
        postgres = stack.enter_context(PostgresServer(durable=True, settings=SETTINGS))
        valkey = stack.enter_context(ValkeyServer())
        stack.enter_context(SandboxServer(app))
        _make_log(postgres.url())
        yield Stage(directory, postgres, valkey, app.state.world)


def _make_log(url: str) -> None:
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        for _ in range(SEGMENTS):
            connection.execute("SELECT pg_logical_emit_message(true, 'bench', 'x')")
            connection.execute("SELECT pg_switch_wal()")
        connection.execute("CHECKPOINT")
