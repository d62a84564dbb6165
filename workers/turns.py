"""Who works in a process first: events before effects, and not all threads at the same thing.

The threads of a process share one interpreter. Events change what a customer has and are cheap;
effects (a PDF, a mail) tell of it and cost several times as much. While events are being drained
one thread goes on with effects, slowly, because an event may wait for one of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic, sleep
from typing import Final

DRAINS: Final = 2
"""Threads that drain events at once: one works while the other waits for the store."""
PAUSE_S: Final = 0.3
"""Between two handfuls of effects while events are being drained."""
LOOK_S: Final = 0.02
LONGEST_S: Final = 5.0
"""How long a thread with effects gives way before it goes on all the same."""


class Turns:
    """The turns of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._draining = 0
        self._rung_again = False
        self._at_effects = threading.Semaphore(1)

    def drain(self, drain: Callable[[], int]) -> int:
        """Drain, unless enough threads do; one of those then looks once more when it is done."""
        with self._lock:
            if self._draining >= DRAINS:
                self._rung_again = True
                return 0
            self._draining += 1
        total = 0
        try:
            while True:
                total += drain()
                if not self._look_again():
                    return total
        except BaseException:
            with self._lock:
                self._draining -= 1
            raise

    def _look_again(self) -> bool:
        with self._lock:
            again, self._rung_again = self._rung_again, False
            if not again:
                self._draining -= 1
            return again

    def give_way(self) -> None:
        """Wait before a handful of effects while events are drained: all threads but one until that
        is over, that one for a moment."""
        if not self._draining:
            return
        if self._at_effects.acquire(blocking=False):
            try:
                sleep(PAUSE_S)
            finally:
                self._at_effects.release()
            return
        until = monotonic() + LONGEST_S
        while self._draining and monotonic() < until:
            sleep(LOOK_S)


turns: Final = Turns()
"""Those of this process."""
