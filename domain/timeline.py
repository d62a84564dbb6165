"""Everything that happened to an account, of every kind, as one list: what it did and what was done
to it, the provider's events, the mails and messages, and what operators decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from domain.audit import AuditEntry
from domain.effects import Effect
from domain.history import HistoryEntry
from domain.inbox import Event

TOLD: Final = ("send_mail", "tell_app", "charge_order", "refund_payment", "cancel_subscription")
"""The effects that somebody outside notices; readings and papers would only fill the list."""


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline: ``row`` is of the table that ``source`` names."""

    at: datetime
    source: str
    id: int
    row: Any


Place = tuple[datetime, int, int]
"""Where a page ended: instant, rank of the source, number of the row."""


def page(
    session: Session, account_id: int, limit: int, before: Place | None = None
) -> Sequence[Moment]:
    """Up to ``limit`` moments of the account, newest first, older than the place ``before``."""
    moments: list[Moment] = []
    for rank, (source, table, at, statement) in enumerate(_SOURCES):
        narrowed = statement(account_id)
        if before is not None:
            narrowed = narrowed.where(_older(at, table.id, rank, before))
        newest = narrowed.order_by(at.desc(), table.id.desc()).limit(limit)
        moments.extend(
            Moment(at=getattr(row, at.key), source=source, id=row.id, row=row)
            for row in session.scalars(newest)
        )
    moments.sort(key=_order)
    return moments[:limit]


def place(moment: Moment) -> Place:
    """Where a page that ends with this moment ends."""
    return moment.at, _RANKS[moment.source], moment.id


def _order(moment: Moment) -> tuple[float, int, int]:
    return -moment.at.timestamp(), _RANKS[moment.source], -moment.id


def _older(at: Any, number: Any, rank: int, before: Place) -> ColumnElement[bool]:
    instant, other, last = before
    if rank < other:
        return at < instant  # type: ignore[no-any-return]
    same = at == instant if rank > other else and_(at == instant, number < last)
    return or_(at < instant, same)


def _history(account_id: int) -> Select[Any]:
    return select(HistoryEntry).where(HistoryEntry.account_id == account_id)


def _decisions(account_id: int) -> Select[Any]:
    return select(AuditEntry).where(AuditEntry.account_id == account_id)


def _events(account_id: int) -> Select[Any]:
    return select(Event).where(Event.account_id == account_id)


def _effects(account_id: int) -> Select[Any]:
    return select(Effect).where(Effect.account_id == account_id, Effect.kind.in_(TOLD))


_SOURCES: Final[tuple[tuple[str, Any, Any, Callable[[int], Select[Any]]], ...]] = (
    ("decision", AuditEntry, AuditEntry.at, _decisions),
    ("effect", Effect, Effect.created_at, _effects),
    ("history", HistoryEntry, HistoryEntry.at, _history),
    ("event", Event, Event.received_at, _events),
)
_RANKS: Final = {name: rank for rank, (name, *_) in enumerate(_SOURCES)}
