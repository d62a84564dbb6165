"""Read an object from a provider for an event that must not believe its own payload."""

from __future__ import annotations

from typing import Any

from domain import readings
from domain.effects import Effect
from domain.inbox import Event
from domain.ports import ReadingRequest
from workers.runtime import Runtime


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Draw a number, ask, keep the answer; a reading made meanwhile for another event will do."""
    request = ReadingRequest(effect.payload["kind"], effect.payload["id"])
    provider: str = effect.payload["provider"]
    with runtime.database.transaction() as session:
        event = session.get_one(Event, effect.event_id)
        since = max(event.received_at, effect.created_at)
        if found := readings.latest(session, provider, [(request, since)]):
            return {"sequence": found[request].sequence, "shared": True}
        sequence = readings.begin(session, provider, request)
    document = runtime.providers[provider].gateway.read(request)
    with runtime.database.transaction() as session:
        readings.complete(session, sequence, document)
    return {"sequence": sequence, "found": document is not None}
