"""Have a provider forget a means of payment that the customer removed."""

from __future__ import annotations

from typing import Any

from domain.effects import Effect
from workers.runtime import Runtime


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Remove it there; one that is gone already is done."""
    provider = runtime.providers[effect.payload["provider"]]
    provider.gateway.remove_method(effect.target)
    return {"removed": True}
