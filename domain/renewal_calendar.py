"""Renewals as operators look at them: what is due on which day, what is failing, what recovered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import Session

from domain.accounts import Account
from domain.history import HistoryEntry
from domain.orders import Order
from domain.subscriptions import OURS, RUNNING, Subscription

_ENDED: Final = ("failed", "expired", "superseded")


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """The renewals of one day (UTC), counted by the end of the period that they follow."""

    day: date
    count: int


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the renewals that failed at least once since an instant."""

    failed: int
    recovered: int
    lost: int

    @property
    def open(self) -> int:
        """Those that are still being tried."""
        return self.failed - self.recovered - self.lost

    @property
    def rate(self) -> float | None:
        """The recovered share of those that are decided; None while none is."""
        decided = self.recovered + self.lost
        return self.recovered / decided if decided else None


def days(session: Session, start: date, number: int, zone: Any) -> list[Day]:
    """How many of our renewals follow periods that end on each of ``number`` days from ``start``.

    ``zone`` is the time zone of the days.
    """
    found = []
    for ahead in range(number):
        day = start + timedelta(days=ahead)
        begin = datetime(day.year, day.month, day.day, tzinfo=zone)
        statement = select(func.count()).select_from(Subscription)
        counted = session.scalar(statement.where(*_ends(begin, begin + timedelta(days=1))))
        found.append(Day(day=day, count=counted or 0))
    return found


def due(
    session: Session, begin: datetime, limit: int, after: tuple[datetime, int] | None = None
) -> Sequence[tuple[Subscription, str]]:
    """Up to ``limit`` subscriptions, with their accounts' references, whose period ends on the day
    that begins at ``begin``; the earliest first."""
    statement = _with_account().where(*_ends(begin, begin + timedelta(days=1)))
    if after is not None:
        end, number = after
        later = and_(Subscription.period_end == end, Subscription.account_id > number)
        statement = statement.where(or_(Subscription.period_end > end, later))
    order = (Subscription.period_end, Subscription.account_id)
    return _rows(session, statement.order_by(*order).limit(limit))


def failing(
    session: Session, limit: int, after: int | None = None
) -> Sequence[tuple[Subscription, str]]:
    """Up to ``limit`` running subscriptions whose renewal failed and is tried again."""
    statement = _with_account().where(
        Subscription.renewal_failures > 0, Subscription.state.in_(sorted(RUNNING))
    )
    if after is not None:
        statement = statement.where(Subscription.account_id > after)
    return _rows(session, statement.order_by(Subscription.account_id).limit(limit))


def recovery(session: Session, since: datetime) -> Recovery:
    """What became of the renewal orders of which a charge failed since then."""
    statement = (
        select(Order.state, func.count())
        .where(Order.charge_failed_at.is_not(None), Order.charge_failed_at >= since)
        .group_by(Order.state)
    )
    counts = {state: count for state, count in session.execute(statement)}  # noqa: C416 - typed
    return Recovery(
        failed=sum(counts.values()),
        recovered=counts.get("paid", 0),
        lost=sum(counts.get(state, 0) for state in _ENDED),
    )


def last_failures(session: Session, account_ids: Collection[int]) -> dict[int, HistoryEntry]:
    """The newest failed charge of each account's renewals, of those that have one."""
    newest = (
        select(func.max(HistoryEntry.id))
        .where(
            HistoryEntry.account_id == Subscription.account_id,
            HistoryEntry.kind == "renewal_failed",
        )
        .scalar_subquery()
    )
    numbers = select(newest).where(Subscription.account_id.in_(sorted(account_ids)))
    known = [number for number in session.scalars(numbers) if number is not None]
    entries = session.scalars(select(HistoryEntry).where(HistoryEntry.id.in_(known)))
    return {entry.account_id: entry for entry in entries}


def _ends(begin: datetime, end: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Subscription.period_end >= begin,
        Subscription.period_end < end,
        Subscription.auto_renew == true(),
        Subscription.managed_by == OURS,
        Subscription.state.in_(sorted(RUNNING)),
    )


def _with_account() -> Select[Subscription, str]:
    return select(Subscription, Account.ref).join(Account, Account.id == Subscription.account_id)


def _rows(
    session: Session, statement: Select[Subscription, str]
) -> Sequence[tuple[Subscription, str]]:
    return [(subscription, ref) for subscription, ref in session.execute(statement)]
