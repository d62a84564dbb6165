"""The load generator: HTTP/1.1 over raw sockets, keep-alive, requests built beforehand.

``python -m bench.load FILE`` reads an order, says ``ready``, waits for a line, and sends every
request once. One thread, one selector, no library in between: it takes some 30 µs of a core for a
request, so that what is measured is the server.
"""

from __future__ import annotations

import marshal
import select
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import msgspec

BUFFER: Final = 65536
END_OF_HEAD: Final = b"\r\n\r\n"
LENGTH: Final = b"content-length: "
STATUS: Final = slice(9, 12)


class Outcome(msgspec.Struct, kw_only=True):
    """What came of the requests: seconds from the first to the last answer, milliseconds until
    each answer, how often which status, and the requests (by position) that were acknowledged."""

    seconds: float
    latencies_ms: list[float]
    statuses: dict[str, int]
    acknowledged: list[int]
    moments: list[float] = []
    """When each answer came, in seconds from the start."""

    @property
    def rate(self) -> float:
        """Acknowledged requests a second."""
        return len(self.acknowledged) / self.seconds

    def percentile(self, percent: int) -> float:
        """That percentile of the latencies, in milliseconds."""
        return percentile(self.latencies_ms, percent)


def percentile(values: Sequence[float], percent: int) -> float:
    """A percentile of some values; 50 is the median."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


class Generator:
    """A load generator in a process of its own: made ready first, started later."""

    def __init__(
        self,
        directory: Path,
        port: int,
        requests: Sequence[bytes],
        *,
        connections: int = 64,
        rate: float = 0.0,
    ) -> None:
        """With a ``rate`` requests are due at fixed moments, whatever the server does, and their
        latency counts from then; without one every connection sends as soon as it may."""
        path = directory / "load"
        with path.open("wb") as file:
            marshal.dump([port, connections, rate, list(requests)], file)
        self._process = subprocess.Popen(  # noqa: S603 - this module
            [sys.executable, "-m", "bench.load", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def start(self) -> Self:
        """Let it send."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"go\n")
        self._process.stdin.flush()
        return self

    def finish(self) -> Outcome:
        """Wait until it has sent everything and got its answers."""
        told, _ = self._process.communicate()
        return msgspec.json.decode(told, type=Outcome)


class _Connection:
    """One connection: at most one request is on its way."""

    __slots__ = ("answer", "number", "since", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answer = b""
        self.number = 0
        self.since = 0.0

    def send(self, number: int, request: bytes, since: float) -> None:
        self.number, self.since, self.answer = number, since, b""
        self.socket.sendall(request)

    def receive(self) -> str | None:
        """The status when the answer is complete."""
        self.answer += (part := self.socket.recv(BUFFER))
        if not part:
            raise ConnectionError("the server hung up")
        head = self.answer.find(END_OF_HEAD)
        if head < 0:
            return None
        at = self.answer.lower().find(LENGTH, 0, head) + len(LENGTH)
        length = int(self.answer[at : self.answer.index(b"\r\n", at)])
        if len(self.answer) < head + len(END_OF_HEAD) + length:
            return None
        return self.answer[STATUS].decode()


class _Run:
    """Sends every request once over a few connections."""

    def __init__(self, port: int, connections: int, rate: float, requests: list[bytes]) -> None:
        self._requests = requests
        self._gap = 1.0 / rate if rate else 0.0
        self._poll = select.epoll()
        self._all = [_Connection(port) for _ in range(min(connections, len(requests)))]
        self._by_file = {each.socket.fileno(): each for each in self._all}
        for file in self._by_file:
            self._poll.register(file, select.EPOLLIN)
        self._idle = deque(self._all)
        self._sent = self._answered = 0
        self._begin = 0.0
        self._taken: list[float] = []
        self._moments: list[float] = []
        self._statuses: Counter[str] = Counter()
        self._acknowledged: list[int] = []

    def run(self) -> Outcome:
        self._begin = time.perf_counter()
        while self._answered < len(self._requests):
            self._send_due()
            for file, _ in self._poll.poll(self._patience()):
                self._take(self._by_file[file])
        return Outcome(
            seconds=time.perf_counter() - self._begin,
            latencies_ms=self._taken,
            statuses=self._statuses,
            acknowledged=self._acknowledged,
            moments=self._moments,
        )

    def _send_due(self) -> None:
        now = time.perf_counter()
        while self._idle and self._sent < len(self._requests):
            due = self._begin + self._sent * self._gap if self._gap else now
            if due > now:
                return
            self._idle.popleft().send(self._sent, self._requests[self._sent], due)
            self._sent += 1

    def _patience(self) -> float:
        if not (self._gap and self._idle and self._sent < len(self._requests)):
            return 10.0
        return max(0.0, self._begin + self._sent * self._gap - time.perf_counter())

    def _take(self, connection: _Connection) -> None:
        status = connection.receive()
        if status is None:
            return
        now = time.perf_counter()
        self._taken.append(round(1e3 * (now - connection.since), 3))
        self._moments.append(round(now - self._begin, 4))
        self._statuses[status] += 1
        if status == "200":
            self._acknowledged.append(connection.number)
        self._answered += 1
        self._idle.append(connection)


def main(path: str) -> None:
    """Do as the order says."""
    with Path(path).open("rb") as file:
        order: list[Any] = marshal.load(file)  # noqa: S302 - our own file
    run = _Run(*order)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.buffer.write(msgspec.json.encode(run.run()))


if __name__ == "__main__":
    main(sys.argv[1])
