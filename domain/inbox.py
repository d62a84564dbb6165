"""The inbox: every authentic event once, with its deliveries, its payload and its attempts.

A *delivery* is one HTTP call; an *event* is the provider's event, unique by ``(provider,
provider_event_id)``. What is to be done stands in ``next_attempt_at`` under a partial index.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Index, Text, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock, data_keys
from domain.database import Base, BigId
from domain.errors import Refused

DUE_STATES: Final = ("received", "waiting", "unmatched")
"""States in which an event will be worked on when its time comes."""
FINISHED: Final = ("processed", "ignored", "dismissed")
_DUE: Final = "status IN ('received', 'waiting', 'unmatched')"
_QUARANTINED: Final = "status = 'quarantined'"
FACETS: Final = ("status", "provider", "type", "origin")
"""Columns with few different values, in the order of their index."""


def _only(condition: str) -> dict[str, Any]:
    """Of which rows an index is."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


class Event(Base):
    """A provider's event and where it stands (the states are those of the contract)."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("provider", "provider_event_id"),
        Index("ix_events_due", "next_attempt_at", "id", **_only(_DUE)),
        Index("ix_events_quarantined", "next_attempt_at", **_only(_QUARANTINED)),
        Index(
            "ix_events_account",
            *("account_id", "received_at", "id"),
            **_only("account_id IS NOT NULL"),
        ),
        Index("ix_events_facets", *FACETS, "received_at", "id"),
        Index("ix_events_received", "received_at", "id"),
        *(
            Index(
                f"ix_events_{column}",
                column,
                *more,
                **_only(f"{column} IS NOT NULL"),
                # With it the index serves beginnings of a text in any locale.
                postgresql_ops={column: "text_pattern_ops"},
            )
            for column, more in (
                ("payment", ()),
                ("order_id", ()),
                ("fingerprint", ("received_at", "id")),
            )
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str]
    provider_event_id: Mapped[str]
    type: Mapped[str]
    status: Mapped[str]
    origin: Mapped[str]
    delivery_id: Mapped[str]
    """The delivery that brought it first; empty for one that only the provider's list had."""
    received_at: Mapped[datetime]
    created_at: Mapped[datetime | None]
    """When the provider says it happened; orders nothing."""
    livemode: Mapped[bool | None]
    next_attempt_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    account_id: Mapped[int | None]
    order_id: Mapped[str | None]
    payment: Mapped[str | None]
    """The provider's id of the payment it speaks of, for search."""
    amount: Mapped[int | None]
    """How much it speaks of, in minor units of ``currency``."""
    currency: Mapped[str | None]
    finished_at: Mapped[datetime | None]
    note: Mapped[str | None]
    """Why it was ignored, what it waits for, or how it failed, in one line."""
    fingerprint: Mapped[str | None]
    """What its failure has in common with others; None while it has not failed."""
    failed_at: Mapped[datetime | None]
    """When it failed last, as long as it has not succeeded."""
    sealed_key: Mapped[bytes | None]
    """The key of its payload, wrapped; None where the payload is plain (``domain/payloads.py``)."""
    sealed_by: Mapped[str | None]
    """The master key that wraps it, until the account is known."""
    data_key_id: Mapped[int | None]
    """The account's data key that wraps it since."""


class Payload(Base):
    """The raw bytes of an event as they were signed; apart from ``events`` so that they can be
    dropped by age.

    On PostgreSQL this table, the deliveries and the attempts have a partition a month
    (``domain/partitions.py``), and their primary key there holds the time, too.
    """

    __tablename__ = "payloads"

    event_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    received_at: Mapped[datetime]
    body: Mapped[bytes]


class Delivery(Base):
    """One HTTP call of a provider. Its ``delivery_key`` is unique, too, which ``Transmission``
    sees to."""

    __tablename__ = "deliveries"
    __table_args__ = (Index("ix_deliveries_event", "provider", "provider_event_id"),)

    id: Mapped[str] = mapped_column(
        Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True
    )
    """Grows with time: it begins with the microseconds since 1970 in 16 hexadecimal digits."""
    provider: Mapped[str]
    delivery_key: Mapped[str | None]
    provider_event_id: Mapped[str]
    received_at: Mapped[datetime]
    source: Mapped[str | None]
    headers: Mapped[dict[str, Any]]
    signer: Mapped[str | None]
    body_sha256: Mapped[bytes]


