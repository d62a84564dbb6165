"""Every rule of the alerts: what it says, whom it hurts, when it opens and how it ends.

``docs/runbook.md`` has an entry of the same name for each. Raising a rule that is not here is a
mistake, and raises. The watch (``workers/watching``) takes its thresholds from here.
"""

from __future__ import annotations

from typing import Final

from domain.alert_rule import AlertRule, fill
from domain.alert_rules_of_lists import LISTS
from domain.alert_rules_of_money import BACK, MONEY
from domain.alert_rules_of_work import EDGE, MACHINE, WORK

__all__ = ["RULES", "AlertRule", "fill"]

RULES: Final[dict[str, AlertRule]] = {
    rule.name: rule for rule in (*WORK, *EDGE, *MACHINE, *LISTS, *MONEY, *BACK)
}
"""Every rule by its name, in the order of the runbook."""
