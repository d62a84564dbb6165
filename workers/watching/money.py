"""Looks at the renewals: whether more of them fail than usual."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from domain import clock, renewal_rates
from domain.alert_rules import AlertRule
from workers.runtime import Runtime
from workers.watching.sight import Sight, percent

USUAL_OVER: Final = timedelta(days=28)
TIMES: Final = 1.5
"""So many times the usual share is more than usual."""


def renewals_failing(session: Session, _runtime: Runtime, rule: AlertRule) -> Iterator[Sight]:
    """Renewals of the last day, when more of them failed than in the four weeks before."""
    now = clock.now()
    lately = renewal_rates.between(session, now - rule.window, now)
    if lately.failed < rule.at_least or lately.share < rule.share:
        return
    usual = renewal_rates.between(session, now - rule.window - USUAL_OVER, now - rule.window)
    if lately.share >= TIMES * usual.share:
        details = {
            "failed": lately.failed,
            "tried": lately.tried,
            "percent": percent(lately.share),
            "usual": percent(usual.share),
        }
        yield Sight("renewals", details)
