"""The clock's duty that counts what came in and what became of it, for the console's chart."""

from __future__ import annotations

from time import monotonic
from typing import Final

from domain import clock, tallies, workload
from workers.runtime import Runtime

PATIENCE_S: Final = 2.0
"""How long one run catches up: the other duties wait meanwhile."""


def tally(runtime: Runtime) -> None:
    """Count what is new, in pieces; what is left after a while is the next run's."""
    end = monotonic() + PATIENCE_S
    for count in (tallies.count_events, tallies.count_attempts):
        more = True
        while more and monotonic() < end:
            with runtime.database.transaction() as session:
                more = count(session)
    # A demo that runs through half a year leaves no levels: nobody waited then.
    if clock.is_frozen():
        return
    with runtime.database.transaction() as session:
        tallies.note_levels(session, workload.levels(session))
