"""How much came in and what became of it over time: counted once, kept as sums, read at once.

Events and attempts are counted in the order of their numbers, a bounded piece at a time, up to
those of a minute ago: by then every transaction with a smaller number has ended. So a count is
exact, whenever it is made, and a store that was never counted is caught up with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock, marks
from domain.database import Base
from domain.inbox import FINISHED, Attempt, Event
from domain.marks import Mark, Piece

UNITS: Final = {
    "minutes": timedelta(minutes=5),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
}
"""The lengths of the spans that are kept; their starts are multiples of them."""
SETTLED: Final = timedelta(minutes=1)
"""How old a row must be to be counted: longer than any transaction that writes one."""
STEP: Final = 10_000
"""Rows that are counted in one transaction."""
KEY: Final = ("unit", "start", "series", "provider")


class Tally(Base):
    """How often something happened in one span (``received``, ``finished``, ``failed``), or how
    much there was of it at its end (``waiting``, ``parked``; then without a provider)."""

    __tablename__ = "tallies"

    unit: Mapped[str] = mapped_column(primary_key=True)
    start: Mapped[datetime] = mapped_column(primary_key=True)
    series: Mapped[str] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]


def count_events(session: Session) -> bool:
    """Count one piece of what came in; tells whether there may be more."""
    mark = marks.of(session, "events")
    piece = _piece(session, Event.id, Event.received_at, mark.counted_to)
    if piece is None:
        return False
    rows = session.execute(
        select(Event.received_at, Event.provider).where(
            Event.id > mark.counted_to, Event.id <= piece.end
        )
    )
    _add(session, Counter(("received", provider, at) for at, provider in rows))
    mark.counted_to = piece.end
    return piece.more


def count_attempts(session: Session) -> bool:
    """Count one piece of what was tried; tells whether there may be more."""
    mark = marks.of(session, "attempts")
    piece = _piece(session, Attempt.id, Attempt.at, mark.counted_to)
    if piece is None:
        return False
    rows = session.execute(
        select(Attempt.at, Attempt.outcome, Attempt.error.is_not(None), Event.provider)
        .join(Event, Event.id == Attempt.event_id)
        .where(Attempt.id > mark.counted_to, Attempt.id <= piece.end)
    )
    found: Counter[tuple[str, str, datetime]] = Counter()
    for at, outcome, has_error, provider in rows:
        if outcome in FINISHED or has_error:
            found["finished" if outcome in FINISHED else "failed", provider, at] += 1
    _add(session, found)
    mark.counted_to = piece.end
    return piece.more


def note_levels(session: Session, levels: dict[str, int]) -> None:
    """Keep how much of something there is now, as the level of the spans that are running."""
    now = clock.now()
    found = {
        (unit, start_of(unit, now), series, ""): count
        for unit in UNITS
        for series, count in levels.items()
    }
    _write(session, found, adds=False)


def start_of(unit: str, at: datetime) -> datetime:
    """The start of the span that an instant lies in."""
    length = int(UNITS[unit].total_seconds())
    seconds = int(at.timestamp())
    return datetime.fromtimestamp(seconds - seconds % length, UTC)


def since(session: Session, unit: str, start: datetime) -> dict[str, dict[datetime, int]]:
    """Every series from a start on, all providers together: series → start → count."""
    rows = session.execute(
        select(Tally.series, Tally.start, func.sum(Tally.count))
        .where(Tally.unit == unit, Tally.start >= start)
        .group_by(Tally.series, Tally.start)
    )
    found: dict[str, dict[datetime, int]] = {}
    for series, at, count in rows:
        found.setdefault(series, {})[at] = int(count)
    return found


def totals(session: Session, unit: str, start: datetime) -> dict[tuple[str, str], int]:
    """How often each thing happened from a start on: (series, provider) → count."""
    rows = session.execute(
        select(Tally.series, Tally.provider, func.sum(Tally.count))
        .where(Tally.unit == unit, Tally.start >= start, Tally.provider != "")
        .group_by(Tally.series, Tally.provider)
    )
    return {(series, provider): int(count) for series, provider, count in rows}


def last_received(session: Session, provider: str) -> tuple[datetime, str] | None:
    """When the provider's last event came, and its type; None when none ever did."""
    theirs = (
        select(Event.received_at, Event.type)
        .where(Event.provider == provider)
        .order_by(Event.received_at.desc(), Event.id.desc())
        .limit(1)
    )
    mark = session.get(Mark, "events")
    fresh = session.execute(theirs.where(Event.id > (mark.counted_to if mark else 0))).first()
    slot = _last_slot(session, provider)
    if fresh is not None or slot is None:
        return None if fresh is None else (fresh[0], fresh[1])
    end = slot + UNITS["minutes"]
    counted = theirs.where(Event.received_at >= slot, Event.received_at < end)
    row = session.execute(counted).first()
    return None if row is None else (row[0], row[1])


def _last_slot(session: Session, provider: str) -> datetime | None:
    """The last five minutes in which something of the provider was counted: by way of the day,
    since a provider may have been silent for long."""

    def last(unit: str, since: datetime | None = None) -> datetime | None:
        statement = select(func.max(Tally.start)).where(
            Tally.unit == unit, Tally.series == "received", Tally.provider == provider
        )
        if since is not None:
            statement = statement.where(Tally.start >= since)
        start: datetime | None = session.scalar(statement)
        return start

    day = last("days")
    return None if day is None else last("minutes", day)


def _piece(session: Session, number: Any, at: Any, counted_to: int) -> Piece | None:
    return marks.next_piece(session, number, at, counted_to, settled=SETTLED, step=STEP)


def _add(session: Session, found: Counter[tuple[str, str, datetime]]) -> None:
    sums: Counter[tuple[str, datetime, str, str]] = Counter()
    for (series, provider, at), count in found.items():
        for unit in UNITS:
            sums[unit, start_of(unit, at), series, provider] += count
    _write(session, sums, adds=True)


def _write(
    session: Session, sums: Mapping[tuple[str, datetime, str, str], int], *, adds: bool
) -> None:
    """Add to the sums that are there, or put others in their place."""
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    statement = insert(Tally)
    new = statement.excluded.count
    statement = statement.on_conflict_do_update(
        index_elements=KEY, set_={"count": Tally.count + new if adds else new}
    )
    rows = [dict(zip(KEY, key, strict=True), count=count) for key, count in sorted(sums.items())]
    if rows:
        # Past the session, as one statement with many rows: compiled once, sent in one go.
        session.connection().execute(statement, rows)
