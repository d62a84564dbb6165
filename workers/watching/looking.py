"""How the watch looks: opens an alert for everything that is seen, closes what is not any more.

Each rule is looked at in a transaction of its own, so that none is held for long and one rule's
bug does not keep the others from being looked at.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from domain import alerts
from domain.alert_rules import RULES
from domain.errors import StoreUnavailable
from workers.runtime import Runtime
from workers.watching.sight import Look

log = structlog.get_logger()


def look_at(runtime: Runtime, looks: Mapping[str, Look]) -> None:
    """Open an alert for everything that is seen, and close those whose subject is not.

    Raises ``StoreUnavailable``; any other failure concerns one rule and is logged.
    """
    for name, look in looks.items():
        try:
            _look(runtime, name, look)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("look_failed", rule=name)


def _look(runtime: Runtime, name: str, look: Look) -> None:
    with runtime.database.transaction() as session:
        seen = list(look(session, runtime, RULES[name]))
        for sight in seen:
            alerts.observe(session, name, sight.subject, **sight.details)
        alerts.resolve_others(session, name, {sight.subject for sight in seen})
