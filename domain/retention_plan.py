"""What retention keeps and when it will go: one line per store and month, for a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain import clock, months, partitions, retention
from domain.keeping import Keeping
from domain.months import Month
from domain.partitions import Parted
from domain.retention import STORES, Store


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One month of a store. ``month`` is written ``to 2026-11`` where everything before is in it,
    and ``rest`` for what is in no month's partition. ``rows`` is an estimate on PostgreSQL, where
    ``size`` (bytes) is known, too. ``age`` in days since its end; ``goes`` None: never."""

    store: str
    month: str
    rows: int
    size: int | None
    age: int | None
    goes: date | None
    held_by: dict[str, int]


def plan(session: Session, keeping: Keeping) -> list[Line]:
    """Every month of every store."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    lines: list[Line] = []
    for store in STORES:
        if is_sqlite or store.parted is None:
            lines += _months(session, store, keeping)
        else:
            lines += _partitions(session, store, store.parted, keeping)
    return lines


def _partitions(session: Session, store: Store, table: Parted, keeping: Keeping) -> Iterator[Line]:
    for each in partitions.listed(session, table):
        name = f"to {each.month}" if each.is_first else str(each.month or "rest")
        yield _line(
            session, store, each.month, keeping, name, each.rows, each.size, first=each.is_first
        )


def _months(session: Session, store: Store, keeping: Keeping) -> Iterator[Line]:
    at = store.model.__table__.c[store.at]
    month = months.told_by(session, at)
    rows = session.execute(select(month, func.count()).group_by(month).order_by(month))
    for text, count in rows.all():
        yield _line(session, store, months.written(text), keeping, text, count, None)


def _line(
    session: Session,
    store: Store,
    month: Month | None,
    keeping: Keeping,
    name: str,
    rows: int,
    size: int | None,
    *,
    first: bool = False,
) -> Line:
    goes_at = keeping.goes_at(store.name, month) if month else None
    held: dict[str, int] = {}
    oldest = keeping.oldest(store.name)
    if month is not None and oldest is not None and month < oldest:
        held = retention.holding(session, store, None if first else month.start, month.end)
    age = (clock.now() - month.end).days if month else None
    return Line(
        store=store.name,
        month=name,
        rows=rows,
        size=size,
        age=age if age is not None and age >= 0 else None,
        goes=goes_at.date() if goes_at else None,
        held_by=held,
    )
