"""The jobs as Dramatiq actors: each drains what is due and is safe to run any number of times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import dramatiq
import structlog

from domain.errors import StoreUnavailable
from workers import perform_effects, process_events, trials
from workers.broker import QUEUES
from workers.runtime import current
from workers.turns import turns

log = structlog.get_logger()


def declare(broker: dramatiq.Broker) -> None:
    """Register the actors with ``broker``."""
    for name, job in JOBS.items():
        make = dramatiq.actor(actor_name=name, queue_name=QUEUES[name], broker=broker)
        make(job)


def run_events() -> None:
    """Work every due event."""
    _guarded("process_events", lambda: turns.drain(lambda: process_events.drain(current())))


def run_effects() -> None:
    """Perform every due effect."""
    _guarded("perform_effects", lambda: perform_effects.drain(current()))


def run_trials() -> None:
    """Make every dry run that is wanted."""
    _guarded("run_trials", lambda: trials.drain(current()))


def _guarded(job: str, drain: Callable[[], int]) -> None:
    try:
        drain()
    except StoreUnavailable as error:
        # Everything that is due stays due; the sweeper rings when the store is back.
        log.warning("store_unavailable", job=job, reason=str(error))


JOBS: Final[dict[str, Callable[[], None]]] = {
    "process_events": run_events,
    "perform_effects": run_effects,
    "run_trials": run_trials,
}
