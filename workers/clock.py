"""The clock process: does what is due, under a lease; a second clock is a standby.

Duties are a list: name, seconds between two runs (of the real clock), function.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from secrets import token_hex
from time import monotonic
from typing import Final

import structlog

from domain import clock, heartbeats, leases
from domain.errors import StoreUnavailable
from workers import expire_orders
from workers.compare import compare
from workers.examine import examine
from workers.passage import pass_time
from workers.rates_duty import know_rates
from workers.reconcile import reconcile
from workers.replay import group_failures, replay
from workers.retention import keep
from workers.runtime import Runtime
from workers.sweep import sweep
from workers.tally import tally
from workers.vat_duty import check_vat_numbers
from workers.watch import tell_alerts, watch, watch_work

LEASE: Final = timedelta(seconds=15)
TICK_S: Final = 0.5
PAUSE_S: Final = 2.0
"""Between two ticks while the store is away."""

Duty = tuple[str, float, Callable[[Runtime], None]]
DUTIES: Final[tuple[Duty, ...]] = (
    ("sweep", 1.0, sweep),
    ("expire_orders", 5.0, expire_orders.expire_orders),
    ("pass_time", 1.0, pass_time),
    ("check_vat_numbers", 60.0, check_vat_numbers),
    ("exchange_rates", 60.0, know_rates),
    ("reconcile", 30.0, reconcile),
    ("compare_money", 30.0, compare),
    ("tally", 10.0, tally),
    ("replay", 1.0, replay),
    ("group_failures", 5.0, group_failures),
    ("examine", 10.0, examine),
    ("retention", 60.0, keep),
    ("tell_alerts", 2.0, tell_alerts),
    ("watch_work", 15.0, watch_work),
    ("watch", 60.0, watch),
)
RESTS: Final = {"group_failures": 20}
"""Duties that rest for so many times as long as they took, if that is longer: their work grows with
what fails, and must not weigh on a store that has trouble enough."""
log = structlog.get_logger()


class Clock:
    """Runs the duties while it holds the lease."""

    def __init__(self, runtime: Runtime, duties: tuple[Duty, ...] = DUTIES) -> None:
        self._runtime = runtime
        self._duties = duties
        # The process's name alone may be that of another: in containers everybody has number 1.
        self._holder = f"{runtime.worker}:{token_hex(4)}"
        self._last: dict[str, float] = {}
        self._took: dict[str, float] = {}
        self._beaten = float("-inf")
        self._stop = threading.Event()

    def run(self) -> None:
        """Tick until ``stop``; a store that is away is waited for."""
        while not self._stop.is_set():
            try:
                self.tick()
                pause = TICK_S
            except StoreUnavailable as error:
                log.warning("store_unavailable", job="clock", reason=str(error))
                pause = PAUSE_S
            except Exception:
                # A clock that stood still in a living process would be noticed by nobody.
                log.exception("tick_failed")
                pause = PAUSE_S
            self._stop.wait(pause)
        self._give_back()

    def stop(self) -> None:
        """End ``run`` after the duty that is running."""
        self._stop.set()

    def tick(self) -> bool:
        """Run every duty whose time has come; False while another clock holds the lease.

        Raises ``StoreUnavailable``.
        """
        self._beat()
        if not self._take_lease():
            return False
        for duty in self._duties:
            self._run_if_due(duty)
        return True

    def run_all(self) -> None:
        """Run every duty now, lease or not: for demos and tests that move the clock."""
        for _, _, function in self._duties:
            function(self._runtime)

    def _run_if_due(self, duty: Duty) -> None:
        name, every, function = duty
        pause = max(every, RESTS.get(name, 0) * self._took.get(name, 0.0))
        if monotonic() - self._last.get(name, -pause) < pause:
            return
        self._last[name] = start = monotonic()
        try:
            function(self._runtime)
        except StoreUnavailable:
            raise
        except Exception:
            # One duty's bug must not stop the others.
            log.exception("duty_failed", duty=name)
        finally:
            self._took[name] = monotonic() - start

    def _beat(self) -> None:
        """Say that the clock is alive; a duty that hangs is seen by the silence."""
        if monotonic() - self._beaten < heartbeats.EVERY.total_seconds():
            return
        self._beaten = monotonic()
        with self._runtime.database.transaction() as session:
            heartbeats.beat(session, "clock", self._holder, clock.wall())

    def _take_lease(self) -> bool:
        with self._runtime.database.transaction() as session:
            return leases.take(session, "clock", self._holder, clock.wall(), LEASE)

    def _give_back(self) -> None:
        try:
            with self._runtime.database.transaction() as session:
                leases.drop(session, "clock", self._holder)
                heartbeats.leave(session, "clock", self._holder)
        except Exception as error:  # noqa: BLE001 - then it runs out
            log.info("lease_not_returned", error=type(error).__name__)
