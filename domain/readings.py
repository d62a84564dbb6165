"""Readings: objects as read from a provider, each with a sequence number drawn before the call.

An event that depends on a reading asks for one that began after the event was received; of
several, the one drawn last counts, so readings may finish in any order. The reading that was made
for the event itself began after it, whatever the clocks of two hosts say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Index, select, tuple_
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock, data_keys, keyring, sealing
from domain.database import Base, BigId
from domain.effects import Effect
from domain.errors import Permanent
from domain.keyring import Wrapper
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
    """Keep the answer; None: the provider knows no such object.

    It is sealed like a payload (ADR 0018), where there are keys.
    """
    reading, ring = session.get_one(StoredReading, sequence), keyring.of(session)
    reading.done_at = clock.now()
    if ring is None or document is None:
        reading.document = document
        return
    packed = msgspec.json.encode(document)
    reading.sealed, reading.sealed_key = sealing.seal(packed, ring.newest, about(sequence))
    reading.sealed_by = ring.first


def about(sequence: int) -> bytes:
    """Where the sealed answer of a reading belongs."""
    return f"reading\0{sequence}".encode()


def hand_over(session: Session, used: Sequence[tuple[int, int]], locked: Collection[int]) -> None:
    """Wrap the keys of readings anew by the data keys of the accounts (``locked``) whose events
    used them: ``used`` are pairs of sequence number and account."""
    ring, owners = keyring.of(session), {s: each for s, each in used if each in locked}
    if ring is None or not owners:
        return
    statement = select(StoredReading).where(
        StoredReading.id.in_(owners), StoredReading.sealed_by.is_not(None)
    )
    if not (rows := list(session.scalars(statement))):
        return
    keys = data_keys.of_accounts(session, ring, {owners[row.id] for row in rows})
    for row in rows:
        holder, place = keys[owners[row.id]], about(row.id)
        key = ring.named(row.sealed_by or "").unwrap(row.sealed_key or b"", place)
        row.sealed_key, row.sealed_by = holder.wrapper.wrap(key, place), None
        row.data_key_id = holder.id


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
    last: dict[ReadingRequest, StoredReading] = {}
    for row in session.scalars(statement):
        request = ReadingRequest(row.kind, row.object_id)
        if row.asked_at >= since[request]:
            last[request] = row
    return _opened(session, last)


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
    made: dict[ReadingRequest, StoredReading] = {}
    for target, result in session.execute(statement):
        row = session.get(StoredReading, (result or {}).get("sequence", 0))
        if row is not None and row.done_at is not None:
            made[requests[target]] = row
    return _opened(session, made)


def _opened(
    session: Session, rows: dict[ReadingRequest, StoredReading]
) -> dict[ReadingRequest, Reading]:
    """Those that can be read; what was erased is to be read from the provider again."""
    ids = {row.data_key_id for row in rows.values() if row.data_key_id is not None}
    keys = data_keys.opened(session, ids)
    found: dict[ReadingRequest, Reading] = {}
    for request, row in rows.items():
        if not isinstance(keys.get(row.data_key_id or 0), data_keys.Erased):
            found[request] = Reading(sequence=row.id, document=_document(session, row, keys))
    return found


def _document(
    session: Session, row: StoredReading, keys: dict[int, Wrapper | Permanent]
) -> dict[str, Any] | None:
    """Raises ``Permanent`` when it was changed, or a master key is missing."""
    if row.sealed is None:
        return row.document
    if row.data_key_id is None:
        holder: Wrapper | Permanent = keyring.needed(session).named(row.sealed_by or "")
    else:
        holder = keys[row.data_key_id]
    if isinstance(holder, Permanent):
        raise holder
    key = holder.unwrap(row.sealed_key or b"", about(row.id))
    content = sealing.opened(row.sealed, key, about(row.id))
    return msgspec.json.decode(content, type=dict[str, Any])
