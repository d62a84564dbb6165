"""The network between processes and servers, which can be slow, silent or cut: a TCP relay.

Started as ``python -m tests.chaos.wires HOST``; orders and answers are lines of JSON. Every wire
is a listener of its own: ``{"open": name, "to": [address, …]}`` gives its port; addresses are
``unix:PATH`` or ``HOST:PORT``, several are taken in turn, as by a load balancer.
``{"set": name, "mode": "pass|slow|silent|dead", "seconds": s}`` changes it, ``{"cut": name}``
resets its connections.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

CHUNK: Final = 65536
CONNECT_S: Final = 1.0
RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: the close is a reset."""


class Wire:
    """One listener and its connections."""

    def __init__(self, targets: list[str]) -> None:
        self._next: Iterator[str] = itertools.cycle(targets)
        self._tries = len(targets)
        self._mode, self._seconds = "pass", 0.0
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()

    def set(self, mode: str, seconds: float) -> None:
        """``pass``; ``slow``: each piece takes ``seconds``; ``silent``: nothing arrives, and
        nobody is told; ``dead``: connections are refused."""
        self._mode, self._seconds = mode, seconds
        if mode == "silent":
            self._open.clear()
        else:
            self._open.set()

    def cut(self) -> None:
        """Reset every connection."""
        for writer in list(self._writers):
            _reset(writer)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay one connection until either side ends it."""
        await self._open.wait()
        far = None if self._mode == "dead" else await self._reach()
        if far is None:
            _reset(writer)
            return
        self._writers |= {writer, far[1]}
        ways = [self._pump(reader, far[1]), self._pump(far[0], writer)]
        await asyncio.gather(*ways, return_exceptions=True)
        for each in (writer, far[1]):
            self._writers.discard(each)
            _close(each)

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in range(self._tries):
            with suppress(OSError, TimeoutError):
                return await asyncio.wait_for(_connect(next(self._next)), CONNECT_S)
        return None

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(CHUNK):
                if self._mode == "slow":
                    await asyncio.sleep(self._seconds)
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        finally:
            _close(writer)


async def _connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if address.startswith("unix:"):
        return await asyncio.open_unix_connection(address.removeprefix("unix:"))
    host, _, port = address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


def _close(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, RuntimeError):
        writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, RuntimeError):
        plug = writer.get_extra_info("socket")
        if plug is not None and plug.family != socket.AF_UNIX:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()


class Exchange:
    """All wires; does what it is ordered to."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._wires: dict[str, Wire] = {}
        self._listeners: dict[str, asyncio.Server] = {}

    async def obey(self, order: dict[str, Any]) -> Any:
        """Carry out one order; the answer for JSON."""
        if "open" in order:
            return await self._listen(order["open"], order["to"])
        if "close" in order:
            self._wires.pop(order["close"]).cut()
            self._listeners.pop(order["close"]).close()
            return None
        if "set" in order:
            self._wires[order["set"]].set(order["mode"], order.get("seconds", 0.0))
        else:
            self._wires[order["cut"]].cut()
        return None

    async def _listen(self, name: str, targets: list[str]) -> int:
        wire = self._wires[name] = Wire(targets)
        server = await asyncio.start_server(wire.serve, self._host, 0)
        self._listeners[name] = server
        return int(server.sockets[0].getsockname()[1])


async def run(host: str) -> None:
    """Obey until standard input ends."""
    exchange = Exchange(host)
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        answer = await exchange.obey(json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    # Without a farewell to each connection: whoever held the other end is gone.
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
