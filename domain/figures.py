"""What the database tells of the work at this moment, as figures for whoever watches from outside.

Each is a bounded query over an index. Every value of a label that can be known is there with zero,
so that a rule over it does not mistake "none" for "unknown".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from domain import clock, effects, heartbeats, renewal_rates, traffic
from domain.alert_rules import RULES
from domain.alerts import Alert
from domain.effects import Effect
from domain.inbox import DUE_STATES, Event

UNFINISHED: Final = (*DUE_STATES, "quarantined", "parked")
STANDING: Final = (*effects.PLANNED, "parked")
FRESH: Final = timedelta(seconds=30)
"""A process that was not seen for this long does not count as running."""
DAY: Final = timedelta(hours=24)
KINDS: Final = ("web", "worker", "clock")


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure: its values by the values of its labels."""

    name: str
    means: str
    labels: tuple[str, ...] = ()
    values: Mapping[tuple[str, ...], float]


def all_figures(session: Session) -> Iterator[Figure]:
    """Every figure, as of now."""
    yield Figure(name="billhook_store_up", means="Whether the database answers.", values={(): 1})
    yield from _events(session)
    yield from _effects(session)
    yield _alerts(session)
    yield _last_events(session)
    yield _processes(session)
    yield _renewals(session)


def _events(session: Session) -> Iterator[Figure]:
    yield Figure(
        name="billhook_backlog",
        means="Events that are not finished, by status.",
        labels=("status",),
        values=_counted(session, Event.status, UNFINISHED),
    )
    oldest = session.scalar(
        select(func.min(Event.next_attempt_at)).where(Event.status.in_(DUE_STATES))
    )
    yield Figure(
        name="billhook_backlog_age_seconds",
        means="For how long the oldest event has been due.",
        values={(): age(oldest)},
    )


def _effects(session: Session) -> Iterator[Figure]:
    yield Figure(
        name="billhook_effects_backlog",
        means="Effects that did not happen yet, by status.",
        labels=("status",),
        values=_counted(session, Effect.status, STANDING),
    )
    oldest = session.scalar(
        select(func.min(Effect.next_attempt_at)).where(Effect.status.in_(effects.PLANNED))
    )
    yield Figure(
        name="billhook_effects_age_seconds",
        means="For how long the oldest effect has been due.",
        values={(): age(oldest)},
    )


def _alerts(session: Session) -> Figure:
    statement = (
        select(Alert.rule, Alert.state, func.count())
        .where(Alert.state != "resolved")
        .group_by(Alert.rule, Alert.state)
    )
    counts = {(rule, state): count for rule, state, count in session.execute(statement)}
    values: dict[tuple[str, ...], float] = {
        (rule.name, rule.severity, state): counts.get((rule.name, state), 0)
        for rule in RULES.values()
        for state in ("open", "acknowledged")
    }
    labels = ("rule", "severity", "state")
    means = "Alerts that are not over."
    return Figure(name="billhook_alerts", means=means, labels=labels, values=values)


def _last_events(session: Session) -> Figure:
    last = traffic.last_accepted(session)
    return Figure(
        name="billhook_last_delivery_timestamp_seconds",
        means="When the last authentic webhook call came.",
        labels=("provider",),
        values={(provider,): at.timestamp() for provider, at in last.items()},
    )


def _processes(session: Session) -> Figure:
    alive = heartbeats.alive(session, clock.wall() - FRESH)
    return Figure(
        name="billhook_processes",
        means="Processes that were seen lately.",
        labels=("kind",),
        values={(kind,): alive.get(kind, 0) for kind in KINDS},
    )


def _renewals(session: Session) -> Figure:
    now = clock.now()
    lately = renewal_rates.between(session, now - DAY, now)
    return Figure(
        name="billhook_renewals_last_day",
        means="Tries to renew in the last 24 hours, by outcome.",
        labels=("outcome",),
        values={("paid",): lately.paid, ("failed",): lately.failed},
    )


def _counted(
    session: Session, column: InstrumentedAttribute[str], states: tuple[str, ...]
) -> dict[tuple[str, ...], float]:
    statement = select(column, func.count()).where(column.in_(states)).group_by(column)
    counts = dict(session.execute(statement).all())
    return {(state,): counts.get(state, 0) for state in states}


def age(oldest: datetime | None) -> float:
    """For how many seconds something has been due; 0 for what is due later, or nothing."""
    return max(0.0, (clock.now() - oldest).total_seconds()) if oldest else 0.0
