"""The comparison of money on demand, for ``reconcile --money``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from domain import clock
from domain.comparison import Difference
from domain.errors import Permanent, Transient
from webhooks.providers import Provider
from workers import compare
from workers.runtime import Runtime

COLUMNS: Final = ("provider", "kind", "reference", "account", "ours", "theirs")

Row = dict[str, Any]
Watch = Callable[[str, int, int], None]
"""Told the provider, how many objects were compared, and how many differ."""


def compared(runtime: Runtime, provider: Provider, since: datetime | None, watch: Watch) -> Row:
    """Compare what began since an instant (the last three days), and tell a person's alert of it.

    ``{compared, differences, error}``; a provider without sightings has nothing compared.
    """
    count, found, error = 0, list[Difference](), None
    if not provider.sightings:
        return {"compared": 0, "differences": [], "error": None}
    try:
        for step in compare.round_now(runtime, provider, since or clock.now() - compare.REACH):
            count += step.compared
            found.extend(step.different)
            watch(provider.name, count, len(found))
    except (Transient, Permanent) as failure:
        error = str(failure)
    return {
        "compared": count,
        "differences": [msgspec.to_builtins(each) for each in found],
        "error": error,
    }
