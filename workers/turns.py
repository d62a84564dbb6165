"""Who works in a process first: events before effects, and not all threads at the same thing.

The threads of a process share one interpreter. Events change what a customer has and are cheap;
some effects (a PDF, a mail) only tell of it and cost several times as much: those give way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

DRAINS: Final = 1
"""Threads that drain events at once: what comes while one batch is worked makes up the next, and
events cost the less, the more of them are worked together."""
SPARED: Final = 2
"""Threads that effects leave to everything else."""
HEAVY: Final = frozenset({"send_mail", "render_invoice"})
"""Effects that keep the interpreter busy, and that nobody waits for."""
GIVES_WAY_S: Final = 3.0
"""How long a heavy effect lets events and other heavy ones go before it. Short against the lease of
a handful of effects, so that a mail server that is slow does not make mails be sent twice."""
STAYS_BEHIND_S: Final = 1.5
"""How long it lets only the other heavy ones go before it after that: several would be due at the
same moment, and take all cores from web and the store for as long as they last."""
SWITCH_S: Final = 0.0002
"""How long a thread keeps the interpreter when others want it. An event gives it up at each of its
statements and waits for it again after each: at Python's default of 5 ms it would wait for most of
its time. The threads that compute lose nothing that could be measured."""


class Lane:
    """A job that at most so many threads do at once."""

    def __init__(self, left: Callable[[], None] = lambda: None) -> None:
        """``left`` is called when a thread has left the lane."""
        self.running = 0
        self._lock = threading.Lock()
        self._rung_again = False
        self._left = left

    def run(self, drain: Callable[[], int], most: int) -> int:
        """Drain, unless ``most`` threads do; one of those then looks once more when it is done."""
        with self._lock:
            if self.running >= most:
                self._rung_again = True
                return 0
            self.running += 1
        total = 0
        try:
            while True:
                total += drain()
                if not self._look_again():
                    return total
        except BaseException:
            with self._lock:
                self.running -= 1
            raise
        finally:
            self._left()

    def _look_again(self) -> bool:
        with self._lock:
            again, self._rung_again = self._rung_again, False
            if not again:
                self.running -= 1
            return again


class Turns:
    """The turns of one process."""

    def __init__(self) -> None:
        self._quieter = threading.Condition()
        self._events = Lane(self._tell)
        self._effects = Lane()
        self._heavy = False

    def drain(self, drain: Callable[[], int]) -> int:
        """Drain events, unless enough threads do."""
        return self._events.run(drain, DRAINS)

    def perform(self, drain: Callable[[], int], threads: int) -> int:
        """Drain effects in one of the process's ``threads``, of which some are left to events:
        effects may be due without an end."""
        return self._effects.run(drain, max(1, threads - SPARED))

    @contextmanager
    def polite(self, kind: str) -> Iterator[None]:
        """Perform an effect of that kind within: a heavy one after the events that are being
        drained and, if it can be, alone. It never waits for long."""
        if kind not in HEAVY:
            yield
            return
        alone = self._wait_for_quiet()
        try:
            yield
        finally:
            if alone:
                self._heavy = False
                self._tell()

    def _wait_for_quiet(self) -> bool:
        """Wait until nobody drains events and nothing heavy runs, or at least for the latter; tells
        whether that came.

        Whoever looked now and then instead would wake for nothing hundreds of times a second, and
        take the interpreter from the events each time.
        """
        with self._quieter:
            if not (
                self._quieter.wait_for(self._is_quiet, GIVES_WAY_S)
                or self._quieter.wait_for(self._is_alone, STAYS_BEHIND_S)
            ):
                return False
            self._heavy = True
            return True

    def _is_quiet(self) -> bool:
        return self._is_alone() and not self._events.running

    def _is_alone(self) -> bool:
        return not self._heavy

    def _tell(self) -> None:
        # All, since they do not wait for the same: one that still waits for the events would keep
        # the news to itself.
        with self._quieter:
            self._quieter.notify_all()


turns: Final = Turns()
"""Those of this process."""
