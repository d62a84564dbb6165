"""Events that should have come by webhook and were found in the provider's list: an alert.

One alert per provider stays open and is added to, until nothing was missed for a day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import alerts, clock
from domain.alerts import Alert
from domain.positions import Position

FOUND: Final = "reconciliation_found"
"""The alert's rule; its subject is the provider."""
QUIET: Final = timedelta(days=1)
"""After so long without a missed event the alert is over."""


class Missed(msgspec.Struct, frozen=True):
    """One missed event: its type, and when the provider says that it happened."""

    type: str
    created_at: datetime | None


def tell(session: Session, position: Position, missed: Sequence[Missed]) -> None:
    """Count missed events and tell a person of them, in the transaction that stores them."""
    if not missed:
        return
    position.found += len(missed)
    position.found_at = clock.now()
    provider, details = position.provider, _details(missed)
    if not alerts.raise_alert(session, FOUND, provider, provider=provider, **details):
        _add(session, provider, details)


def settle(session: Session, position: Position) -> None:
    """Close the alert when nothing was missed for long enough."""
    last = position.found_at
    if last is not None and clock.now() - last >= QUIET:
        alerts.resolve(session, FOUND, position.provider)


def _details(missed: Sequence[Missed]) -> dict[str, Any]:
    made = [each.created_at.isoformat() for each in missed if each.created_at]
    return {
        "count": len(missed),
        "oldest": min(made, default=None),
        "newest": max(made, default=None),
        "types": dict(sorted(Counter(each.type for each in missed).items())),
    }


def _add(session: Session, provider: str, details: dict[str, Any]) -> None:
    statement = select(Alert).where(
        Alert.rule == FOUND, Alert.subject == provider, Alert.state != "resolved"
    )
    alert = session.scalar(statement.with_for_update())
    if alert is None:
        return
    before = alert.details
    types = Counter(before["types"]) + Counter(details["types"])
    oldest = filter(None, (before["oldest"], details["oldest"]))
    newest = filter(None, (before["newest"], details["newest"]))
    alert.details = {
        **before,
        "count": before["count"] + details["count"],
        "oldest": min(oldest, default=None),
        "newest": max(newest, default=None),
        "types": dict(sorted(types.items())),
    }
