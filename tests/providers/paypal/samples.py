"""Our own sample events and the readings that belong to them, from ``tests/samples/paypal``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from domain.ports import Reading, ReadingRequest
from webhooks.providers.paypal.translate import translate
from webhooks.providers.provider import Envelope, Translation

FOLDER = Path(__file__).parents[2] / "samples" / "paypal"
RECEIVED = datetime(2026, 3, 2, 10, 0, 5, tzinfo=UTC)


def envelope(body: bytes) -> Envelope:
    """An event as it is stored."""
    head: dict[str, Any] = msgspec.json.decode(body)
    return Envelope(
        event_id=head["id"], event_type=head["event_type"], body=body, received_at=RECEIVED
    )


def event(name: str, **resource: Any) -> Envelope:
    """The sample event of that name, with something changed in its resource."""
    document: dict[str, Any] = msgspec.json.decode((FOLDER / f"events/{name}.json").read_bytes())
    document["resource"].update(resource)
    return envelope(msgspec.json.encode(document))


def reading(request: ReadingRequest, **changes: Any) -> Reading:
    """What PayPal says of an object, None when the samples know none; something may be changed."""
    path = FOLDER / f"readings/{request.kind}.{request.id}.json"
    if not path.exists():
        return Reading(sequence=7, document=None)
    return Reading(sequence=7, document={**msgspec.json.decode(path.read_bytes()), **changes})


def told(
    stored: Envelope, known: Mapping[ReadingRequest, Reading] | None = None
) -> tuple[Translation, list[ReadingRequest]]:
    """Translate, reading what is asked for, until there is an answer; and what was read."""
    readings = dict(known or {})
    for _ in range(4):
        translation = translate(stored, readings)
        if not translation.needs:
            break
        assert not any(request in readings for request in translation.needs)
        readings.update({r: reading(r) for r in translation.needs})
    return translation, list(readings)


def given(kind: str, key: str, **changes: Any) -> dict[ReadingRequest, Reading]:
    """The reading of an object with something changed in it."""
    request = ReadingRequest(kind, key)
    return {request: reading(request, **changes)}
