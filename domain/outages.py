"""When the store is away: which errors of the driver and of SQLAlchemy mean that."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_LOST_IN_TRANSACTION = "8s2b"
"""SQLAlchemy's code for a session whose connection broke earlier in its transaction."""
_OUTAGES = {"25006", "25P03"}
"""Went read-only under us; waited for our next statement for too long."""


def is_outage(error: Exception) -> bool:
    """Whether the error means that the store is away, locked or full, and not our statement."""
    if isinstance(error, PoolTimeout):
        # Every connection is held by somebody whom the store does not answer.
        return True
    if isinstance(error, PendingRollbackError):
        return error.code == _LOST_IN_TRANSACTION
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        stateless = isinstance(error, OperationalError | InterfaceError)
        return stateless and _is_away(str(error.orig))
    return is_outage_state(state)


def is_outage_state(state: str) -> bool:
    """Whether a state of PostgreSQL's means that the store is away, locked or full: classes 08
    connection, 53 resources, 57 operator intervention, 58 system, and ``_OUTAGES``."""
    return state[:2] in {"08", "53", "57", "58"} or state in _OUTAGES


def _is_away(message: str) -> bool:
    """Whether a message without a state is about the store itself: SQLite has no states, and a
    PostgreSQL connection that cannot be opened has none either."""
    statement_faults = ("no such", "syntax error", "has no column", "near ")
    return not any(fault in message for fault in statement_faults)
