"""How much there is to do, how long it has waited, and what money hangs on it.

Every question here reads a bounded piece of an index, however many events there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Index, Select, exists, func, select, text
from sqlalchemy.orm import Session

from domain import alerts, clock
from domain.alerts import UNRESOLVED, Alert
from domain.database import Base
from domain.effects import PLANNED, Effect
from domain.inbox import DUE_STATES, Event
from domain.money import Money

MOST: Final = 10_000
"""Up to how many things of one state are counted; more is more than anybody works off."""
LOOKED_AT: Final = 1000
"""Of what is due, the longest due first, so many are looked at for the oldest."""


MOST_AT_RISK: Final = 50_000
"""Up to so many events are summed up."""
_AT_RISK: Final = text(
    "status IN ('parked', 'waiting', 'unmatched') AND amount IS NOT NULL AND currency IS NOT NULL"
)

Index(
    "ix_events_at_risk",
    Event.currency,
    Event.amount,
    postgresql_where=_AT_RISK,
    sqlite_where=_AT_RISK,
)


class AtRisk(msgspec.Struct, frozen=True, kw_only=True):
    """Money at risk, an amount per currency. Not ``is_all``: there is more, since only
    ``MOST_AT_RISK`` events were looked at."""

    amounts: Sequence[Money]
    is_all: bool


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """What waits. Counts stop at ``MOST``."""

    waiting: int
    parked: int
    quarantined: int
    overdue: int
    """Events that should have been worked on already."""
    oldest: datetime | None
    """When the oldest event that still waits was received."""
    effects_waiting: int
    effects_parked: int
    effects_overdue: int


def backlog(session: Session) -> Backlog:
    """What waits now."""
    now = clock.now()
    return Backlog(
        waiting=_count(session, Event, Event.status.in_(DUE_STATES)),
        parked=_count(session, Event, Event.status == "parked"),
        quarantined=_count(session, Event, Event.status == "quarantined"),
        overdue=_count(session, Event, Event.status.in_(DUE_STATES), Event.next_attempt_at <= now),
        oldest=_oldest(session),
        effects_waiting=_count(session, Effect, Effect.status.in_(PLANNED)),
        effects_parked=_count(session, Effect, Effect.status == "parked"),
        effects_overdue=_count(
            session, Effect, Effect.status.in_(PLANNED), Effect.next_attempt_at <= now
        ),
    )


def levels(session: Session) -> dict[str, int]:
    """How many events wait, and how many are parked."""
    return {
        "waiting": _count(session, Event, Event.status.in_(DUE_STATES)),
        "parked": _count(session, Event, Event.status == "parked"),
    }


def unfinished(session: Session, provider: str) -> dict[str, int]:
    """How many events of a provider wait and are parked."""
    ours = Event.provider == provider
    return {
        "waiting": _count(session, Event, Event.status.in_(DUE_STATES), ours),
        "parked": _count(session, Event, Event.status == "parked", ours),
    }


def money_at_risk(session: Session) -> AtRisk:
    """What parked and failing events speak of."""
    failing = select(Event.currency, Event.amount).where(_AT_RISK).limit(MOST_AT_RISK).subquery()
    rows = session.execute(
        select(failing.c.currency, func.count(), func.sum(failing.c.amount))
        .group_by(failing.c.currency)
        .order_by(failing.c.currency)
    ).all()
    return AtRisk(
        amounts=[Money(int(amount), currency) for currency, _, amount in rows],
        is_all=sum(count for _, count, _ in rows) < MOST_AT_RISK,
    )


def open_alerts(session: Session, shown: int) -> tuple[int, bool, Sequence[Alert]]:
    """How many alerts are not over (up to ``MOST``), whether nobody looks after one of them, and
    the newest ``shown``."""
    return (
        _count(session, Alert, UNRESOLVED),
        bool(session.scalar(select(exists().where(Alert.state == "open")))),
        alerts.page(session, shown, state="unresolved"),
    )


def _count(session: Session, table: type[Base], *conditions: Any) -> int:
    some = _bounded(select(table.__table__.c.id).where(*conditions))
    return session.scalar(select(func.count()).select_from(some)) or 0


def _bounded(statement: Select[*tuple[Any, ...]]) -> Any:
    return statement.limit(MOST).subquery()


def _oldest(session: Session) -> datetime | None:
    due = (
        select(Event.received_at)
        .where(Event.status.in_(DUE_STATES))
        .order_by(Event.next_attempt_at, Event.id)
        .limit(LOOKED_AT)
        .subquery()
    )
    oldest: datetime | None = session.scalar(select(func.min(due.c.received_at)))
    return oldest
