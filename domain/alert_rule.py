"""What a rule of the alerts is made of: data, so that sentences, thresholds and docs agree."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Literal

import msgspec

Severity = Literal["critical", "warning", "notice"]
"""``critical``: money or access is at stake now; ``warning``: look today; ``notice``: know it."""
Ends = Literal["watch", "work", "person"]
"""``watch``: the watch closes it when what it saw is over; ``work``: the rule of the business that
raised it closes it; ``person``: it tells of one happening and is closed some time after somebody
acknowledged it."""

SEEN_TO: Final = "A day after somebody acknowledged it."
"""How an alert about one happening ends."""


class AlertRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. ``what`` and ``hurts`` are templates over the alert's subject and details."""

    name: str
    severity: Severity
    title: str
    what: str
    hurts: str
    ends: Ends
    ends_when: str
    at_least: int = 1
    """How many there must be before it opens."""
    share: float = 0.0
    """The share of all (0 to 1) that they must be."""
    window: timedelta = timedelta(0)
    """The time that is looked at."""
    after: timedelta = timedelta(0)
    """How long it must last before it opens."""


class _Known(dict[str, Any]):
    """Values for a template; one that an alert lacks is left as a question mark."""

    def __missing__(self, name: str) -> str:
        return "?"


def fill(template: str, values: Mapping[str, Any]) -> str:
    """A template of a rule with the values of an alert."""
    return template.format_map(_Known(values))
