"""The round over all accounts and all numbers of papers, a piece at a time, once a day or faster.

What somebody changed by hand leaves no trace that could be followed; the round comes by.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from domain import marks
from domain.accounts import Account
from domain.invoices import Invoice, NumberSeries

PIECES: Final = 24 * 60
"""A round has at most so many pieces: at one a minute it takes a day."""
FEWEST: Final = 1000
"""Accounts in a piece, at least: a store with fewer is looked at as a whole each time."""
NUMBERS: Final = 20_000
"""Numbers of a series in a piece: a round over a million of them takes less than an hour."""


def next_accounts(session: Session) -> list[int]:
    """The accounts of the next piece; after the last ones the round begins anew."""
    mark = marks.of(session, "round")
    newest = session.scalar(select(func.max(Account.id))) or 0
    size = max(FEWEST, -(-newest // PIECES))
    later = select(Account.id).where(Account.id > mark.counted_to).order_by(Account.id).limit(size)
    found = list(session.scalars(later))
    mark.counted_to = found[-1] if len(found) == size else 0
    return found


def series_look_whole(session: Session) -> bool:
    """Whether the next piece of every number series, and what was numbered since the last time, is
    gapless up to the counter. If not, the invariant says what is the matter."""
    return all(_looks_whole(session, each) for each in _series(session))


def _series(session: Session) -> Iterator[str]:
    """The series that papers are in, one step in the index for each, and those with a counter."""
    counted = set(session.scalars(select(NumberSeries.series)))
    yield from sorted(counted)
    name: str | None = ""
    while name is not None:
        name = session.scalar(select(func.min(Invoice.series)).where(Invoice.series > name))
        if name is not None and name not in counted:
            yield name


def _looks_whole(session: Session, series: str) -> bool:
    proved, again = marks.of(session, f"proved {series}"), marks.of(session, f"round {series}")
    since, start = proved.counted_to, again.counted_to
    new, last = _numbered(series, since), _greatest(series)
    piece = _numbered(series, start, start + NUMBERS)
    row = session.execute(
        select(new, last, piece, NumberSeries.last).where(NumberSeries.series == series)
    ).first()
    if row is None:
        return False
    # All four are of one moment: a paper gets its number and the counter moves in one transaction.
    added, greatest, walked, counter = row
    end = min(start + NUMBERS, counter)
    whole = (added, greatest or 0, walked) == (counter - since, counter, max(0, end - start))
    if whole:
        proved.counted_to, again.counted_to = counter, end if end < counter else 0
    return whole


def _numbered(series: str, after: int, until: int | None = None) -> ColumnElement[int]:
    """How many papers have a number after one and up to another; from the first on, also those
    that have none above zero."""
    papers = select(func.count(Invoice.position)).where(Invoice.series == series)
    if after:
        papers = papers.where(Invoice.position > after)
    if until is not None:
        papers = papers.where(Invoice.position <= until)
    return papers.scalar_subquery()


def _greatest(series: str) -> ColumnElement[int]:
    return select(func.max(Invoice.position)).where(Invoice.series == series).scalar_subquery()
