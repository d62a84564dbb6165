"""``/livez`` and ``/readyz``: is it alive, can it take work."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain import clock, figures, heartbeats, schema
from domain.alert_rules import RULES
from domain.database import Database
from domain.errors import StoreUnavailable
from domain.inbox import DUE_STATES, Event
from webhooks.hands import Hands

BACKLOG_WARNING_S = 300
PATIENCE_S: Final = 4.0
"""Supervisors ask often and do not wait for long."""
UNAVAILABLE: Final = {"ready": False, "store": "unavailable"}


def routes(database: Database, queue_answers: Any) -> list[Route]:
    """The two routes; ``queue_answers()`` tells in good time whether the queue is there."""
    hands = Hands(2, "health", PATIENCE_S)

    async def livez(_request: Request) -> Response:
        return JSONResponse({"alive": True})

    async def readyz(_request: Request) -> Response:
        try:
            report = await hands.run(_report, database, queue_answers)
        except StoreUnavailable:
            report = UNAVAILABLE
        return JSONResponse(report, 200 if report["ready"] else 503)

    return [
        Route("/livez", livez, name="livez"),
        Route("/readyz", readyz, name="readyz"),
    ]


def _report(database: Database, queue_answers: Any) -> dict[str, Any]:
    try:
        current, backlog = schema.present(database), _backlog_age(database)
        clock_runs = _clock_runs(database)
    except Exception:  # noqa: BLE001 - any trouble with the store means: not ready
        return UNAVAILABLE
    migrated = current == schema.expected()
    return {
        "ready": migrated,
        "store": "ok",
        "migrations": "ok" if migrated else f"at {current}, needs {schema.expected()}",
        # A queue that is away delays work and loses none: calls are still taken.
        "queue": "ok" if queue_answers() else "unavailable",
        "clock": "ok" if clock_runs else "not seen",
        "backlog_age_s": backlog,
        "backlog": "late" if backlog > BACKLOG_WARNING_S else "ok",
    }


def _clock_runs(database: Database) -> bool:
    with database.transaction() as session:
        seen = heartbeats.last_seen(session, "clock")
    return seen is not None and clock.wall() - seen < RULES["clock_not_seen"].after


def _backlog_age(database: Database) -> float:
    with database.transaction() as session:
        oldest: datetime | None = session.scalar(
            select(func.min(Event.next_attempt_at)).where(Event.status.in_(DUE_STATES))
        )
    return figures.age(oldest)
