"""The rules about what a provider has and we do not: missed events, and money that differs."""

from __future__ import annotations

from typing import Final

from domain.alert_rule import SEEN_TO, AlertRule

LISTS: Final = (
    AlertRule(
        name="reconciliation_gap",
        severity="critical",
        title="Events are older than the provider's list reaches",
        what="The events of {subject} from {since} to {until} were never walked, and it does not "
        "list them any more.",
        hurts="Whoever paid, cancelled or was refunded then, if the webhook did not come either.",
        ends="person",
        ends_when=SEEN_TO,
    ),
    AlertRule(
        name="money_differs",
        severity="critical",
        title="Our books and the provider's differ",
        what="{object} {subject}: we have {ours}, the provider has {theirs}.",
        hurts="Account {account}: what it paid, or got back, stands wrong here.",
        ends="work",
        ends_when="When a later comparison finds no difference.",
    ),
)
