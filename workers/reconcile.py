"""Walks the providers' own lists of events, so that a webhook that never came is not missed.

The clock only decides that a run is due; an effect makes it, because it calls the provider. A run
goes on where the last one ended, in slices whose events are stored before the position moves over
them. A run that fails leaves the position where it is and the next one tries again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy.orm import Session

from domain import alerts, clock, missed, positions, telemetry
from domain.errors import BillhookError, StoreUnavailable
from domain.positions import EVENTS
from webhooks import backfill
from webhooks.backfill import Entered
from webhooks.providers import Provider
from workers import outcomes, run_rows
from workers.runtime import Runtime

KIND: Final = "reconcile_events"
FAILING: Final = "reconciliation_failing"
"""The rule of the alert when a list cannot be walked; its subject is the provider."""
GAP: Final = "reconciliation_gap"
"""The rule of the alert when the position is older than what a provider still lists."""
BUDGET_S: Final = 20.0
"""A run ends after the slice that exceeds it: other effects wait behind it."""

log = structlog.get_logger()


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a walk: its span and what became of the events in it."""

    since: datetime
    until: datetime
    entered: Entered


def reconcile(runtime: Runtime) -> None:
    """The clock's duty: want a run for every provider whose turn has come."""
    wanted = False
    for provider in runtime.providers:
        with runtime.database.transaction() as session:
            wanted = _want_run(session, provider.name) or wanted
    if wanted:
        runtime.bell.ring("perform_effects")


def _want_run(session: Session, provider: str) -> bool:
    position = positions.of(session, provider, EVENTS)
    if not positions.is_due(position, clock.now()) or run_rows.is_planned(session, KIND, position):
        return False
    run_rows.want(session, KIND, position)
    return True


def catch_up(runtime: Runtime, provider: Provider) -> dict[str, Any]:
    """One run from the stored position on; returns what it did, for the effect's journal.

    What the provider answers is no reason to fail: it is kept with the position, told after a
    while, and tried again by the next run. Raises ``StoreUnavailable``.
    """
    total, began = Entered(), monotonic()
    since, until = _window(runtime, provider.name)
    try:
        for part in walk(runtime, provider, since, until):
            total.add(part.entered)
            if monotonic() - began > BUDGET_S:
                break
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the next run tries again
        return _broke_off(runtime, provider, error)
    with runtime.database.transaction() as session:
        position = positions.of(session, provider.name, EVENTS)
        positions.succeed(position, clock.now())
        alerts.resolve(session, FAILING, provider.name)
        missed.settle(session, position)
    return {
        "listed": total.listed,
        "found": len(total.missed),
        "reached": position.reached.isoformat(),
    }


def _window(runtime: Runtime, provider: str) -> positions.Window:
    with runtime.database.transaction() as session:
        position = positions.of(session, provider, EVENTS)
        now = clock.now()
        if lost := positions.gap(position.reached, now):
            span = {"since": lost.since.isoformat(), "until": lost.until.isoformat()}
            alerts.raise_alert(session, GAP, provider, provider=provider, **span)
            position.reached = lost.until
        return positions.window(position.reached, now)


def walk(runtime: Runtime, provider: Provider, since: datetime, until: datetime) -> Iterator[Slice]:
    """Enter what is missing between two instants, slice by slice, the oldest first.

    Raises what the gateway raises; what was yielded is stored, and the position is behind it.
    """
    span = positions.FIRST_SPAN
    while since < until:
        end = min(since + span, until)
        listed = provider.gateway.list_events(since, end)
        entered = _enter(runtime, provider, listed)
        with runtime.database.transaction() as session:
            positions.advance(positions.of(session, provider.name, EVENTS), since, end)
        yield Slice(since=since, until=end, entered=entered)
        span, since = positions.next_span(span, len(listed)), end


def _enter(runtime: Runtime, provider: Provider, documents: Sequence[dict[str, Any]]) -> Entered:
    total = Entered()
    for start in range(0, len(documents), backfill.BATCH):
        with runtime.database.transaction() as session:
            part = backfill.enter(session, provider, documents[start : start + backfill.BATCH])
            if part.missed:
                position = positions.of(session, provider.name, EVENTS)
                missed.tell(session, position, part.missed)
        if part.entered:
            _announce(runtime, provider, part)
        total.add(part)
    return total


def _announce(runtime: Runtime, provider: Provider, part: Entered) -> None:
    runtime.bell.ring("process_events")
    telemetry.BACKFILLED.labels(provider.name).inc(len(part.missed))
    log.warning("events_backfilled", provider=provider.name, events=part.entered)


def _broke_off(runtime: Runtime, provider: Provider, error: Exception) -> dict[str, Any]:
    reason = outcomes.describe(error)
    # What a provider does wrong is no bug of ours and needs no traceback.
    is_bug = not isinstance(error, BillhookError)
    log.warning("reconciliation_failed", provider=provider.name, reason=reason, exc_info=is_bug)
    with runtime.database.transaction() as session:
        position = positions.of(session, provider.name, EVENTS)
        if positions.fail(position, clock.now(), reason):
            since = position.failing_since or clock.now()
            alerts.raise_alert(
                session, FAILING, provider.name, since=since.isoformat(), error=reason
            )
    return {"error": reason}
