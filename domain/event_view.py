"""One event with everything that belongs to it: deliveries, payload, attempts, effects."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import inbox, masking, payloads
from domain.accounts import Account
from domain.data_keys import Erased
from domain.dropped_months import when
from domain.effects import Effect
from domain.errors import Permanent
from domain.inbox import Attempt, Delivery, Event

MOST = 500
"""Of deliveries, attempts and effects each, so many are shown: the latest."""


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an event. ``payload`` is the decoded JSON, or the text when it is none;
    None when it was dropped by age, or ``unreadable`` says why. ``attempts`` are those at the event
    itself and the lines that its effects left; each list is in the order of time."""

    event: Event
    account: str | None
    payload: Any
    body: bytes | None
    """As it was signed; holds personal data."""
    erased_at: datetime | None
    """When the payload was erased on request."""
    unreadable: str | None
    """Why the payload that is there cannot be read."""
    dropped_at: datetime | None
    """When the payload was dropped by age, where that is known."""
    deliveries: list[Delivery]
    attempts: list[Attempt]
    effects: list[Effect]


def view(session: Session, event_id: int, *, unmasked: bool = False) -> EventView:
    """The event of that number; personal data in its payload are covered unless ``unmasked``.

    Raises ``Refused`` (404).
    """
    event = inbox.find(session, event_id)
    payload = payloads.read(session, [event]).get(event.id)
    body = payload if isinstance(payload, bytes) else None
    account = session.get(Account, event.account_id) if event.account_id else None
    document = readable(body) if body is not None else None
    return EventView(
        event=event,
        account=account.ref if account else None,
        payload=document if unmasked else _covered(document),
        body=body,
        erased_at=payload.at if isinstance(payload, Erased) else None,
        unreadable=str(payload) if isinstance(payload, Permanent) else None,
        dropped_at=None if payload is not None else when(session, "payloads", event.received_at),
        deliveries=_deliveries(session, event),
        attempts=_latest(session, Attempt, event.id),
        effects=_latest(session, Effect, event.id),
    )


def readable(body: bytes) -> Any:
    """The body as JSON, or as text when it is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body.decode("utf-8", "replace")


def _covered(document: Any) -> Any:
    # A body that is no JSON may hold anything anywhere.
    return masking.COVER if isinstance(document, str) else masking.masked(document)


def _deliveries(session: Session, event: Event) -> list[Delivery]:
    statement = (
        select(Delivery)
        .where(
            Delivery.provider == event.provider,
            Delivery.provider_event_id == event.provider_event_id,
        )
        .order_by(Delivery.received_at.desc(), Delivery.id)
        .limit(MOST)
    )
    found = list(session.scalars(statement))
    first = session.get(Delivery, event.delivery_id)
    # A second body under a known id is an event of its own, whose delivery names the first.
    if first is not None and first not in found:
        found.append(first)
    return found[::-1]


def _latest(session: Session, table: Any, event_id: int) -> list[Any]:
    statement = (
        select(table).where(table.event_id == event_id).order_by(table.id.desc()).limit(MOST)
    )
    return list(session.scalars(statement))[::-1]
