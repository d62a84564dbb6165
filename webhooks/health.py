"""``/livez``, ``/readyz`` and ``/metrics``: is it alive, can it take work, how is it doing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from anyio import to_thread
from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain import clock, schema, telemetry
from domain.database import Database
from domain.inbox import DUE_STATES, Event

BACKLOG_WARNING_S = 300


def routes(database: Database, queue_answers: Any) -> list[Route]:
    """The three routes; ``queue_answers()`` tells in good time whether the queue is there."""

    async def livez(_request: Request) -> Response:
        return JSONResponse({"alive": True})

    async def readyz(_request: Request) -> Response:
        report = await to_thread.run_sync(_report, database, queue_answers)
        return JSONResponse(report, 200 if report["ready"] else 503)

    async def metrics(_request: Request) -> Response:
        text = await to_thread.run_sync(_metrics, database)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    return [
        Route("/livez", livez, name="livez"),
        Route("/readyz", readyz, name="readyz"),
        Route("/metrics", metrics, name="metrics"),
    ]


def _report(database: Database, queue_answers: Any) -> dict[str, Any]:
    try:
        current, backlog = schema.present(database), _backlog_age(database)
    except Exception:  # noqa: BLE001 - any trouble with the store means: not ready
        return {"ready": False, "store": "unavailable"}
    migrated = current == schema.expected()
    return {
        "ready": migrated,
        "store": "ok",
        "migrations": "ok" if migrated else f"at {current}, needs {schema.expected()}",
        # A queue that is away delays work and loses none: calls are still taken.
        "queue": "ok" if queue_answers() else "unavailable",
        "backlog_age_s": backlog,
        "backlog": "late" if backlog > BACKLOG_WARNING_S else "ok",
    }


def _backlog_age(database: Database) -> float:
    with database.transaction() as session:
        oldest: datetime | None = session.scalar(
            select(func.min(Event.next_attempt_at)).where(Event.status.in_(DUE_STATES))
        )
    return max(0.0, (clock.now() - oldest).total_seconds()) if oldest else 0.0


def _metrics(database: Database) -> bytes:
    lines = [telemetry.exposition()]
    try:
        lines.append(_gauges(database))
    except Exception:  # noqa: BLE001 - the process's own figures are worth having all the same
        lines.append(b"billhook_store_up 0\n")
    return b"".join(lines)


def _gauges(database: Database) -> bytes:
    with database.transaction() as session:
        counts = session.execute(
            select(Event.status, func.count())
            .where(Event.status.in_((*DUE_STATES, "parked", "quarantined")))
            .group_by(Event.status)
        )
        backlog = [f'billhook_backlog{{status="{status}"}} {count}' for status, count in counts]
    age = f"billhook_backlog_age_seconds {_backlog_age(database):.3f}"
    head = "# TYPE billhook_store_up gauge\n# TYPE billhook_backlog gauge\n"
    return (head + "\n".join(["billhook_store_up 1", *backlog, age]) + "\n").encode()
