"""Commits deliveries to the inbox before they are acknowledged; those that wait share a commit.

A flush starts at once when none is running, so a lone call waits for nobody; whatever arrives
while the flushers are busy goes into the next one together. At most two flushes are in flight and
each takes at most 200 rows, sorted by event id, since opposite orders would deadlock.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Final

from domain import telemetry
from domain.database import Database
from domain.errors import StoreUnavailable
from domain.ports import Bell
from webhooks import inbox_rows
from webhooks.inbox_rows import Incoming, Receipt

FLUSHERS: Final = 2
FLUSH_ROWS: Final = 200
WAITING_BYTES: Final = 64 * 1024 * 1024
"""Admission limit: bodies that wait for a commit; above it a call is answered 503 at once."""
PATIENCE_S: Final = 5.0
"""How long a call waits for its commit before it is answered 503."""
COOL_DOWN_S: Final = 0.5
"""After an outage calls are refused for this long without another try."""

Waiting = tuple[Incoming, "asyncio.Future[Receipt]"]


class Intake:
    """The way into the inbox; belongs to one event loop."""

    def __init__(self, database: Database, bell: Bell) -> None:
        self._database = database
        self._bell = bell
        self._waiting: deque[Waiting] = deque()
        self._waiting_bytes = 0
        self._flushes: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(FLUSHERS, thread_name_prefix="intake")
        self._away_until = 0.0

    async def submit(self, incoming: Incoming) -> Receipt:
        """Commit one delivery. Raises ``StoreUnavailable`` when that cannot be done now."""
        self._admit(len(incoming.body))
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._waiting.append((incoming, future))
        self._waiting_bytes += len(incoming.body)
        self._flush_if_free()
        try:
            return await asyncio.wait_for(future, PATIENCE_S)
        except TimeoutError as error:
            raise StoreUnavailable("the store did not commit in time") from error

    async def close(self) -> None:
        """Let the running flushes end."""
        while self._flushes:
            await asyncio.gather(*self._flushes, return_exceptions=True)
        self._threads.shutdown(wait=False)

    def _admit(self, size: int) -> None:
        if monotonic() < self._away_until:
            raise StoreUnavailable("the store was away a moment ago")
        if self._waiting_bytes + size > WAITING_BYTES:
            raise StoreUnavailable("too much is waiting for the store")

    def _flush_if_free(self) -> None:
        if self._waiting and len(self._flushes) < FLUSHERS:
            task = asyncio.create_task(self._flush(self._take()))
            self._flushes.add(task)
            task.add_done_callback(self._flushed)

    def _flushed(self, task: asyncio.Task[None]) -> None:
        self._flushes.discard(task)
        self._flush_if_free()

    def _take(self) -> list[Waiting]:
        count = min(FLUSH_ROWS, len(self._waiting))
        batch = [self._waiting.popleft() for _ in range(count)]
        self._waiting_bytes -= sum(len(incoming.body) for incoming, _ in batch)
        return batch

    async def _flush(self, batch: list[Waiting]) -> None:
        loop = asyncio.get_running_loop()
        rows = [incoming for incoming, _ in batch]
        try:
            receipts = await loop.run_in_executor(self._threads, self._store, rows)
        except Exception as error:  # noqa: BLE001 - every waiting call gets the answer
            self._refuse(batch, error)
            return
        for (_, future), receipt in zip(batch, receipts, strict=True):
            if not future.done():
                future.set_result(receipt)
        telemetry.FLUSH_ROWS.observe(len(rows))

    def _store(self, rows: Sequence[Incoming]) -> list[Receipt]:
        with self._database.transaction() as session:
            receipts = inbox_rows.insert(session, rows)
        self._bell.ring("process_events")
        return receipts

    def _refuse(self, batch: list[Waiting], error: Exception) -> None:
        if isinstance(error, StoreUnavailable):
            self._away_until = monotonic() + COOL_DOWN_S
        for _, future in batch:
            if not future.done():
                future.set_exception(error)
