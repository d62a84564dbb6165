"""A Valkey or Redis server of our own on a free port of the loopback address."""

import signal
import socket
import time
from contextlib import closing
from types import TracebackType
from typing import Final, Self

from tests.servers import installations
from tests.servers.installations import Installation
from tests.servers.process import ServerProcess, ServerUnavailable, new_directory, remove

HOST: Final = "127.0.0.1"
DATABASES: Final = 128
TRIES: Final = 5
"""A free port may be taken by somebody else between our look and the server's start."""


class ValkeyServer:
    """A server in one directory; stop, kill and start keep its port and, if `durable`, its data."""

    def __init__(self, *, durable: bool = False, installation: Installation | None = None) -> None:
        """Prepare the directory; raises ServerUnavailable when there is no program to run."""
        self.installation = installation or installations.valkey()
        self.port = 0
        self._durable = durable
        self.directory = new_directory("billhook-valkey-", None)
        self._process: ServerProcess | None = None

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

    def start(self, patience: float = 10.0) -> Self:
        """Start the server and wait, at most `patience` seconds, until it answers."""
        words = ""
        for _ in range(1 if self.port else TRIES):
            port = self.port or _free_port()
            self._process = self._run(port)
            if self._answers(port, time.monotonic() + patience):
                self.port = port
                return self
            words = self._process.last_words()
            self._end(signal.SIGKILL)
        message = f"{self.installation} does not answer. The end of its log:\n{words}"
        raise ServerUnavailable(message)

    def stop(self) -> None:
        """Stop the server in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the server as a crash would."""
        self._end(signal.SIGKILL)

    def flush(self) -> None:
        """Forget everything in all logical databases."""
        if _ask(self.port, "FLUSHALL") != "+OK":
            message = f"the server on port {self.port} did not flush"
            raise ServerUnavailable(message)

    def close(self) -> None:
        """Stop the server if it runs and remove all it kept."""
        self._end(signal.SIGTERM)
        remove(self.directory)

    def url(self, database: int = 0) -> str:
        """Return the URL of one of the logical databases."""
        return f"redis://{HOST}:{self.port}/{database}"

    def _run(self, port: int) -> ServerProcess:
        keeping = ("yes", "everysec") if self._durable else ("no", "no")
        options = {
            "bind": HOST,
            "port": str(port),
            "dir": str(self.directory),
            "databases": str(DATABASES),
            "save": "",
            "appendonly": keeping[0],
            "appendfsync": keeping[1],
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        return ServerProcess(
            [self.installation.program, *arguments],
            self.directory,
            farewell=signal.SIGTERM,
            user=None,
        )

    def _answers(self, port: int, deadline: float) -> bool:
        assert self._process is not None
        while self._process.alive() and time.monotonic() < deadline:
            if _ask(port, "PING") == "+PONG" and self._process.alive():
                return True
            time.sleep(0.01)
        return False

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.end(number)
            self._process = None


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _ask(port: int, command: str) -> str:
    """Return the first line of the answer, or nothing when nobody listens."""
    try:
        with socket.create_connection((HOST, port), timeout=5) as connection:
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(200).decode().split("\r\n")[0]
    except OSError:
        return ""
