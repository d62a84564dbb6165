"""Has web send each answer in one piece.

The server writes the head of an answer and its body one after the other, and each of the two would
be a call of the system, a packet, and a turn of whoever waits for it.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGE: Final = 16_384
"""Bytes of a write, and how many writes, that do not wait for more: so the server notices when
whoever reads much reads slowly."""
MANY: Final = 16


class Joined:
    """A connection whose writes go out together at the end of the event loop's turn."""

    __slots__ = ("_connection", "_loop", "_parts", "is_closing")

    def __init__(self, connection: asyncio.Transport) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._parts: list[bytes] = []
        self.is_closing = connection.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def write(self, data: bytes) -> None:
        """Send the data soon, after what was written before."""
        if not self._parts:
            self._loop.call_soon(self._send)
        self._parts.append(data)
        if len(data) > LARGE or len(self._parts) == MANY:
            self._send()

    def close(self) -> None:
        """Send what was written, and hang up."""
        self._send()
        self._connection.close()

    def _send(self) -> None:
        parts, self._parts = self._parts, []
        # Whoever hung up meanwhile gets nothing more.
        if parts and not self.is_closing():
            self._connection.write(b"".join(parts))


class WholeAnswers(HttpToolsProtocol):
    """uvicorn's own protocol over such connections."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to serve a connection."""
        super().connection_made(cast("asyncio.Transport", Joined(transport)))
