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
FATES: Final = {200: "accepted", 202: "unverified", 400: "refused", 429: "refused"}
"""What became of a call, by the status of its answer."""


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
    """When the last authentic one came, within the seconds between two stores."""
    trusted_until: Mapped[datetime | None]
    """Until when the certificate holds that verified last."""


class Counts(msgspec.Struct):
    """Calls of one provider."""

    accepted: int = 0
    refused: int = 0
    unverified: int = 0


class Counter:
    """The counts of one process that are not in the database yet. Safe to share between threads;
    bounded, because only providers that are switched on are counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, Counts] = {}

    def count(self, provider: str, status: int) -> None:
        """Count a call to the provider's webhook by the status that it was answered with."""
        name = FATES.get(status)
        if name is None:
            return
        with self._lock:
            counts = self._counts.setdefault(provider, Counts())
            setattr(counts, name, getattr(counts, name) + 1)

    def take(self) -> dict[str, Counts]:
        """What was counted since the last call, by provider."""
        with self._lock:
            taken, self._counts = self._counts, {}
            return taken

    def give_back(self, taken: Mapping[str, Counts]) -> None:
        """What could not be stored counts again."""
        with self._lock:
            for provider, counts in taken.items():
                kept = self._counts.setdefault(provider, Counts())
                kept.accepted += counts.accepted
                kept.refused += counts.refused
                kept.unverified += counts.unverified


def slot_of(at: datetime) -> datetime:
    """The beginning of the slot of an instant."""
    seconds = int(at.timestamp())
    return datetime.fromtimestamp(seconds - seconds % int(SLOT.total_seconds()), UTC)


def add(
    session: Session, taken: Mapping[str, Counts], trusted: Mapping[str, datetime | None]
) -> None:
    """Add counts to the slot of now, in one order: two processes would deadlock in opposite ones.

    ``trusted`` says until when what verifies a provider's deliveries holds, where that is known.
    """
    now = clock.now()
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    insert: Any = sqlite_insert if is_sqlite else postgresql_insert
    for provider, counts in sorted(taken.items()):
        statement = insert(TrafficSlot).values(
            provider=provider,
            slot=slot_of(now),
            accepted_at=now if counts.accepted else None,
            trusted_until=trusted.get(provider),
            **msgspec.structs.asdict(counts),
        )
        changes = _added(statement.excluded)
        keys = ["provider", "slot"]
        session.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes))


def _added(new: Any) -> dict[str, Any]:
    return {
        "accepted": TrafficSlot.accepted + new.accepted,
        "refused": TrafficSlot.refused + new.refused,
        "unverified": TrafficSlot.unverified + new.unverified,
        "accepted_at": func.coalesce(new.accepted_at, TrafficSlot.accepted_at),
        "trusted_until": func.coalesce(new.trusted_until, TrafficSlot.trusted_until),
    }


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


def trusted_until(session: Session, provider: str) -> datetime | None:
    """Until when the certificate holds that verified the provider's latest calls."""
    statement = (
        select(TrafficSlot.trusted_until)
        .where(TrafficSlot.provider == provider, TrafficSlot.trusted_until.is_not(None))
        .order_by(TrafficSlot.slot.desc())
        .limit(1)
    )
    return session.scalar(statement)


def forget(session: Session) -> None:
    """Drop slots that no judgement looks at any more."""
    session.execute(delete(TrafficSlot).where(TrafficSlot.slot < clock.now() - KEPT))
