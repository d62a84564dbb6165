"""Series over time for a chart: as data for the script that draws it, and as a drawing for readers
without scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from domain import clock, tallies

WIDTH: Final = 600
HEIGHT: Final = 150


class Period(msgspec.Struct, frozen=True):
    """A stretch of time that a chart shows, and the length of its steps."""

    unit: str
    length: timedelta


PERIODS: Final = {
    "day": Period("minutes", timedelta(days=1)),
    "week": Period("hours", timedelta(days=7)),
    "quarter": Period("days", timedelta(days=90)),
}


class Line(msgspec.Struct, frozen=True):
    """One series: what it is called, its colour's name, and a value per step (None: unknown)."""

    label: str
    tone: str
    values: Sequence[int | None]


class Chart(msgspec.Struct, frozen=True):
    """Lines over the same steps; ``times`` are seconds since 1970."""

    title: str
    times: Sequence[int]
    lines: Sequence[Line]

    @property
    def data(self) -> str:
        """The whole as JSON."""
        return msgspec.json.encode(self).decode()

    @property
    def most(self) -> int:
        """The largest value."""
        return max((v for line in self.lines for v in line.values if v is not None), default=0)

    def path(self, line: Line) -> str:
        """The line as the path of a drawing that is ``WIDTH`` by ``HEIGHT``."""
        across = WIDTH / max(1, len(self.times) - 1)
        up = HEIGHT / max(1, self.most)
        parts, is_drawing = [], False
        for step, value in enumerate(line.values):
            if value is not None:
                command = "L" if is_drawing else "M"
                parts.append(f"{command}{step * across:.1f} {HEIGHT - value * up:.1f}")
            is_drawing = value is not None
        return "".join(parts)


def steps(period: Period) -> list[datetime]:
    """The starts of the steps that are over, oldest first, and of the one that runs."""
    end = tallies.start_of(period.unit, clock.now())
    length = tallies.UNITS[period.unit]
    first = tallies.start_of(period.unit, end - period.length)
    return [first + number * length for number in range(int((end - first) / length) + 1)]


def counted(starts: Sequence[datetime], found: Mapping[datetime, int]) -> list[int | None]:
    """How often something happened in each step; where nothing was counted, never."""
    return [found.get(start, 0) for start in starts]


def measured(starts: Sequence[datetime], found: Mapping[datetime, int]) -> list[int | None]:
    """How much there was of something at each step; where nobody looked, unknown."""
    return [found.get(start) for start in starts]
