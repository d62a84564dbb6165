"""The clock's duty that looks after the invariants: what is broken is an alert until it is not."""

from __future__ import annotations

from typing import Final

import structlog
from sqlalchemy.orm import Session

from domain import alerts, clock, invariants
from domain.catalogue import Catalogue
from domain.invariants import INVARIANTS, MOST
from workers.runtime import Runtime

RULE: Final = "invariant_broken"
"""The alert's rule; its subject is the name of the invariant."""
SHOWN: Final = 10

log = structlog.get_logger()


def watch(runtime: Runtime) -> None:
    """Check every invariant, each in a transaction of its own, so that none is held for long.

    Not while the clock is stopped: whoever moves it by days makes everything late at once.
    """
    if clock.is_frozen():
        return
    for name in INVARIANTS:
        with runtime.database.transaction() as session:
            check(session, name, runtime.catalogue)


def check(session: Session, name: str, catalogue: Catalogue) -> bool:
    """Raise the invariant's alert or resolve it; tells whether it holds."""
    found = invariants.violations(session, name, catalogue)
    if not found:
        alerts.resolve(session, RULE, name)
        return True
    log.error("invariant_broken", invariant=name, violations=len(found))
    shown = [f"{each.subject}: {each.detail}" for each in found[:SHOWN]]
    count = f"{MOST} or more" if len(found) == MOST else str(len(found))
    sentence = INVARIANTS[name].sentence
    alerts.raise_alert(session, RULE, name, holds=sentence, count=count, violations=shown)
    return False
