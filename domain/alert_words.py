"""What an alert says: its rule's sentences, filled with what the alert knows."""

from __future__ import annotations

from typing import Any

from domain.alert_rules import RULES, AlertRule, fill
from domain.alerts import Alert


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
    told = {name: _told(value) for name, value in alert.details.items()}
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
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return str(value)
