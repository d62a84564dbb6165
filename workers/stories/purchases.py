"""First purchases, by card and by wallet."""

from __future__ import annotations

from typing import Any

from workers.stories.stage import Stage


def first_purchase_by_card(stage: Stage) -> None:
    """An account buys Standard for three agents and pays by card."""
    ref = "karel"
    stage.tell("Karel creates an account and orders Standard for 3 agents, monthly.")
    stage.register(ref)
    order = stage.order(ref, "card", agents=3)
    stage.tell(f"The card page is open; {_amount(order)} is due. Karel pays with a Visa card.")
    stage.pay_card(order)
    stage.settle()
    account = stage.account(ref)
    stage.expect(account["status"] == "active", "the account is active")
    subscription = account["subscription"]
    stage.expect(subscription is not None, "there is a subscription")
    stage.expect(subscription["agents"] == 3, "it is for three agents")
    stage.expect(subscription["auto_renew"], "auto-renew is on")
    stage.tell(f"Active until {subscription['period_end'][:10]}, auto-renew on.")


def first_purchase_by_wallet(stage: Stage) -> None:
    """An account buys Pro and pays with PayPal; the money is confirmed before it counts."""
    ref = "pauline"
    stage.tell("Pauline from France orders Pro for 2 agents, yearly, with PayPal.")
    stage.register(ref, country="FR", currency="EUR", locale="fr")
    order = stage.order(ref, "paypal", plan="pro", interval="year", agents=2)
    stage.tell(f"She approves {_amount(order)} on PayPal's page; Billhook captures and asks back.")
    stage.approve_wallet(order)
    stage.settle()
    account = stage.account(ref)
    subscription = account["subscription"]
    stage.expect(subscription is not None, "there is a subscription")
    stage.expect(subscription["interval"] == "year", "it is for a year")
    stage.tell(f"Active until {subscription['period_end'][:10]}, the PayPal account is saved.")


def _amount(order: dict[str, Any]) -> str:
    due = order["due"]

    return f"{due['amount'] / 100:.2f} {due['currency']}"
