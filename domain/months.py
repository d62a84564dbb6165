"""Calendar months in UTC: the pieces in which what grows is kept and dropped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import Session

_WRITTEN: Final = re.compile(r"(\d{4})[-_](\d\d)")


class Month(NamedTuple):
    """One month; ``number`` is 1 to 12. Months compare as they follow each other."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    @property
    def start(self) -> datetime:
        """Its first instant."""
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first instant after it."""
        return self.plus(1).start

    def plus(self, months: int) -> Month:
        """The month so many months later (earlier, when negative)."""
        year, index = divmod(self.year * 12 + self.number - 1 + months, 12)
        return Month(year, index + 1)


def month_of(instant: datetime) -> Month:
    """The month that an instant lies in."""
    there = instant.astimezone(UTC)
    return Month(there.year, there.month)


def written(text: str) -> Month:
    """The month in ``2026-11`` or ``2026_11``. Raises ``ValueError``."""
    found = _WRITTEN.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= 12:
        raise ValueError(f"{text!r} is no month like 2026-11")
    return Month(int(found[1]), int(found[2]))


def told_by(session: Session, at: Any) -> ColumnElement[str]:
    """In a query: the month of a column of instants, as ``written`` reads it."""
    # The types of the columns would read the text as an instant.
    if session.get_bind().dialect.name == "sqlite":
        return func.strftime("%Y-%m", at)
    return func.to_char(func.timezone("UTC", at), "YYYY-MM")


def between(first: Month, last: Month) -> Iterator[Month]:
    """The months from the first to the last, both included."""
    while first <= last:
        yield first
        first = first.plus(1)


def id_since(instant: datetime) -> str:
    """The smallest id of a delivery that arrived at the instant: its microseconds since 1970 in 16
    hexadecimal digits, as ids begin."""
    return f"{int(instant.timestamp() * 1e6):016x}"
