"""One run over a provider's list of events: what no webhook brought enters the inbox."""

from __future__ import annotations

from typing import Any

from domain.effects import Effect
from workers import reconcile
from workers.perform_effects import Overtaken
from workers.runtime import Runtime


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Walk on from the stored position; what the provider lists twice is entered once."""
    provider = runtime.providers.get(effect.target)
    if provider is None:
        raise Overtaken(f"provider {effect.target} is switched off")
    return reconcile.catch_up(runtime, provider)
