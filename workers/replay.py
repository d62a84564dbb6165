"""The clock's duties over replays and groups of failures."""

from __future__ import annotations

import structlog

from domain import failures, replaying
from domain.errors import StoreUnavailable
from workers.runtime import Runtime

log = structlog.get_logger()


def replay(runtime: Runtime) -> None:
    """Move every replay on by one step, each in a transaction of its own."""
    with runtime.database.transaction() as session:
        due = replaying.due(session)
    begun = sum(_step(runtime, replay_id) for replay_id in due)
    if begun:
        runtime.bell.ring("process_events")
        runtime.bell.ring("perform_effects")


def group_failures(runtime: Runtime) -> None:
    """Count the groups of failures."""
    with runtime.database.transaction() as session:
        failures.refresh(session)


def _step(runtime: Runtime, replay_id: int) -> int:
    try:
        with runtime.database.transaction() as session:
            return replaying.step(session, replay_id)
    except StoreUnavailable:
        raise
    except Exception:
        # One that cannot move on must not hold up the others.
        log.exception("replay_failed", replay=replay_id)
        return 0
