"""Up to which number the rows of a table were gone through, by what goes through them in pieces."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock
from domain.database import Base, insert_once


class Mark(Base):
    """One walk: everything up to and including ``counted_to`` is done."""

    __tablename__ = "tally_marks"

    name: Mapped[str] = mapped_column(primary_key=True)
    counted_to: Mapped[int]


def of(session: Session, name: str, start: int = 0) -> Mark:
    """The mark of that name, locked; a new one stands at ``start``."""
    insert_once(session, Mark, name=name, counted_to=start)
    return session.scalars(select(Mark).where(Mark.name == name).with_for_update()).one()


def end_of_piece(
    session: Session, number: Any, at: Any, after: int, *, settled: timedelta, step: int
) -> int | None:
    """The number of the last row of the next piece of up to ``step`` rows; None when there is none
    yet.

    ``number`` and ``at`` are columns of the table: its growing number and when a row was written.
    A row is ready when it and all before it are older than ``settled``, longer than a transaction
    takes that writes one: so no row with a smaller number turns up later.
    """
    piece = (
        select(number.label("number"), at.label("at"))
        .where(number > after)
        .order_by(number)
        .limit(step)
        .subquery()
    )
    fresh = select(func.min(piece.c.number)).where(piece.c.at >= clock.now() - settled)
    last, first_fresh = session.execute(
        select(func.max(piece.c.number), fresh.scalar_subquery())
    ).one()
    end = last if first_fresh is None else first_fresh - 1
    return None if end is None or end <= after else int(end)
