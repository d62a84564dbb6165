"""Logs and metrics: structured, with ids in every line, without secrets or personal data.

Metrics are kept per process by prometheus-client; with ``PROMETHEUS_MULTIPROC_DIR`` set before the
start, the processes of one host are added up by whoever answers ``/metrics``.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

from domain import discretion

PERSONAL: Final = frozenset({"email", "name", "address", "phone", "body", "payload", "headers"})
"""Keys whose values are never written to a log."""

if _shared := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    # The library opens its files there as soon as a metric is made.
    Path(_shared).mkdir(parents=True, exist_ok=True)

DELIVERIES = Counter(
    "billhook_deliveries", "Webhook calls by provider and answer.", ("provider", "answer")
)
VERDICTS = Counter(
    "billhook_verdicts",
    "Webhook calls by what was found of their authenticity.",
    ("provider", "verdict"),
)
ANSWER_SECONDS = Histogram(
    "billhook_answer_seconds",
    "Time from the first byte of a webhook call to its answer.",
    ("provider",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
FLUSH_ROWS = Histogram(
    "billhook_intake_flush_rows",
    "Deliveries that shared one commit.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200),
)
EVENTS = Counter("billhook_events", "Events worked, by outcome.", ("provider", "outcome"))
EFFECTS = Counter("billhook_effects", "Effects tried, by outcome.", ("kind", "outcome"))
BACKFILLED = Counter(
    "billhook_backfilled_events",
    "Events that no webhook brought, found in the provider's list.",
    ("provider",),
)
REQUESTS = Counter("billhook_requests", "API and page requests.", ("route", "status"))


def event_worked(provider: str, outcome: str) -> None:
    """Count one try at an event."""
    EVENTS.labels(provider, outcome).inc()


def effect_performed(kind: str, outcome: str) -> None:
    """Count one try at an effect."""
    EFFECTS.labels(kind, outcome).inc()


def calls_judged(provider: str, **counts: int) -> None:
    """Count webhook calls by verdict: ``authentic``, ``refused``, ``unverified``."""
    for verdict, count in counts.items():
        if count:
            VERDICTS.labels(provider, verdict).inc(count)


def exposition() -> bytes:
    """The process's (or with the multi-process directory the host's) metrics as text."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def configure_logging(form: str = "auto", level: str = "info", secrets: Iterable[str] = ()) -> None:
    """Set up structlog and the standard logging: JSON lines, or readable text on a terminal.

    ``secrets`` are values that are blanked wherever they turn up.
    """
    as_json = form == "json" or (form == "auto" and not sys.stderr.isatty())
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_discreet_trace,
        Scrubber(secrets),
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Whatever stderr is when the line is written: it may have been replaced since.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _route_standard_logging(shared, renderer, level)


def _with_discreet_trace(_logger: Any, _method: str, line: Any) -> Any:
    """Puts a traceback into words without the values that messages quote."""
    given = line.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        line["exception"] = f"Traceback:\n{discretion.trace(error)}"
    return line


class Scrubber:
    """Blanks personal data, tokens and known secrets in a log line."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({s for s in secrets if len(s) >= 6}, key=len, reverse=True)

    def __call__(self, _logger: Any, _method: str, line: Mapping[str, Any]) -> dict[str, Any]:
        return {key: "…" if key in PERSONAL else self._clean(value) for key, value in line.items()}

    def _clean(self, value: Any) -> Any:
        if not isinstance(value, str):
            return (
                value if isinstance(value, int | float | bool | None) else self._clean(str(value))
            )
        for secret in self._secrets:
            value = value.replace(secret, "…")
        return discretion.blanked(value)


class _StderrHandler(logging.Handler):
    """Writes to whatever stderr is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; a stderr that is gone is no reason to fail."""
        with contextlib.suppress(ValueError, OSError):
            print(self.format(record), file=sys.stderr)  # noqa: T201 - this is the log


def _route_standard_logging(shared: list[Any], renderer: Any, level: str) -> None:
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = _StderrHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for chatty in ("urllib3", "uvicorn", "uvicorn.access", "alembic", "dramatiq"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
