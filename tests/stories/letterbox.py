"""Where mail ends that nobody reads: stands in for the postman, who takes time to draw papers."""

from __future__ import annotations

from typing import Any

from domain.effects import Effect
from workers.runtime import Runtime


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Keep the mail."""
    return {"kept": effect.target}
