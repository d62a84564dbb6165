"""Readings: objects as read from a provider, each with a sequence number drawn before the call.

An event that depends on a reading asks for one that began after the event was received; of
several, the one drawn last counts, so readings may finish in any order. The reading that was made
for the event itself began after it, whatever the clocks of two hosts say.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Index, select, tuple_
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock
from domain.database import Base, BigId
from domain.effects import Effect
from domain.ports import Reading, ReadingRequest


class StoredReading(Base):
    """One reading; ``id`` is its sequence number, ``done_at`` is set with the answer."""

    __tablename__ = "readings"
    __table_args__ = (
        Index("ix_readings_object", "provider", "kind", "object_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str]
    kind: Mapped[str]
    object_id: Mapped[str]
    asked_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    document: Mapped[dict[str, Any] | None]
    """Plain, where there are no data keys; otherwise it is in ``sealed``."""
    sealed: Mapped[bytes | None]
    sealed_key: Mapped[bytes | None]
    sealed_by: Mapped[str | None]
    data_key_id: Mapped[int | None]


def begin(session: Session, provider: str, request: ReadingRequest) -> int:
    """Draw the sequence number of a reading that is about to be made."""
    reading = StoredReading(
        provider=provider, kind=request.kind, object_id=request.id, asked_at=clock.now()
    )
    session.add(reading)
    session.flush()
    return reading.id


def complete(session: Session, sequence: int, document: dict[str, Any] | None) -> None:
    """Keep the answer; None: the provider knows no such object."""
    reading = session.get_one(StoredReading, sequence)
    reading.document, reading.done_at = document, clock.now()


def latest(
    session: Session, provider: str, wanted: Iterable[tuple[ReadingRequest, datetime]]
) -> dict[ReadingRequest, Reading]:
    """The last drawn finished reading of each object that began at or after the instant given."""
    since = dict(wanted)
    if not since:
        return {}
    keys = [(request.kind, request.id) for request in since]
    statement = (
        select(StoredReading)
        .where(
            StoredReading.provider == provider,
            tuple_(StoredReading.kind, StoredReading.object_id).in_(keys),
            StoredReading.done_at.is_not(None),
        )
        .order_by(StoredReading.id)
    )
    found: dict[ReadingRequest, Reading] = {}
    for row in session.scalars(statement):
        request = ReadingRequest(row.kind, row.object_id)
        if row.asked_at >= since[request]:
            found[request] = Reading(sequence=row.id, document=row.document)
    return found


def made_for(
    session: Session, event_id: int, wanted: Iterable[ReadingRequest]
) -> dict[ReadingRequest, Reading]:
    """The readings that were made because this event asked for them."""
    requests = {str(request): request for request in wanted}
    if not requests:
        return {}
    statement = (
        select(Effect.target, Effect.result)
        .where(
            Effect.event_id == event_id,
            Effect.kind == "read_object",
            Effect.status == "done",
            Effect.target.in_(requests),
        )
        .order_by(Effect.id)
    )
    found: dict[ReadingRequest, Reading] = {}
    for target, result in session.execute(statement):
        row = session.get(StoredReading, (result or {}).get("sequence", 0))
        if row is not None and row.done_at is not None:
            found[requests[target]] = Reading(sequence=row.id, document=row.document)
    return found
