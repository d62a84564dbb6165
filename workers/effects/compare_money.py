"""One run of the daily comparison of money, or a second look at what differed."""

from __future__ import annotations

from typing import Any

from domain.effects import Effect
from workers import compare
from workers.perform_effects import Overtaken
from workers.runtime import Runtime


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Compare the next objects of the round, or those that the payload doubts."""
    provider = runtime.providers.get(effect.target)
    if provider is None:
        raise Overtaken(f"provider {effect.target} is switched off")
    if "doubts" in effect.payload:
        return compare.judge(runtime, provider, effect.payload["doubts"])
    return compare.go_on(runtime, provider)
