"""Hands a sandbox's held webhooks over to books, as the edge and the workers do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import update

from domain import clock, inbox
from domain.effects import Effect
from domain.inbox import Event
from webhooks import inbox_rows
from webhooks.inbox_rows import Incoming
from webhooks.providers.provider import Delivery
from webhooks.sandbox.delivery import Message
from workers import perform_effects, process_events
from workers.runtime import Runtime

PATIENCE: Final = 12
"""Rounds of bringing retries forward: more than any event may be tried."""


def hand_over(books: Runtime, messages: Sequence[Message]) -> None:
    """Verify and commit transmissions signed now, and work on them once."""
    rows = [_received(books, message) for message in messages]
    if rows:
        with books.database.transaction() as session:
            inbox_rows.insert(session, rows)
    _work(books)


def settle(books: Runtime) -> None:
    """Work until nothing waits; the clock stands still, so retries come to it."""
    for _ in range(PATIENCE):
        _work(books)
        with books.database.transaction() as session:
            session.execute(
                update(Event)
                .where(Event.status.in_(inbox.DUE_STATES))
                .values(next_attempt_at=clock.now())
            )
            session.execute(
                update(Effect)
                .where(Effect.status.in_(("wanted", "waiting")), Effect.kind == "read_object")
                .values(next_attempt_at=clock.now())
            )


def _work(books: Runtime) -> None:
    while process_events.drain(books) + perform_effects.drain(books):
        pass


def _received(books: Runtime, message: Message) -> Incoming:
    provider = books.providers[message.provider]
    headers, body = message.transmission()
    named = {name.lower(): value for name, value in headers.items()}
    delivery = Delivery(headers=named, body=body, received_at=clock.now())
    verdict = provider.verifier.verify(delivery)
    assert verdict.status == "authentic", verdict.reason
    return Incoming(
        provider=message.provider,
        identity=provider.verifier.identify(body),
        body=body,
        headers=named,
        received_at=delivery.received_at,
        delivery_key=verdict.delivery_key,
    )
