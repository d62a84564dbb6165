"""Looks at what retention could not drop: months that unfinished events still need."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.orm import Session

from domain import retention
from domain.alert_rules import AlertRule
from domain.keeping import variable
from domain.retention import STORES
from workers.runtime import Runtime
from workers.watching.sight import Sight, instant


def month_held_back(session: Session, runtime: Runtime, rule: AlertRule) -> Iterator[Sight]:
    """Months that were to go a while ago and stay, by store, with what holds them."""
    keeping = runtime.settings.keeping
    for store in STORES:
        before = keeping.oldest(store.name, rule.after)
        if before is None:
            continue
        for month, held in retention.held_back(session, store, before).items():
            due = keeping.goes_at(store.name, month)
            details = {
                "table": store.name,
                "month": str(month),
                "due": instant(due) if due else None,
                "setting": variable(store.name),
                "held": held,
            }
            yield Sight(f"{store.name} {month}", details)
