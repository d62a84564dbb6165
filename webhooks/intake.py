"""Commits deliveries to the inbox before they are acknowledged; those that wait share a commit.

A flush starts at once when none is running, so a lone call waits for nobody; whatever arrives
while the flushers are busy goes into the next one together. At most three flushes are in flight and
each takes at most 200 rows, sorted by event id, since opposite orders would deadlock.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Final

import structlog

from domain import telemetry
from domain.database import Database
from domain.errors import StoreUnavailable
from domain.ports import Bell
from webhooks import inbox_rows
from webhooks.inbox_rows import Incoming, Receipt
from webhooks.inbox_wire import Wire
from webhooks.limits import Room

FLUSHERS: Final = 3
FLUSH_ROWS: Final = 200
WAITING_BYTES: Final = 64 * 1024 * 1024
"""Admission limit: what calls that wait for a commit may hold; above it one is answered 503."""
PATIENCE_S: Final = 5.0
"""How long a call waits for its commit before it is answered 503."""
HANGING_S: Final = 15.0
"""A flush that takes longer is given up, with its connection."""
COOL_DOWN_S: Final = 0.5
"""After an outage calls are refused for this long without another try."""
CLOSING_S: Final = 1.0
"""How long the end waits for running flushes: a store that hangs must not keep a process alive."""

log = structlog.get_logger()

Waiting = tuple[Incoming, "asyncio.Future[Receipt]"]
Result = Receipt | StoreUnavailable


class Intake:
    """The way into the inbox; belongs to one event loop."""

    def __init__(self, database: Database, bell: Bell) -> None:
        self._database = database
        self._bell = bell
        self._waiting: deque[Waiting] = deque()
        self._room = Room(WAITING_BYTES)
        self._flushes: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(FLUSHERS, thread_name_prefix="intake")
        self._wire = None if database.is_sqlite else Wire(database, self._threads)
        self._away_until = 0.0
        self._patience: deque[tuple[float, asyncio.Future[Receipt]]] = deque()
        self._watching: asyncio.TimerHandle | None = None

    async def submit(self, incoming: Incoming) -> Receipt:
        """Commit one delivery. Raises ``StoreUnavailable`` when that cannot be done now."""
        self._admit(incoming.body)
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._waiting.append((incoming, future))
        self._patience.append((monotonic() + PATIENCE_S, future))
        if self._watching is None:
            self._lose_patience()
        self._flush_if_free()
        return await future

    async def close(self) -> None:
        """Let the running flushes end, unless the store hangs."""
        try:
            async with asyncio.timeout(CLOSING_S):
                while self._flushes:
                    await asyncio.wait(self._flushes)
        except TimeoutError:
            log.warning("store_hangs", flushes=len(self._flushes), waiting=len(self._waiting))
        if self._watching is not None:
            self._watching.cancel()
        if self._wire is not None:
            self._wire.close()
        self._threads.shutdown(wait=False)

    def _lose_patience(self) -> None:
        """Refuse whoever has waited for too long; one timer for all, which costs a call nothing."""
        now, waiting = monotonic(), self._patience
        while waiting and (waiting[0][0] <= now or waiting[0][1].done()):
            _, future = waiting.popleft()
            if not future.done():
                future.set_exception(StoreUnavailable("the store did not commit in time"))
        loop = asyncio.get_running_loop()
        again = loop.call_later(PATIENCE_S / 20, self._lose_patience) if waiting else None
        self._watching = again

    def _admit(self, body: bytes) -> None:
        if monotonic() < self._away_until:
            raise StoreUnavailable("the store was away a moment ago")
        if not self._room.enter(body):
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
        for incoming, _ in batch:
            self._room.leave(incoming.body)
        return batch

    async def _flush(self, batch: list[Waiting]) -> None:
        rows = [incoming for incoming, _ in batch]
        try:
            results = await self._store(rows)
        except StoreUnavailable as error:
            self._away_until = monotonic() + COOL_DOWN_S
            results = [error for _ in batch]
        for (_, future), result in zip(batch, results, strict=True):
            _answer(future, result)
        telemetry.FLUSH_ROWS.observe(len(rows))

    async def _store(self, rows: Sequence[Incoming]) -> list[Result]:
        try:
            return [*await self._insert(rows)]
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("flush_failed", rows=len(rows))
        # A row that cannot be stored must not take the others with it.
        return [await self._store_alone(row) for row in rows]

    async def _store_alone(self, row: Incoming) -> Result:
        try:
            return (await self._insert([row]))[0]
        except StoreUnavailable as error:
            return error
        except Exception as error:  # noqa: BLE001 - the sender keeps the delivery and tries again
            log.error("delivery_not_stored", provider=row.provider, error=type(error).__name__)  # noqa: TRY400 - the flush told the rest
            return StoreUnavailable("the delivery could not be stored")

    async def _insert(self, rows: Sequence[Incoming]) -> list[Receipt]:
        if self._wire is None:
            loop = asyncio.get_running_loop()
            receipts = await loop.run_in_executor(self._threads, self._insert_in_thread, rows)
        else:
            receipts = await self._insert_over(self._wire, rows)
        self._bell.ring("process_events")
        return receipts

    def _insert_in_thread(self, rows: Sequence[Incoming]) -> list[Receipt]:
        with self._database.transaction() as session:
            return inbox_rows.insert(session, rows)

    async def _insert_over(self, wire: Wire, rows: Sequence[Incoming]) -> list[Receipt]:
        try:
            async with asyncio.timeout(HANGING_S):
                return await wire.insert(rows)
        except TimeoutError as error:
            raise StoreUnavailable("the store hangs") from error


def _answer(future: asyncio.Future[Receipt], result: Result) -> None:
    if future.done():
        return
    if isinstance(result, StoreUnavailable):
        future.set_exception(result)
    else:
        future.set_result(result)
