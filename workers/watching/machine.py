"""Looks at the machine itself: its processes, its sinks, and what must hold whatever happens."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import clock, heartbeats, invariants
from domain.alert_messages import EFFECT as TELLING
from domain.alert_rules import AlertRule
from domain.effects import Effect
from domain.invariants import INVARIANTS, Violation
from workers.runtime import Runtime
from workers.watching.sight import MOST, Sight, span

SHOWN: Final = 10
SERIES: Final = "numbers_gapless"
"""The invariant that has an alert of its own."""

log = structlog.get_logger()


def clock_not_seen(session: Session, _runtime: Runtime, rule: AlertRule) -> Iterator[Sight]:
    """Whether no clock has said anything for a while. The clock itself looks, too, and so finds
    that it is there; the other processes ask when it is not (``workers/heart.py``)."""
    return _missing(session, rule, "clock", by=("web", "worker", "clock"))


def worker_not_seen(session: Session, _runtime: Runtime, rule: AlertRule) -> Iterator[Sight]:
    """Whether no worker has said anything for a while."""
    return _missing(session, rule, "worker", by=("clock",))


def _missing(session: Session, rule: AlertRule, kind: str, by: tuple[str, ...]) -> Iterator[Sight]:
    """Whoever misses somebody must have run for long enough itself: all start together."""
    now = clock.wall()
    fresh = now - rule.after
    seen = heartbeats.last_seen(session, kind)
    if seen is not None and seen > fresh:
        return
    watching = [heartbeats.longest_up(session, each, fresh) for each in by]
    since = min((each for each in watching if each is not None), default=None)
    if since is not None and since <= fresh:
        yield Sight(f"{kind}s", {"age": span(now - max(seen or since, since))})


def sink_failing(session: Session, _runtime: Runtime, rule: AlertRule) -> Iterator[Sight]:
    """Sinks that could not be told again and again."""
    statement = (
        select(Effect.target, Effect.note)
        .where(Effect.status == "waiting", Effect.kind == TELLING, Effect.attempts >= rule.at_least)
        .order_by(Effect.id)
        .limit(MOST)
    )
    notes: dict[str, list[str]] = defaultdict(list)
    for target, note in session.execute(statement):
        notes[target].append(note or "")
    for sink, told in notes.items():
        yield Sight(sink, {"count": len(told), "reason": told[-1]})


def invariants_broken(session: Session, runtime: Runtime, _rule: AlertRule) -> Iterator[Sight]:
    """Every invariant that does not hold, but that of the number series."""
    for name in INVARIANTS:
        if name != SERIES and (found := _violations(session, runtime, name)):
            yield _broken(name, found)


def number_series_hole(session: Session, runtime: Runtime, _rule: AlertRule) -> Iterator[Sight]:
    """Whether a number series has a hole or a duplicate."""
    if found := _violations(session, runtime, SERIES):
        yield _broken(SERIES, found)


def _violations(session: Session, runtime: Runtime, name: str) -> list[Violation]:
    return invariants.violations(session, name, runtime.catalogue)


def _broken(name: str, found: list[Violation]) -> Sight:
    log.error("invariant_broken", invariant=name, violations=len(found))
    count = f"{invariants.MOST} or more" if len(found) == invariants.MOST else str(len(found))
    shown = [f"{each.subject}: {each.detail}" for each in found[:SHOWN]]
    details = {"holds": INVARIANTS[name].sentence, "count": count, "violations": shown}
    return Sight(name, details)
