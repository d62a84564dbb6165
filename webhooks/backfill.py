"""Enters into the inbox what a provider lists and no webhook brought.

The unique key decides, as for deliveries: what is known stays as it is. A listed event comes from
the provider's own API, so nothing has to be verified; its body is kept as canonical JSON, because
the bytes that would have been delivered are not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import clock
from domain.errors import Permanent
from domain.inbox import Event
from domain.missed import Missed
from webhooks import inbox_rows
from webhooks.inbox_rows import Incoming
from webhooks.providers import Provider
from webhooks.providers.provider import Envelope

BATCH: Final = 200
"""Events that share a transaction."""


class Entered(msgspec.Struct, kw_only=True):
    """What became of listed events: known before, of no concern to us, or entered; ``missed`` are
    those among the latter that should have come by webhook."""

    listed: int = 0
    known: int = 0
    foreign: int = 0
    entered: int = 0
    missed: list[Missed] = []

    def add(self, other: Entered) -> None:
        """Count another batch as well."""
        self.listed += other.listed
        self.known += other.known
        self.foreign += other.foreign
        self.entered += other.entered
        self.missed = [*self.missed, *other.missed]


def incoming(provider: Provider, document: dict[str, Any]) -> Incoming:
    """A listed event as a row of the inbox; one that is no event is parked, as at the edge."""
    body = msgspec.json.encode(document, order="deterministic")
    row = Incoming(
        provider=provider.name,
        identity=provider.verifier.identify(body),
        body=body,
        headers={},
        received_at=clock.now(),
        origin="backfill",
    )
    if row.identity.malformed:
        row.status, row.note = "parked", "the provider lists it, but this is no event"
        row.fingerprint = f"{provider.name}: the body is no event"
    return row


def enter(session: Session, provider: Provider, documents: Sequence[dict[str, Any]]) -> Entered:
    """Insert what is missing of up to ``BATCH`` listed events."""
    # Sorted: opposite orders of the same ids would deadlock with another walk or the intake.
    rows = sorted(
        (incoming(provider, document) for document in documents),
        key=lambda row: row.identity.event_id,
    )
    known = _known(session, provider.name, rows)
    done = Entered(listed=len(rows))
    for row in rows:
        _enter_one(session, provider, row, known, done)
    return done


def _enter_one(
    session: Session, provider: Provider, row: Incoming, known: set[str], done: Entered
) -> None:
    identity = row.identity
    if identity.event_id in known:
        done.known += 1
        return
    was_due = _should_have_come(provider, row)
    if not (was_due or _means_anything(provider, row)):
        done.foreign += 1
    elif not inbox_rows.insert_listed(session, row):
        # Somebody else was a moment faster, or the list names it twice.
        done.known += 1
    else:
        done.entered += 1
        if was_due:
            done.missed.append(Missed(type=identity.event_type, created_at=identity.created_at))


def _known(session: Session, provider: str, rows: Sequence[Incoming]) -> set[str]:
    statement = select(Event.provider_event_id).where(
        Event.provider == provider,
        Event.provider_event_id.in_([row.identity.event_id for row in rows]),
    )
    return set(session.scalars(statement))


def _should_have_come(provider: Provider, row: Incoming) -> bool:
    """Whether an endpoint that is set up as documented would have been sent it."""
    return row.identity.malformed or row.identity.event_type in provider.spec.event_types


def _means_anything(provider: Provider, row: Incoming) -> bool:
    """Whether there is something for us in an event that no webhook would bring.

    A provider lists everything that happens in its account; what nobody subscribed to and nobody
    reads would only hide what was really missed.
    """
    envelope = Envelope(
        event_id=row.identity.event_id,
        event_type=row.identity.event_type,
        body=row.body,
        received_at=row.received_at,
    )
    try:
        return not provider.translator(envelope, {}).ignored
    except Permanent:
        return True
