"""A few threads for what blocks, on behalf of callers who must not wait for ever.

A store that hangs keeps a thread for as long as it hangs; the callers are told soon, and while
every thread is kept, at once. Neither threads nor those who wait for one grow without bound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import count
from time import monotonic
from typing import Final, TypeVar

from domain.errors import StoreUnavailable

PATIENCE_S: Final = 10.0
"""How long a caller waits for an answer."""
HANGING_S: Final = 5.0
"""When every thread has been at one thing for so long, the store hangs."""
MOST_WAITING: Final = 200
"""Admission limit: callers above it are refused at once."""
_T = TypeVar("_T")


class Hands:
    """Belongs to one event loop, like the application that it works for."""

    def __init__(self, threads: int, name: str, patience_s: float = PATIENCE_S) -> None:
        self._count = threads
        self._patience_s = patience_s
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._busy: dict[int, float] = {}
        """Since when each call that runs has been running."""
        self._numbers = count()
        self._inside = 0

    async def run(self, work: Callable[..., _T], *given: object) -> _T:
        """Do it in a thread. Raises ``StoreUnavailable`` when that takes too long, or when too
        many wait already; then it is not begun, or its result is lost."""
        if self._inside >= MOST_WAITING or self._hang():
            raise StoreUnavailable("too many calls wait for the store")
        loop, context = asyncio.get_running_loop(), copy_context()
        self._inside += 1
        try:
            async with asyncio.timeout(self._patience_s) as patience:
                return await loop.run_in_executor(
                    self._threads, context.run, self._do, work, *given
                )
        except TimeoutError as error:
            if patience.expired():
                raise StoreUnavailable("the store did not answer in time") from error
            raise
        finally:
            self._inside -= 1

    def close(self) -> None:
        """Take nothing more; what runs is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _do(self, work: Callable[..., _T], *given: object) -> _T:
        number = next(self._numbers)
        self._busy[number] = monotonic()
        try:
            return work(*given)
        finally:
            del self._busy[number]

    def _hang(self) -> bool:
        began = list(self._busy.values())
        return len(began) >= self._count and max(began) < monotonic() - HANGING_S