class Attempt(Base):
    """One try at an event or an effect, with what came of it."""

    __tablename__ = "attempts"
    __table_args__ = (
        Index("ix_attempts_event", "event_id"),
        Index("ix_attempts_effect", "effect_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int | None]
    effect_id: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(default=clock.now)
    outcome: Mapped[str]
    error: Mapped[str | None]
    traceback: Mapped[str | None]
    worker: Mapped[str | None]


def claim(session: Session, limit: int, only: int | None = None) -> list[Event]:
    """Lock up to ``limit`` due events that nobody else works on, the longest due first; with
    ``only``, that one if it is due and free."""
    chosen = () if only is None else (Event.id == only,)
    statement = (
        select(Event)
        .where(Event.status.in_(DUE_STATES), Event.next_attempt_at <= clock.now(), *chosen)
        .order_by(Event.next_attempt_at, Event.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(statement))


def bodies(session: Session, events: Sequence[Event]) -> dict[int, bytes]:
    """The raw payloads of the events."""
    times = [event.received_at for event in events] or [clock.now()]
    statement = select(Payload.event_id, Payload.body).where(
        Payload.event_id.in_([event.id for event in events]),
        # So that only the months are looked at in which they can be.
        Payload.received_at.between(min(times), max(times)),
    )
    return {event_id: bytes(body) for event_id, body in session.execute(statement)}


def finish(event: Event, status: str, note: str | None = None) -> None:
    """Mark an event ``processed``, ``ignored`` or ``dismissed``, in the transaction of its work."""
    event.status, event.note = status, note
    event.next_attempt_at, event.finished_at = None, clock.now()
    event.fingerprint = event.failed_at = None


def postpone(
    event: Event, status: str, delay: timedelta, note: str, fingerprint: str | None = None
) -> None:
    """Plan another try in ``delay``: status ``waiting`` or ``unmatched``; ``fingerprint`` when it
    failed, and does not merely wait."""
    event.status, event.note = status, note
    event.next_attempt_at = clock.now() + delay
    _mark_failed(event, fingerprint)


def park(event: Event, note: str, fingerprint: str | None = None) -> None:
    """Leave it to a person."""
    event.status, event.note, event.next_attempt_at = "parked", note, None
    _mark_failed(event, fingerprint)


def make_due(event: Event) -> None:
    """Have it worked on at once; a finished event is not touched."""
    if event.status in DUE_STATES:
        event.next_attempt_at = clock.now()


def find(session: Session, event_id: int, *, lock: bool = False) -> Event:
    """The event of that number. Raises ``Refused`` (404)."""
    event = session.get(Event, event_id, with_for_update=lock or None)
    if event is None:
        said = f"There is no event {event_id}."
        raise Refused("event_unknown", said, status=404, number=event_id)
    return event


def retry(session: Session, event_id: int, *, actor: str, reason: str) -> Event:
    """Have an event worked on again, from its first try on.

    Raises ``Refused`` for one in quarantine (nobody knows yet whether it is authentic), for one
    that is finished (that is what a replay is for), and for one whose payload was erased.
    """
    event = find(session, event_id, lock=True)
    if event.status == "quarantined" or event.status in FINISHED:
        raise Refused(
            "event_not_retryable",
            f"Event {event_id} is {event.status}; only events that wait or are parked can be "
            "retried. Use a replay for one that was finished.",
            number=event_id,
            state=event.status,
        )
    refuse_erased(session, event)
    event.status, event.attempts, event.next_attempt_at = "received", 0, clock.now()
    _note_decision(session, event, "retry asked for", actor, reason)
    return event


def replay(session: Session, event: Event, *, actor: str, reason: str) -> None:
    """Have an event (locked) worked on again from its first try on, also when it was finished.

    Raises ``Refused`` for one in quarantine (nobody knows yet whether it is authentic), and for
    one whose payload was erased.
    """
    if event.status == "quarantined":
        said = f"Event {event.id} is in quarantine."
        raise Refused("event_quarantined", said, number=event.id)
    refuse_erased(session, event)
    event.status, event.origin, event.attempts = "received", "replay", 0
    event.next_attempt_at = clock.now()
    # Its fingerprint stays until it is worked: meanwhile it is unfinished as before.
    event.finished_at = event.failed_at = None
    _note_decision(session, event, "replay asked for", actor, reason)


def refuse_erased(session: Session, event: Event) -> None:
    """Raise ``Refused`` when the payload of the event was erased: nobody can work it again."""
    at = data_keys.destroyed_at(session, event.data_key_id)
    if at is not None:
        raise Refused(
            "payload_erased",
            f"The payload of event {event.id} was erased on {at:%Y-%m-%d} on request of the "
            "customer: it cannot be worked again. Dismiss the event.",
            number=event.id,
            at=at,
        )


def dismiss(session: Session, event_id: int, *, actor: str, reason: str) -> Event:
    """Give an event up, with the reason. Raises ``Refused`` for one that was processed."""
    event = find(session, event_id, lock=True)
    if event.status in FINISHED:
        said = f"Event {event_id} is {event.status} already."
        raise Refused("event_finished", said, number=event_id, state=event.status)
    finish(event, "dismissed", reason)
    _note_decision(session, event, "dismissed", actor, reason)
    return event


def _mark_failed(event: Event, fingerprint: str | None) -> None:
    event.fingerprint = fingerprint
    event.failed_at = clock.now() if fingerprint else None


def _note_decision(session: Session, event: Event, outcome: str, actor: str, reason: str) -> None:
    session.add(
        Attempt(
            event_id=event.id,
            at=clock.now(),
            outcome=outcome,
            error=reason or None,
            worker=actor,
        )
    )
