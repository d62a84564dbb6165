"""Says every few seconds that a process is alive, and misses the clock when it is silent.

The clock looks after everything else; who looks after the clock are the others, here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from secrets import token_hex
from typing import Final

import structlog

from domain import clock, heartbeats
from domain.alert_rules import RULES
from domain.errors import StoreUnavailable
from workers.runtime import Runtime
from workers.watching import LOOKS
from workers.watching.looking import look_at

WATCHED: Final = "clock_not_seen"
STOP_S: Final = 1.0
"""How long the end of a process waits for the last word: a store that hangs must not keep it."""

log = structlog.get_logger()


class Heart:
    """The heart of one process of a kind (``web``, ``worker``): a thread."""

    def __init__(self, runtime: Runtime, kind: str) -> None:
        self._runtime = runtime
        self._kind = kind
        self._name = f"{runtime.worker}:{token_hex(4)}"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"heart {kind}", daemon=True)

    def start(self) -> Heart:
        """Begin to beat."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Say good-bye, so that nobody misses a process that ended on purpose."""
        self._stop.set()
        self._thread.join(STOP_S)

    def beat(self) -> None:
        """Say that the process is alive, and look whether the clock is; open the alert if not."""
        with self._runtime.database.transaction() as session:
            heartbeats.beat(session, self._kind, self._name, clock.wall())
            missed = any(LOOKS[WATCHED](session, self._runtime, RULES[WATCHED]))
        if missed:
            look_at(self._runtime, {WATCHED: LOOKS[WATCHED]})
            self._tell()

    def _tell(self) -> None:
        """A worker tells of it, and rings for messages that are to be repeated: the clock would
        sweep for them. The web process loads no jobs."""
        if self._kind != "worker":
            return
        from workers.watch import tell_alerts

        tell_alerts(self._runtime)
        self._runtime.bell.ring("perform_effects")

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            self._try(self.beat)
            pause = heartbeats.EVERY.total_seconds()
        self._try(self._leave)

    def _leave(self) -> None:
        with self._runtime.database.transaction() as session:
            heartbeats.leave(session, self._kind, self._name)

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except StoreUnavailable as error:
            log.info("heart_missed_a_beat", reason=str(error))
        except Exception:
            # A heart that stood still in a living process would be taken for a dead one.
            log.exception("heart_failed")
