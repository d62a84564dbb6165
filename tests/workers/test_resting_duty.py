"""Duties that may take long rest for longer, so that they take a bounded part of the time."""

from __future__ import annotations

import time

from domain.database import Database
from tests import lives
from workers.clock import RESTS, Clock
from workers.runtime import Runtime

TAKES_S = 0.05


def test_counting_failures_rests_for_many_times_as_long_as_it_took(database: Database) -> None:
    begun: list[str] = []

    def count(_: Runtime) -> None:
        begun.append("group_failures")
        time.sleep(TAKES_S)

    def sweep(_: Runtime) -> None:
        begun.append("sweep")
        time.sleep(TAKES_S)

    clock = Clock(lives.runtime_on(database), (("group_failures", 0, count), ("sweep", 0, sweep)))
    end = time.monotonic() + RESTS["group_failures"] * TAKES_S / 2
    while time.monotonic() < end:
        assert clock.tick()
    assert begun.count("group_failures") == 1
    assert begun.count("sweep") > 1
