"""How far the providers' lists were walked: up to which instant everything in them is known here.

A position only moves over what was read and stored. It is walked on with an overlap, because a
provider may list an event a little late, and with a lag, because the webhook has the first word.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock
from domain.database import Base, insert_once

EVENTS: Final = "events"
"""The list of what a provider announced."""
MONEY: Final = "money"
"""The round over the money of the last days; ``cursor`` says where it goes on."""

EVERY: Final = timedelta(minutes=3)
LAG: Final = timedelta(minutes=2)
"""What is younger is left to the webhook."""
OVERLAP: Final = timedelta(minutes=15)
REACH: Final = timedelta(days=30)
"""How far back the providers' lists go."""
FAILING_AFTER: Final = timedelta(minutes=30)
"""Without a success for so long a person is told."""

FIRST_SPAN: Final = timedelta(minutes=20)
"""A walk in good time is one slice; a long one begins with slices of this length."""
SHORTEST_SPAN: Final = timedelta(minutes=1)
LONGEST_SPAN: Final = timedelta(days=5)
FEW: Final = 100
MANY: Final = 1_000
"""Events in a slice: below ``FEW`` (a page) the next one is longer, above ``MANY`` shorter."""


class Position(Base):
    """Where one list of one provider stands.

    ``found`` counts what should have come by webhook and did not; ``failing_since`` and ``error``
    are set from the first failure to the next success.
    """

    __tablename__ = "positions"

    provider: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    reached: Mapped[datetime]
    cursor: Mapped[str | None]
    runs: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime | None]
    succeeded_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    error: Mapped[str | None]
    found: Mapped[int] = mapped_column(default=0)
    found_at: Mapped[datetime | None]


class Window(NamedTuple):
    """A span of time to walk; empty when ``since`` is not before ``until``."""

    since: datetime
    until: datetime


def of(session: Session, provider: str, name: str) -> Position:
    """The position, locked; a new one begins at the present."""
    key = {"provider": provider, "name": name}
    found = session.get(Position, key, with_for_update=True)
    if found is None:
        insert_once(session, Position, **key, reached=clock.now(), runs=0, found=0)
        found = session.get_one(Position, key, with_for_update=True)
    return found


def window(reached: datetime, now: datetime) -> Window:
    """What to walk now, from a position on."""
    return Window(max(reached - OVERLAP, now - REACH), now - LAG)


def gap(reached: datetime, now: datetime) -> Window | None:
    """The time after the position that no list reaches back to any more."""
    return Window(reached, now - REACH) if reached < now - REACH else None


def next_span(span: timedelta, listed: int) -> timedelta:
    """How long the next slice should be after one in which so many events were listed."""
    if listed > MANY:
        return max(SHORTEST_SPAN, span / 2)
    return min(LONGEST_SPAN, span * 4) if listed < FEW else span


def advance(position: Position, since: datetime, until: datetime) -> None:
    """Everything between the instants is known now; a walk that left a hole moves nothing."""
    if since <= position.reached < until:
        position.reached = until


def is_due(position: Position, now: datetime) -> bool:
    """Whether another run should begin: after a while, or at once when the last one was cut short
    by its time limit."""
    began = position.started_at
    if began is None or now - began >= EVERY:
        return True
    return position.error is None and position.reached < began - LAG


def begin(position: Position, now: datetime) -> int:
    """Begin a run; returns its number."""
    position.runs, position.started_at = position.runs + 1, now
    return position.runs


def succeed(position: Position, now: datetime) -> None:
    """A run came to its end."""
    position.succeeded_at = now
    position.failing_since = position.error = None


def fail(position: Position, now: datetime, error: str) -> bool:
    """A run broke off; tells whether that has been so for long enough to tell a person."""
    position.error = error
    position.failing_since = position.failing_since or now
    return now - position.failing_since >= FAILING_AFTER
