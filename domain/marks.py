"""Up to which number the rows of a table were gone through, by what goes through them in pieces."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select
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


class Piece(NamedTuple):
    """The rows up to ``end`` are next; ``more`` when there are ready ones after them, maybe."""

    end: int
    more: bool


def next_piece(
    session: Session, number: Any, at: Any, after: int, *, settled: timedelta, step: int
) -> Piece | None:
    """The next piece of up to ``step`` rows; None when there is none yet.

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
    first_fresh = fresh.scalar_subquery()
    # Up to the last ready row and not up to the first fresh one: the numbers between them may be
    # those of transactions that have not ended.
    is_ready = or_(first_fresh.is_(None), piece.c.number < first_fresh)
    end, ready = session.execute(
        select(func.max(piece.c.number), func.count()).select_from(piece).where(is_ready)
    ).one()
    # A piece that ends at a fresh row is the last one: what is ready a moment later can wait.
    return Piece(int(end), more=ready == step) if ready else None
