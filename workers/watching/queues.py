"""Looks at the events and the effects: what waits for a person, what is late, what fails."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from domain import clock, effects
from domain.alert_messages import EFFECT as TELLING
from domain.alert_rules import AlertRule
from domain.effects import Effect
from domain.inbox import DUE_STATES, Event
from domain.money import Money
from domain.orders import Order
from workers.runtime import Runtime
from workers.watching.sight import MOST, Sight, counted, instant, percent, span

SAMPLE: Final = 2000
"""So many of the latest events are judged for failures."""


def parked_events(session: Session, _runtime: Runtime, _rule: AlertRule) -> Iterator[Sight]:
    """Events that wait for a person, by provider."""
    for provider in _parking(session):
        statement = (
            select(Event)
            .where(Event.status == "parked", Event.provider == provider)
            .order_by(Event.id)
            .limit(MOST)
        )
        parked = session.scalars(statement).all()
        details = {
            "count": counted(len(parked)),
            "oldest": instant(parked[0].received_at),
            "accounts": len({each.account_id for each in parked if each.account_id is not None}),
            "unknown": sum(each.account_id is None for each in parked),
            "money": _at_stake(session, parked),
        }
        yield Sight(provider, details)


def _parking(session: Session) -> list[str]:
    statement = select(Event.provider).where(Event.status == "parked").distinct()
    return sorted(session.scalars(statement))


def _at_stake(session: Session, parked: Sequence[Event]) -> str:
    """What the events speak of, each payment or order once."""
    spoken = {
        event.order_id or event.payment or event.provider_event_id: (event.currency, event.amount)
        for event in parked
        if event.currency is not None and event.amount is not None
    }
    others = {event.order_id for event in parked if event.order_id} - spoken.keys()
    orders = select(Order.id, Order.currency, Order.due).where(Order.id.in_(sorted(others)))
    for order_id, currency, due in session.execute(orders):
        spoken[order_id] = (currency, due)
    sums: Counter[str] = Counter()
    for currency, amount in spoken.values():
        sums[currency] += amount
    return ", ".join(str(Money(sums[each], each)) for each in sorted(sums)) or "–"


def oldest_unfinished(session: Session, _runtime: Runtime, rule: AlertRule) -> Iterator[Sight]:
    """Events that are due and that nobody works on."""
    now = clock.now()
    statement = (
        select(Event.next_attempt_at)
        .where(Event.status.in_(DUE_STATES), Event.next_attempt_at <= now - rule.after)
        .order_by(Event.next_attempt_at)
        .limit(MOST)
    )
    late = [at for at in session.scalars(statement) if at is not None]
    if late:
        yield Sight("events", {"count": counted(len(late)), "age": span(now - late[0])})


def failure_rate(session: Session, _runtime: Runtime, rule: AlertRule) -> Iterator[Sight]:
    """Types of event of which many fail: parked, or still waiting after their first try.

    Those that name an account which is not known yet do not count: another application may share
    the endpoint.
    """
    counts: dict[str, Counter[bool]] = defaultdict(Counter)
    for row in _latest(session, rule):
        counts[f"{row.provider}:{row.type}"][_fails(row, rule)] += 1
    for subject, each in sorted(counts.items()):
        failing, total = each[True], each.total()
        if failing >= rule.at_least and failing >= rule.share * total:
            share = percent(failing / total)
            yield Sight(subject, {"failing": failing, "count": total, "percent": share})


def _latest(session: Session, rule: AlertRule) -> Iterable[Row[Any]]:
    statement = (
        select(Event.provider, Event.type, Event.status, Event.received_at)
        .where(Event.received_at > clock.now() - rule.window)
        .order_by(Event.received_at.desc())
        .limit(SAMPLE)
    )
    return session.execute(statement)


def _fails(row: Row[Any], rule: AlertRule) -> bool:
    waits = row.status == "waiting" and row.received_at <= clock.now() - rule.after
    return bool(row.status == "parked" or waits)


def effects_stuck(session: Session, _runtime: Runtime, rule: AlertRule) -> Iterator[Sight]:
    """Effects that are due and that nobody performs; messages about alerts have a rule of their
    own."""
    now = clock.now()
    statement = (
        select(Effect.next_attempt_at, Effect.kind)
        .where(
            Effect.status.in_(effects.PLANNED),
            Effect.next_attempt_at <= now - rule.after,
            Effect.kind != TELLING,
        )
        .order_by(Effect.next_attempt_at)
        .limit(MOST)
    )
    late = session.execute(statement).all()
    if late:
        age = span(now - late[0].next_attempt_at)
        yield Sight("effects", {"count": counted(len(late)), "age": age, "kind": late[0].kind})


def effects_parked(session: Session, _runtime: Runtime, _rule: AlertRule) -> Iterator[Sight]:
    """Effects that gave up, by kind."""
    waiting = (
        select(Effect.kind, Effect.account_id, Effect.created_at)
        .where(Effect.status == "parked", Effect.kind != TELLING)
        .order_by(Effect.id)
        .limit(10 * MOST)
        .subquery()
    )
    columns = waiting.c
    statement = select(
        columns.kind,
        func.count(),
        func.count(columns.account_id.distinct()),
        func.min(columns.created_at),
    ).group_by(columns.kind)
    for kind, count, accounts, oldest in session.execute(statement):
        details = {"count": counted(count), "accounts": accounts, "oldest": instant(oldest)}
        yield Sight(kind, details)
