"""What a stored event says: its payload translated with the readings that have been made for it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from domain import readings
from domain.errors import Permanent
from domain.inbox import Event
from domain.ports import Reading, ReadingRequest
from webhooks.providers import Registry
from webhooks.providers.provider import Envelope, Translation, Translator

Known = dict[ReadingRequest, Reading]


def translate(
    providers: Registry, session: Session, event: Event, body: bytes
) -> tuple[Translation, Known]:
    """The facts of an event, or what must be read first; and the readings that were used.

    Raises ``Permanent`` when its provider is switched off, and what the translator raises.
    """
    translator = _translator(providers, event)
    envelope = Envelope(
        event_id=event.provider_event_id,
        event_type=event.type,
        body=body,
        received_at=event.received_at,
    )
    known: Known = {}
    said = translator(envelope, known)
    # What was read may show what else must be read.
    while fresh := _fresh(session, event, said, known):
        known.update(fresh)
        said = translator(envelope, known)
    return said, known


def _translator(providers: Registry, event: Event) -> Translator:
    provider = providers.get(event.provider)
    if provider is None:
        raise Permanent(f"provider {event.provider} is switched off; set its settings and retry")
    return provider.translator


def _fresh(session: Session, event: Event, said: Translation, known: Known) -> Known:
    unread = [need for need in said.needs if need not in known]
    since = [(need, event.received_at) for need in unread]
    found = readings.latest(session, event.provider, since)
    # The clock of the host that received the event may be ahead of the one that asked.
    own = readings.made_for(session, event.id, [need for need in unread if need not in found])
    return {**found, **own}
