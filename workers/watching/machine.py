"""Looks at the machine itself: its processes and its sinks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import clock, heartbeats
from domain.alert_messages import EFFECT as TELLING
from domain.alert_rules import AlertRule
from domain.effects import Effect
from workers.runtime import Runtime
from workers.watching.sight import MOST, Sight, span


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
