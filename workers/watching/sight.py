"""What a look sees, and the words for times, counts and shares in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from domain.alert_rules import AlertRule
from workers.runtime import Runtime

MOST: Final = 1000
"""So many rows of a kind are looked at; "1000 or more" is as good a reason as any number."""


@dataclass(frozen=True)
class Sight:
    """Something that a rule is about: its subject, and what its sentences need."""

    subject: str
    details: dict[str, Any] = field(default_factory=dict)


Look = Callable[[Session, Runtime, AlertRule], Iterable[Sight]]
"""Tells everything that the rule should be open about now."""


def counted(number: int) -> str:
    """A count that was cut at ``MOST``."""
    return f"{MOST} or more" if number >= MOST else str(number)


def instant(at: datetime) -> str:
    """An instant for a sentence."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def span(length: timedelta) -> str:
    """A length of time for a sentence, in its largest units."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


def percent(share: float) -> str:
    """A share, 0 to 1, for a sentence."""
    return str(round(share * 100))
