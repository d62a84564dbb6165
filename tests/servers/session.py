"""The servers of one test session: started once, shared by all its worker processes.

The controlling process starts them and tells its workers by environment variables. A server
named there beforehand is used as it is:

- `BILLHOOK_TEST_DATABASE_URL`: SQLAlchemy URL of a PostgreSQL whose user is a superuser;
- `BILLHOOK_TEST_REDIS_URL`: Redis or Valkey; worker n uses the database in the URL plus n, and
  empties it.
"""

import fcntl
import os
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Final, Self

from tests.servers import installations
from tests.servers.databases import Databases
from tests.servers.installations import POSTGRES_URL, REDIS_URL, Installation
from tests.servers.postgres import PostgresServer
from tests.servers.pristine import PristineDatabase, keep_aside
from tests.servers.process import ServerUnavailable, remove
from tests.servers.valkey import ValkeyServer

FOLDER: Final = "BILLHOOK_TEST_SESSION"
MISSING: Final = "missing: "
"""In place of a URL: what follows says why there is none."""


class ServerSession:
    """What one process of the test session knows of its servers."""

    def __init__(self, folder: Path, worker: int, migrate: Callable[[str], None]) -> None:
        """Take part in the session of `folder`; `migrate` takes a database's URL."""
        self.folder = folder
        self._worker = worker
        self._migrate = migrate
        self._started: list[PostgresServer | ValkeyServer] = []
        self._named: dict[str, str] = {}

    @classmethod
    def begin(cls, migrate: Callable[[str], None]) -> Self:
        """Begin a session, as the process that controls it."""
        return cls(Path(tempfile.mkdtemp(prefix="billhook-tests-")), 0, migrate)

    @classmethod
    def join(cls, worker: str, migrate: Callable[[str], None]) -> Self:
        """Join the session that the environment names, as `worker` (gw0, gw1, …)."""
        return cls(Path(os.environ[FOLDER]), 1 + int(worker.removeprefix("gw")), migrate)

    def start_all(self) -> None:
        """Start both servers now and tell the worker processes to come."""
        self._export(FOLDER, str(self.folder))
        for name, start in ((POSTGRES_URL, self._start_postgres), (REDIS_URL, self._start_valkey)):
            if not os.environ.get(name):
                try:
                    self._export(name, start())
                except ServerUnavailable as reason:
                    self._export(name, f"{MISSING}{reason}")

    def end(self) -> None:
        """Close what this process opened; the controller also ends the servers it started."""
        if "pristine" in self.__dict__:
            self.pristine.close()
        if "databases" in self.__dict__:
            self.databases.close()
        if not self._worker:
            self._leave_nothing_behind()
        for server in self._started:
            server.close()
        for name in self._named:
            os.environ.pop(name)

    @cached_property
    def databases(self) -> Databases:
        """The PostgreSQL server; raises ServerUnavailable."""
        return Databases(_url(POSTGRES_URL) or self._start_postgres())

    @cached_property
    def redis_server(self) -> str:
        """The URL of Redis; raises ServerUnavailable."""
        return _url(REDIS_URL) or self._start_valkey()

    def redis_url(self) -> str:
        """Return the URL of this worker's own logical database."""
        base = re.fullmatch(r"(.*?)(?:/(\d*))?", self.redis_server)
        assert base is not None
        return f"{base[1]}/{int(base[2] or 0) + self._worker}"

    @cached_property
    def pristine(self) -> PristineDatabase:
        """This worker's migrated database."""
        template = self._name("template")
        with self._alone() as first_time:
            if first_time(template):
                url = self.databases.create(template)
                self._migrate(url)
                keep_aside(url)
        return PristineDatabase(self.databases, self._name(str(self._worker)), template)

    def blank(self) -> str:
        """Make this worker's database without tables anew and return its URL."""
        name = self._name(f"{self._worker}_blank")
        self.databases.drop(name)
        return self.databases.create(name)

    @cached_property
    def migrated_file(self) -> Path:
        """A migrated SQLite file, to be copied."""
        path = self.folder / "migrated.db"
        with self._alone() as first_time:
            if first_time("sqlite"):
                self._migrate(f"sqlite:///{path}")
                connection = sqlite3.connect(path)
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.close()
        return path

    def describe(self) -> str:
        """Return one line that says which servers the tests use."""
        postgres = self._described("PostgreSQL", POSTGRES_URL, installations.postgres)
        valkey = self._described("Redis or Valkey", REDIS_URL, installations.valkey)
        return f"{postgres}, {valkey}"

    def _described(self, kind: str, name: str, find: Callable[[], Installation]) -> str:
        if os.environ.get(name) and name not in self._named:
            return f"{kind} from {name}"
        try:
            return str(find())
        except ServerUnavailable:
            return f"no {kind}"

    def _start_postgres(self) -> str:
        server = PostgresServer()
        self._started.append(server)
        return server.start().url()

    def _start_valkey(self) -> str:
        server = ValkeyServer()
        self._started.append(server)
        return server.start().url()

    def _export(self, name: str, value: str) -> None:
        self._named[name] = os.environ[name] = value

    def _name(self, purpose: str) -> str:
        # The folder's name sets apart sessions that share a server named by URL.
        return f"{self.folder.name}-{purpose}".replace("-", "_").lower()

    def _leave_nothing_behind(self) -> None:
        """Drop this session's databases on a server that goes on living, and the folder."""
        url = os.environ.get(POSTGRES_URL, MISSING)
        if POSTGRES_URL not in self._named and not url.startswith(MISSING):
            with Databases(url) as databases:
                databases.drop_all(self._name(""))
        remove(self.folder)

    @contextmanager
    def _alone(self) -> Iterator[Callable[[str], bool]]:
        """Keep the other workers out; yields a function that tells whether a step is still to do.

        The step counts as done when the block ends without an error.
        """
        asked: list[Path] = []

        def first_time(step: str) -> bool:
            asked.append(self.folder / f"{step}.done")
            return not asked[-1].exists()

        with (self.folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield first_time
            for mark in asked:
                mark.touch()


def _url(name: str) -> str:
    """Return a URL from the environment, or nothing; raises ServerUnavailable with the reason."""
    value = os.environ.get(name, "")
    if value.startswith(MISSING):
        raise ServerUnavailable(value.removeprefix(MISSING))
    return value
