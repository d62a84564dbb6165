"""What a stored event says: its payload translated with the readings that have been made for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from sqlalchemy.orm import Session

from domain import readings
from domain.errors import Permanent
from domain.inbox import Event
from domain.ports import Reading, ReadingRequest
from webhooks.providers import Registry
from webhooks.providers.provider import Envelope, Translation, Translator

Known = dict[ReadingRequest, Reading]
MOST: Final = 10**15
"""No number that anybody means is larger; the database's whole numbers end at 9 * 10**18."""


def translate(
    providers: Registry, session: Session, event: Event, body: bytes
) -> tuple[Translation, Known]:
    """The facts of an event, or what must be read first; and the readings that were used.

    Raises ``Permanent`` when its provider is switched off or when it says what no database can
    hold, and what the translator raises.
    """
    translator = _translator(providers, event)
    envelope = Envelope(
        event_id=event.provider_event_id,
        event_type=event.type,
        body=body,
        received_at=event.received_at,
    )
    known: Known = {}
    said = _said(translator, envelope, known)
    # What was read may show what else must be read.
    while fresh := _fresh(session, event, said, known):
        known.update(fresh)
        said = _said(translator, envelope, known)
    return said, known


def _translator(providers: Registry, event: Event) -> Translator:
    provider = providers.get(event.provider)
    if provider is None:
        raise Permanent(f"provider {event.provider} is switched off; set its settings and retry")
    return provider.translator


def _said(translator: Translator, envelope: Envelope, known: Known) -> Translation:
    said = translator(envelope, known)
    for part in (*said.needs, *said.facts):
        _require_storable(part, type(part).__name__)
    return said


def _require_storable(value: Any, name: str) -> None:
    """PostgreSQL's text has no NUL and no half characters, and its whole numbers an end. A fact
    that cannot be written would otherwise fail wherever it is first met."""
    if isinstance(value, str) and ("\0" in value or not _is_text(value)):
        raise Permanent(f"its {name} holds characters that are none")
    if isinstance(value, int) and abs(value) >= MOST:
        raise Permanent(f"its {name} is a number that nobody means: more than {MOST}")
    for inner, inner_name in _inside(value):
        _require_storable(inner, f"{name}.{inner_name}")


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _inside(value: Any) -> Iterable[tuple[Any, object]]:
    if isinstance(value, msgspec.Struct):
        return ((getattr(value, name), name) for name in value.__struct_fields__)
    if isinstance(value, dict):
        return ((inner, "value") for pair in value.items() for inner in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return ((inner, number) for number, inner in enumerate(value, 1))
    return ()


def _fresh(session: Session, event: Event, said: Translation, known: Known) -> Known:
    unread = [need for need in said.needs if need not in known]
    since = [(need, event.received_at) for need in unread]
    found = readings.latest(session, event.provider, since)
    # The clock of the host that received the event may be ahead of the one that asked.
    own = readings.made_for(session, event.id, [need for need in unread if need not in found])
    return {**found, **own}
