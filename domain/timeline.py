"""Everything that happened to an account, of every kind, as one list: what it did and what was done
to it, the provider's events, the mails and messages, and what operators decided."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Select, literal, select, tuple_
from sqlalchemy.orm import Session

from domain import facets
from domain.audit import AuditEntry
from domain.database import BigId, Instant
from domain.effects import Effect
from domain.history import HistoryEntry
from domain.inbox import Event

TOLD: Final = ("send_mail", "tell_app", "charge_order", "refund_payment", "cancel_subscription")
"""The effects that somebody outside notices; readings and papers would only fill the list."""


Place = tuple[int, int, int, int]
"""Where a page ended: the number of the last row that was shown of each source; 0 for none."""
_Source = tuple[str, Any, Any, Callable[[int], Select[Any]]]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline: ``row`` is of the table that ``source`` names."""

    at: datetime
    source: str
    id: int
    row: Any


def page(
    session: Session, account_id: int, limit: int, before: Place | None = None
) -> Sequence[Moment]:
    """Up to ``limit`` moments of the account, newest first, that come after the place ``before``.

    Each source is read in the order of its index, in which its rows were written, however many the
    account has; their times decide between the sources.
    """
    last = before or (0,) * len(_SOURCES)
    each = [
        _moments(session, source, account_id, limit, number)
        for source, number in zip(_SOURCES, last, strict=True)
    ]
    merged = heapq.merge(*each, key=lambda moment: -moment.at.timestamp())
    return list(islice(merged, limit))


def place(moments: Sequence[Moment], before: Place | None = None) -> Place:
    """Where a page with these moments ends that began at ``before``."""
    last = dict(zip(_NAMES, before or (0,) * len(_NAMES), strict=True))
    last.update((moment.source, moment.id) for moment in moments)
    return last["decision"], last["effect"], last["history"], last["event"]


def _moments(
    session: Session, source: _Source, account_id: int, limit: int, last: int
) -> list[Moment]:
    name, table, at, statement = source
    narrowed = statement(account_id)
    if last:
        narrowed = narrowed.where(_older(session, table, last))
    order = (at, table.id) if table is Event else (table.id,)
    newest = facets.in_order(narrowed, order, limit)
    return [
        Moment(at=getattr(row, at.key), source=name, id=row.id, row=row)
        for row in session.scalars(newest)
    ]


def _older(session: Session, table: Any, last: int) -> ColumnElement[bool]:
    seen = session.get(Event, last) if table is Event else None
    if seen is None:
        return table.id < last  # type: ignore[no-any-return]
    here = tuple_(literal(seen.received_at, Instant), literal(seen.id, BigId))
    return tuple_(Event.received_at, Event.id) < here


def _history(account_id: int) -> Select[Any]:
    return select(HistoryEntry).where(HistoryEntry.account_id == account_id)


def _decisions(account_id: int) -> Select[Any]:
    return select(AuditEntry).where(AuditEntry.account_id == account_id)


def _events(account_id: int) -> Select[Any]:
    return select(Event).where(Event.account_id == account_id)


def _effects(account_id: int) -> Select[Any]:
    return select(Effect).where(Effect.account_id == account_id, Effect.kind.in_(TOLD))


_SOURCES: Final[tuple[_Source, ...]] = (
    ("decision", AuditEntry, AuditEntry.at, _decisions),
    ("effect", Effect, Effect.created_at, _effects),
    ("history", HistoryEntry, HistoryEntry.at, _history),
    ("event", Event, Event.received_at, _events),
)
"""In the order in which what happened at the same instant is shown."""
_NAMES: Final = tuple(name for name, *_ in _SOURCES)
