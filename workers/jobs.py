"""The jobs as Dramatiq actors: each drains what is due and is safe to run any number of times."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

import dramatiq
import structlog

from domain.errors import StoreUnavailable
from workers import perform_effects, process_events, trials
from workers.broker import QUEUES
from workers.runtime import current
from workers.turns import SWITCH_S, turns

log = structlog.get_logger()


def declare(broker: dramatiq.Broker) -> None:
    """Register the actors with ``broker``."""
    sys.setswitchinterval(SWITCH_S)
    for name, job in JOBS.items():
        make = dramatiq.actor(actor_name=name, queue_name=QUEUES[name], broker=broker)
        make(job)


def run_events() -> None:
    """Work every due event."""
    _guarded("process_events", lambda: turns.drain(_drain_events))


def _drain_events() -> int:
    return process_events.drain(current(), process_events.BREATH_S)


def _drain_effects() -> int:
    runtime = current()
    threads = runtime.settings.worker_threads
    return turns.perform(lambda: perform_effects.drain(runtime), threads)


def run_effects() -> None:
    """Perform every due effect."""
    _guarded("perform_effects", _drain_effects)


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
