"""How many renewals fail, lately and usually, by indexes that hold renewals alone."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Index, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.elements import TextClause

from domain.history import HistoryEntry
from domain.orders import Order

MOST: Final = 50_000
"""So many of a span are counted at most: a share needs no more."""
_FAILED: Final = text("kind = 'renewal_failed'")
_RENEWED: Final = text("kind = 'renewal' AND state = 'paid'")

Index("ix_orders_renewed", Order.closed_at, postgresql_where=_RENEWED, sqlite_where=_RENEWED)


class Renewals(msgspec.Struct, frozen=True, kw_only=True):
    """Tries to renew in a span of time."""

    failed: int
    paid: int

    @property
    def tried(self) -> int:
        """All of them."""
        return self.failed + self.paid

    @property
    def share(self) -> float:
        """The share that failed, 0 to 1."""
        return self.failed / self.tried if self.tried else 0.0


def between(session: Session, start: datetime, end: datetime) -> Renewals:
    """The renewals of a span that ends before ``end``."""
    return Renewals(
        failed=_count(session, HistoryEntry.at, _FAILED, start, end),
        paid=_count(session, Order.closed_at, _RENEWED, start, end),
    )


def _count(
    session: Session,
    at: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    which: TextClause,
    start: datetime,
    end: datetime,
) -> int:
    found = select(at).where(which, at >= start, at < end).limit(MOST).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0
