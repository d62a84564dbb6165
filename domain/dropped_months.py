"""What was dropped by age: which month of which store, when, and how many rows that were."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock
from domain.database import Base, insert_once
from domain.months import Month, month_of


class DroppedMonth(Base):
    """A month of a store (``payloads``, …) of which something was dropped. ``rows`` is an estimate
    where a whole partition went at once."""

    __tablename__ = "dropped_months"

    store: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(primary_key=True)
    dropped_at: Mapped[datetime]
    rows: Mapped[int]


def note(session: Session, store: str, month: Month, rows: int) -> bool:
    """Add rows to what was dropped of a month; tells whether they are the first of it."""
    key = {"store": store, "month": str(month)}
    if insert_once(session, DroppedMonth, **key, dropped_at=clock.now(), rows=rows):
        return True
    known = session.get_one(DroppedMonth, (store, str(month)), populate_existing=True)
    known.rows, known.dropped_at = known.rows + rows, clock.now()
    return False


def when(session: Session, store: str, instant: datetime) -> datetime | None:
    """When what came at the instant was dropped; None when nothing of its month was."""
    # The first partition of a table goes as one, under the name of its last month.
    statement = (
        select(DroppedMonth.dropped_at)
        .where(DroppedMonth.store == store, DroppedMonth.month >= str(month_of(instant)))
        .order_by(DroppedMonth.month)
        .limit(1)
    )
    return session.scalar(statement)
