"""What an alert says: its rule's sentences, filled with what the alert knows."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from domain.alert_rules import RULES, AlertRule, fill
from domain.alerts import Alert

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def rule_of(alert: Alert) -> AlertRule:
    """The rule of an alert; one that is not known any more speaks for itself."""
    known = RULES.get(alert.rule)
    if known is not None:
        return known
    return AlertRule(
        name=alert.rule,
        severity="warning",
        title=alert.rule.replace("_", " "),
        what="{subject}",
        hurts="Not known: the rule is of another version.",
        ends="person",
        ends_when="A day after somebody acknowledged it.",
    )


def values(alert: Alert) -> dict[str, Any]:
    """What the templates of the alert's rule are filled with."""
    known = ((name, value) for name, value in alert.details.items() if value is not None)
    told = {name: _told(value) for name, value in known}
    # A detail of the same name as a column is the one that the sentence means.
    return {"subject": alert.subject, "count": alert.count, **told}


def sentence(alert: Alert) -> str:
    """What is the matter, in one sentence."""
    return fill(rule_of(alert).what, values(alert))


def whom(alert: Alert) -> str:
    """Whom it hurts, and by how much."""
    return fill(rule_of(alert).hurts, values(alert))


def runbook(alert: Alert, docs: str) -> str:
    """Where it says what to do; ``docs`` is where the documentation can be read."""
    return f"{docs}/runbook.md#{rule_of(alert).name}"


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count} {name}" for name, count in sorted(value.items()))
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return str(value)
