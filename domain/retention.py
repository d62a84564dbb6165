"""Retention: what is old enough to be dropped, and what holds it back.

A month of payloads is kept while an event of it is unfinished, and a delivery while it is in
quarantine: they are still needed. On PostgreSQL whole partitions go; what lies in none of a month's
own, and everything on SQLite, is deleted in pieces.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, and_, column, delete, exists, func, or_, select, table
from sqlalchemy.orm import Session

from domain import audit, dropped_months, months
from domain.audit import Decider
from domain.effects import Effect
from domain.inbox import DUE_STATES, FINISHED, Attempt, Delivery, Event, Payload
from domain.keeping import variable
from domain.months import Month, month_of
from domain.partitions import PARTED, Parted
from domain.ports import ReadingRequest
from domain.readings import StoredReading
from domain.transmissions import Transmission

PIECE: Final = 1_000
"""Rows that are looked at in one transaction."""
QUARANTINED: Final = ("quarantined",)
UNFINISHED: Final = (*DUE_STATES, "parked", *QUARANTINED)
HOLDING: Final = {"payloads": UNFINISHED, "deliveries": QUARANTINED}
"""By store, the states in which an event needs what it has there. The rest of the stores have no
months that wait."""


class Store(msgspec.Struct, frozen=True):
    """Something that grows: its table, the column that tells when, and the columns that name a row,
    of which the first grows with time."""

    name: str
    model: Any
    at: str
    keys: tuple[str, ...]
    parted: Parted | None = None


STORES: Final = (
    Store("payloads", Payload, "received_at", ("event_id",), PARTED[0]),
    Store("deliveries", Delivery, "received_at", ("id",), PARTED[1]),
    Store("attempts", Attempt, "at", ("id",), PARTED[2]),
    Store("readings", StoredReading, "asked_at", ("id",)),
    Store("transmissions", Transmission, "received_at", ("received_at", "delivery_key")),
)


class Piece(msgspec.Struct, frozen=True):
    """What one step deleted, by month, and behind which key the next one begins; None: the end."""

    dropped: dict[Month, int]
    last: Any


def holding(
    session: Session, store: Store, start: datetime | None, end: datetime
) -> dict[str, int]:
    """How many events of a span of time still need what the store has of them, by status."""
    if store.name not in HOLDING:
        return {}
    statement = select(Event.status, func.count()).where(*_holds(store, end))
    if start is not None:
        statement = statement.where(Event.received_at >= start)
    return {row[0]: row[1] for row in session.execute(statement.group_by(Event.status))}


def held_back(session: Session, store: Store, before: Month) -> dict[Month, dict[str, int]]:
    """The months before ``before`` that events still need in the store, the oldest first: how many
    events, by status."""
    if store.name not in HOLDING:
        return {}
    month = months.told_by(session, Event.received_at)
    statement = (
        select(month, Event.status, func.count())
        .where(*_holds(store, before.start))
        .group_by(month, Event.status)
        .order_by(month, Event.status)
    )
    found: dict[Month, dict[str, int]] = {}
    for text, status, count in session.execute(statement):
        found.setdefault(months.written(text), {})[status] = count
    return found


def told(held: Mapping[str, int]) -> str:
    """What holds something back, in words."""
    return ", ".join(f"{count} {status}" for status, count in sorted(held.items()))


def _holds(store: Store, end: datetime) -> list[ColumnElement[bool]]:
    """What is true of an event received before ``end`` that needs what the store has of it."""
    conditions = [Event.status.in_(HOLDING[store.name]), Event.received_at < end]
    if store.model is Payload:
        # One whose payload is gone holds nothing.
        same = Payload.event_id == Event.id, Payload.received_at == Event.received_at
        # The end once more, so that no younger month is looked at.
        conditions.append(exists().where(*same, Payload.received_at < end))
    return conditions


def note(session: Session, by: Decider, store: str, month: Month, rows: int) -> None:
    """Note that rows of a month were dropped; the first time in the audit log, too."""
    if dropped_months.note(session, store, month, rows):
        setting = variable(store)
        audit.record(session, by, "drop", "month", f"{store} {month}", rows=rows, setting=setting)


def delete_piece(session: Session, store: Store, name: str, before: Month, last: Any) -> Piece:
    """Delete what is older than the month ``before`` and held by nothing, of the next thousand
    rows of the table ``name`` (the store's own, or a partition of it)."""
    names = {*store.keys, store.at, *(("provider", "kind", "object_id") * _is_reading(store))}
    kept = store.model.__table__.c
    there = table(name, *(column(each, kept[each].type) for each in sorted(names)))
    key = there.c[store.keys[0]]
    statement = select(there).order_by(key).limit(PIECE)
    if last is not None:
        statement = statement.where(key > last)
    rows = session.execute(statement).all()
    old = [row for row in rows if getattr(row, store.at) < before.start]
    free = _free(session, store, old)
    _delete(session, there, store, free)
    dropped: dict[Month, int] = {}
    for row in free:
        month = month_of(getattr(row, store.at))
        dropped[month] = dropped.get(month, 0) + 1
    ended = len(rows) < PIECE or (not old and not name.endswith("_rest"))
    return Piece(dropped, None if ended else getattr(rows[-1], store.keys[0]))


def _is_reading(store: Store) -> bool:
    return store.model is StoredReading


def _free(session: Session, store: Store, rows: Sequence[Any]) -> list[Any]:
    """Those that nothing needs any more; it stays so until the transaction ends."""
    keys = [getattr(row, store.keys[0]) for row in rows]
    if store.model is Payload:
        # A replay locks the event, too, before it looks for the payload.
        done = select(Event.id).where(Event.id.in_(keys), Event.status.in_(FINISHED))
        free = set(session.scalars(done.with_for_update(read=True, skip_locked=True)))
        return [row for row in rows if row.event_id in free]
    if store.model is Delivery:
        waiting = select(Event.delivery_id).where(Event.status.in_(QUARANTINED))
        held = set(session.scalars(waiting.where(Event.delivery_id.in_(keys))))
        return [row for row in rows if row.id not in held]
    if store.model is StoredReading:
        wanted = _wanted_readings(session) if rows else set()
        return [row for row in rows if (row.provider, _asked(row)) not in wanted]
    return list(rows)


def _asked(row: Any) -> str:
    return str(ReadingRequest(row.kind, row.object_id))


def _wanted_readings(session: Session) -> set[tuple[str, str]]:
    """The objects that unfinished events asked for."""
    statement = (
        select(Event.provider, Effect.target)
        .join(Effect, and_(Effect.event_id == Event.id, Effect.kind == "read_object"))
        .where(Event.status.in_(UNFINISHED))
    )
    return {(provider, target) for provider, target in session.execute(statement)}


def _delete(session: Session, there: Any, store: Store, rows: Sequence[Any]) -> None:
    if not rows:
        return
    first = there.c[store.keys[0]]
    if len(store.keys) == 1:
        session.execute(delete(there).where(first.in_([row[0] for row in _keys(store, rows)])))
        return
    same = [
        and_(*(there.c[name] == value for name, value in zip(store.keys, row, strict=True)))
        for row in _keys(store, rows)
    ]
    for start in range(0, len(same), 100):
        session.execute(delete(there).where(or_(*same[start : start + 100])))


def _keys(store: Store, rows: Collection[Any]) -> list[tuple[Any, ...]]:
    return [tuple(getattr(row, name) for name in store.keys) for row in rows]


def without_payload(session: Session, events: Sequence[Event]) -> set[int]:
    """The numbers of those events whose payload was dropped by age."""
    if not events:
        return set()
    times = [event.received_at for event in events]
    numbers = {event.id for event in events}
    there = select(Payload.event_id).where(
        Payload.event_id.in_(numbers), Payload.received_at.between(min(times), max(times))
    )
    return numbers - set(session.scalars(there))
