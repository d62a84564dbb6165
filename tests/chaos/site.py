"""Two hosts with a web, a worker and a clock each, their servers, and a relay between them all."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psycopg
from psycopg import sql

from domain.database import Database, migrate
from tests.chaos.hourglass import Hourglass
from tests.chaos.machinery import Assistant, Machine
from tests.keys import RING
from tests.processes import _surroundings, free_port
from tests.servers.databases import Databases, libpq_url
from tests.servers.postgres import PORT, USER, PostgresServer
from tests.servers.process import new_directory, remove, service_user
from tests.servers.valkey import ValkeyServer

HOSTS: Final = (1, 2)
KINDS: Final = ("web", "worker", "clock")
WEB_PORT: Final = 8000
TEMPLATE: Final = "chaos_template"
PATIENCE_S: Final = 30.0
PIECE: Final = 1 << 20
SLOT: Final = {
    (host, kind): 1 + 3 * (host - 1) + n for host in HOSTS for n, kind in enumerate(KINDS)
}
"""Each process has a clock that can be wrong of its own."""

Name = tuple[int, str]
"""A process: its host and its kind."""


class Site:
    """Servers and machinery of a whole campaign; `open` and `leave` a database for each seed."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.directory = new_directory("billhook-chaos-", None)
        self.hourglass = Hourglass(self.directory / "hourglass")
        self.hourglass.turn()
        environ = self.surroundings = _surroundings(self.directory)
        self.nursery = Assistant(
            "tests.chaos.nursery", str(self.directory / "hourglass"), environ=environ
        )
        self.relay = Assistant("tests.chaos.wires", self.machine.centre, environ=environ)
        self.networks = {host: self.machine.network(host) for host in HOSTS}
        self.postgres = PostgresServer(settings={"max_connections": "300"}).start()
        self.valkey = ValkeyServer().start()
        self.disk = self._small_disk()
        self._wires: dict[str, int] = {}
        self._lock = threading.Lock()
        self.pids: dict[Name, int] = {}
        self._begun: dict[Name, int] = {}
        self._killed: set[int] = set()
        self.ports: dict[int, int] = {}
        self.environ: dict[str, str] = {}
        self._open_wires()
        migrate(self.postgres.create_database(TEMPLATE))
        assert self.nursery.hear() == "ready"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def begin(self, seed: str, environ: dict[str, str]) -> str:
        """A fresh database and environment for one run; returns the URL for ourselves."""
        self.run_directory = self.directory / seed
        self.run_directory.mkdir()
        with Databases(self.postgres.url()) as databases:
            url = databases.create(seed, TEMPLATE)
        if self.disk is not None:
            with psycopg.connect(libpq_url(self.postgres.url()), autocommit=True) as connection:
                move = "ALTER DATABASE {} SET TABLESPACE small"
                connection.execute(sql.SQL(move).format(sql.Identifier(seed)))
        self.environ = {**self.surroundings, **environ}
        return url

    def end(self, seed: str) -> None:
        """Kill what runs and forget the run's database."""
        for name in list(self.pids):
            self.kill(name)
        self.pids.clear()
        with Databases(self.postgres.url()) as databases:
            databases.drop(seed)
        self.valkey.flush()
        remove(self.run_directory)

    def wire(self, host: int, server: str) -> str:
        """The name of a host's wire to ``postgres`` or ``valkey``."""
        return f"{host}-{server}"

    @property
    def front(self) -> str:
        """Where both webs are reached."""
        return f"http://{self.machine.centre}:{self._wires['front']}"

    def start(self, name: Name, seed: str) -> None:
        """Start a process, if it does not run."""
        with self._lock:
            if not self.alive(name):
                self._start(name, seed)

    def _start(self, name: Name, seed: str) -> None:
        host, kind = name
        place = f"{self.machine.centre}:{self._wires[self.wire(host, 'postgres')]}"
        own = {
            "DATABASE_URL": f"postgresql+psycopg://{USER}@{place}/{seed}",
            "REDIS_URL": (
                f"redis://{self.machine.centre}:{self._wires[self.wire(host, 'valkey')]}/0"
            ),
            "HOST": self.machine.address(host),
            "PORT": str(self.ports[host]),
        }
        log = self.log(name)
        self._begun[name] = log.stat().st_size if log.exists() else 0
        self.pids[name] = self.nursery.ask(
            start={
                "arguments": [kind],
                "environ": {**self.environ, **own},
                "directory": str(self.run_directory),
                "log": str(log),
                "network": self.networks[host],
                "slot": SLOT[name],
            }
        )

    def log(self, name: Name) -> Path:
        """What a process and its predecessors wrote."""
        return self.run_directory / f"{name[1]}-{name[0]}.log"

    def is_up(self, name: Name) -> bool:
        """Whether the process has said that it is up, since it was started last."""
        if not (path := self.log(name)).exists():
            # It was asked for, and has not come as far as writing.
            return False
        with path.open("rb") as log:
            log.seek(self._begun[name])
            return f"{name[1]}_started".encode() in log.read()

    def alive(self, name: Name) -> bool:
        """Whether a process runs."""
        return name in self.pids and self.nursery.ask(ended=self.pids[name]) is None

    def send(self, name: Name, number: int) -> None:
        """Send a signal to a process, if it runs."""
        if self.alive(name):
            os.kill(self.pids[name], number)

    def kill(self, name: Name) -> None:
        """End a process as a crash would."""
        # Noted before it happens: another fault may be waiting for it to end in order.
        self._killed.add(self.pids.get(name, 0))
        self.end_by(name, signal.SIGKILL)

    def was_killed(self, pid: int) -> bool:
        """Whether a fault has killed that process, or is about to."""
        return pid in self._killed

    def end_by(self, name: Name, number: int) -> int:
        """End a process by a signal and wait for it; gives its exit status."""
        if not self.alive(name):
            return 0
        # A supervisor may start the next one before we look.
        pid = self.pids[name]
        os.kill(pid, number)
        deadline = time.monotonic() + PATIENCE_S
        while (status := self.nursery.ask(ended=pid)) is None:
            assert time.monotonic() < deadline, f"{name} does not end"
            time.sleep(0.005)
        return int(status)

    def set(self, wire: str, mode: str, seconds: float = 0.0) -> None:
        """Change a wire."""
        self.relay.ask(set=wire, mode=mode, seconds=seconds)

    def cut(self, wire: str) -> None:
        """Reset a wire's connections."""
        self.relay.ask(cut=wire)

    def mend(self) -> None:
        """Make whole what a fault may have left broken."""
        for wire in self._wires:
            self.set(wire, "pass")
        for slot in SLOT.values():
            self.hourglass.set(slot, 0)
        for name in list(self.pids):
            self.send(name, signal.SIGCONT)
        if self.machine.apart:
            for host in HOSTS:
                self.machine.plug(host, connected=True)

    @contextmanager
    def postgres_frozen(self) -> Iterator[None]:
        """Everything of PostgreSQL stands still."""
        pids = _family(self.postgres_pid())
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def postgres_pid(self) -> int:
        """The process id of the postmaster."""
        first = (self.postgres.directory / "data" / "postmaster.pid").read_text().split()[0]
        return int(first)

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Nothing more fits on the disk of the database."""
        assert self.disk is not None
        ballast = self.disk / "ballast"
        try:
            with ballast.open("wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(bytes(PIECE))
            yield
        finally:
            ballast.unlink()

    def close(self) -> None:
        """End everything."""
        for name in list(self.pids):
            with suppress(Exception):
                self.kill(name)
        for server in (self.postgres, self.valkey, self.nursery, self.relay, self.machine):
            server.close()
        remove(self.directory)

    def _small_disk(self) -> Path | None:
        place = self.postgres.directory / "small"
        if not self.machine.small_disk(place, service_user()):
            return None
        with psycopg.connect(libpq_url(self.postgres.url()), autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'".encode())
        return place

    def _open_wires(self) -> None:
        socket = f"unix:{self.postgres.directory}/.s.PGSQL.{PORT}"
        queue = f"127.0.0.1:{self.valkey.port}"
        for host in HOSTS:
            self.ports[host] = WEB_PORT if self.machine.apart else free_port()
            for server, target in (("postgres", socket), ("valkey", queue)):
                name = self.wire(host, server)
                self._wires[name] = self.relay.ask(open=name, to=[target])
        webs = [f"{self.machine.address(host)}:{self.ports[host]}" for host in HOSTS]
        self._wires["front"] = self.relay.ask(open="front", to=webs)


def connect(url: str) -> Database:
    """Our own way to the database, which no fault of the network touches."""
    return Database(url, pool_size=4, ring=RING)


def insist(work: Callable[[], Any], patience: float = PATIENCE_S) -> Any:
    """Do something with the database, again and again while it is away."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return work()
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _family(pid: int) -> list[int]:
    """A process and its children, the parent first so that it can make no more."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]
