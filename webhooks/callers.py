"""Bounds what a caller may take before he has said what he wants: bytes and time for the head.

The server itself would read a head without end, and wait for one for ever; a few thousand callers
who say nothing would keep everybody else out. Bodies have bounds of their own (``limits.py``).
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from webhooks.answers import WholeAnswers

HEAD_BYTES: Final = 64 * 1024
"""Address and headers; providers and browsers send 8 kB at most."""
HEAD_PATIENCE_S: Final = 15.0


class BoundedCallers(WholeAnswers):
    """One connection, which ends when its caller does not come to the point."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._is_in_head = True
        self._head = 0
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to serve a connection."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on. A call whose head came whole costs nothing here."""
        super().data_received(data)
        if not self._is_in_head:
            return
        self._head += len(data)
        if self._head > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")
        self._wait()

    def on_message_begin(self) -> None:
        """A head begins."""
        self._is_in_head, self._head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._is_in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(HEAD_PATIENCE_S, self._give_up)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._patience = None
        if not self.transport.is_closing():
            self.transport.close()
