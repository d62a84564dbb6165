"""The present, in one place, so that a test or a demo can move it.

Everything in Billhook asks ``now()``; nothing else reads the wall clock for business time.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

_lock = threading.Lock()
_frozen: datetime | None = None


def now() -> datetime:
    """Return the present instant, timezone-aware in UTC."""
    return _frozen if _frozen is not None else datetime.now(UTC)


def travel(to: datetime) -> datetime:
    """Stop the clock at ``to`` (timezone-aware). Raises ValueError for a naive instant."""
    global _frozen  # noqa: PLW0603 - one clock a process
    if to.tzinfo is None:
        raise ValueError(f"clock.travel needs an instant with a time zone, got {to!r}")
    with _lock:
        _frozen = to.astimezone(UTC)
        return _frozen


def advance(by: timedelta) -> datetime:
    """Move a stopped clock forward by ``by``; a running clock is stopped at now + ``by``."""
    return travel(now() + by)


def reset() -> None:
    """Let the clock run again with the wall clock."""
    global _frozen  # noqa: PLW0603 - one clock a process
    with _lock:
        _frozen = None


def is_frozen() -> bool:
    """Whether the clock was stopped by ``travel`` (a demo, a test or ``BILLHOOK_NOW``)."""
    return _frozen is not None


def wall() -> datetime:
    """The real instant, never a moved one: for leases between processes only."""
    return datetime.now(UTC)
