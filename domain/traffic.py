"""How many webhook calls came from each provider, in slots of five minutes, and how they fared.

Web processes count in memory and add their counts here every few seconds, so that nobody can make
the database work by sending much. A process that is killed takes the counts of its last seconds
with it: this is for judging the traffic, never for the books.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock
from domain.database import Base

SLOT: Final = timedelta(minutes=5)
KEPT: Final = timedelta(days=35)
"""Four weeks of a provider's rhythm and some days."""


class TrafficSlot(Base):
    """What came in five minutes from ``slot`` on. ``unverified`` went into quarantine;
    ``accepted`` counts duplicates, too."""

    __tablename__ = "traffic"

    provider: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    accepted: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    unverified: Mapped[int] = mapped_column(default=0)
    accepted_at: Mapped[datetime | None]
    """When the last authentic one came."""


class Counts(msgspec.Struct):
    """Calls of one provider."""

    accepted: int = 0
    refused: int = 0
    unverified: int = 0
    accepted_at: datetime | None = None


class Counter:
    """The counts of one process that are not in the database yet. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, datetime], Counts] = {}

    def accepted(self, provider: str) -> None:
        """Count an authentic call."""
        now = clock.now()
        with self._lock:
            counts = self._of(provider, now)
            counts.accepted, counts.accepted_at = counts.accepted + 1, now

    def refused(self, provider: str) -> None:
        """Count a call that was not authentic."""
        with self._lock:
            self._of(provider, clock.now()).refused += 1

    def unverified(self, provider: str) -> None:
        """Count a call that went into quarantine."""
        with self._lock:
            self._of(provider, clock.now()).unverified += 1

    def take(self) -> dict[tuple[str, datetime], Counts]:
        """What was counted since the last call."""
        with self._lock:
            taken, self._counts = self._counts, {}
            return taken

    def give_back(self, taken: Mapping[tuple[str, datetime], Counts]) -> None:
        """What could not be stored counts again."""
        with self._lock:
            for (provider, slot), counts in taken.items():
                kept = self._counts.setdefault((provider, slot), Counts())
                kept.accepted += counts.accepted
                kept.refused += counts.refused
                kept.unverified += counts.unverified
                kept.accepted_at = kept.accepted_at or counts.accepted_at

    def _of(self, provider: str, at: datetime) -> Counts:
        return self._counts.setdefault((provider, slot_of(at)), Counts())


def slot_of(at: datetime) -> datetime:
    """The beginning of the slot of an instant."""
    seconds = int(at.timestamp())
    return datetime.fromtimestamp(seconds - seconds % int(SLOT.total_seconds()), UTC)


def add(session: Session, taken: Mapping[tuple[str, datetime], Counts]) -> None:
    """Add counts to the slots, in one order: two processes would deadlock in opposite ones."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    insert: Any = sqlite_insert if is_sqlite else postgresql_insert
    for (provider, slot), counts in sorted(taken.items(), key=lambda each: each[0]):
        values = msgspec.structs.asdict(counts)
        statement = insert(TrafficSlot).values(provider=provider, slot=slot, **values)
        new = statement.excluded
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["provider", "slot"],
                set_={
                    "accepted": TrafficSlot.accepted + new.accepted,
                    "refused": TrafficSlot.refused + new.refused,
                    "unverified": TrafficSlot.unverified + new.unverified,
                    "accepted_at": func.coalesce(new.accepted_at, TrafficSlot.accepted_at),
                },
            )
        )


def between(session: Session, provider: str, start: datetime, end: datetime) -> Counts:
    """What came in the slots that begin from ``start`` until before ``end``."""
    statement = select(
        func.coalesce(func.sum(TrafficSlot.accepted), 0),
        func.coalesce(func.sum(TrafficSlot.refused), 0),
        func.coalesce(func.sum(TrafficSlot.unverified), 0),
    ).where(TrafficSlot.provider == provider, TrafficSlot.slot >= start, TrafficSlot.slot < end)
    accepted, refused, unverified = session.execute(statement).one()
    return Counts(accepted=int(accepted), refused=int(refused), unverified=int(unverified))


def beginning(session: Session, provider: str) -> datetime | None:
    """From when on anything is known of the provider."""
    return session.scalar(
        select(func.min(TrafficSlot.slot)).where(TrafficSlot.provider == provider)
    )


def last_accepted(session: Session) -> dict[str, datetime]:
    """When the last authentic call of each provider came, within the weeks that are kept."""
    statement = select(TrafficSlot.provider, func.max(TrafficSlot.accepted_at)).group_by(
        TrafficSlot.provider
    )
    return {provider: at for provider, at in session.execute(statement) if at is not None}


def forget(session: Session) -> None:
    """Drop slots that no judgement looks at any more."""
    session.execute(delete(TrafficSlot).where(TrafficSlot.slot < clock.now() - KEPT))
