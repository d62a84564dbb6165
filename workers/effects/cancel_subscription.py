"""Stop a provider from renewing a subscription that it runs itself."""

from __future__ import annotations

from domain.effects import Effect
from domain.errors import Permanent
from workers.runtime import Runtime


def perform(runtime: Runtime, effect: Effect) -> None:
    """Cancel it at once; the provider's own event brings the result."""
    name = effect.payload["provider"]
    provider = runtime.providers.get(name)
    if provider is None:
        raise Permanent(f"provider {name} is switched off; set its settings and retry")
    provider.gateway.cancel_subscription(effect.target, effect.key)
