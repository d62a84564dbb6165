"""A wallet that was saved with a purchase and is charged while its owner is away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from workers.stories.books import invoices_of, latest_payment
from workers.stories.characters import end_of
from workers.stories.stage import Stage


def wallet_renewal(stage: Stage) -> None:
    """The PayPal account that paid first is charged for the next month, without its owner."""
    account = buys_by_wallet(stage, "wanda", country="PL", currency="PLN", agents=2)
    end = end_of(account)
    stage.expect(account["payment_method"]["kind"] == "wallet", "the wallet is saved")
    stage.tell("Wanda from Poland buys Standard with PayPal and lets it be saved.")
    stage.travel(end - timedelta(hours=23))
    account = stage.account("wanda")
    stage.expect(end_of(account) > end, "the next month is paid")
    stage.expect(len(invoices_of(stage, "wanda")) == 2, "with an invoice of its own")
    payment = latest_payment(stage, "wanda")
    stage.expect(payment.provider == "paypal", "PayPal brought the money")
    stage.expect((payment.method or {}).get("kind") == "wallet", "from the saved wallet")
    stage.tell(f"A day before the end {payment.money} is charged to it; nobody had to approve.")


def buys_by_wallet(
    stage: Stage, ref: str, *, country: str = "CZ", currency: str = "CZK", **target: Any
) -> Any:
    """Register, order and approve on the wallet's page; returns the account."""
    stage.register(ref, country=country, currency=currency)
    order = stage.order(ref, "paypal", **target)
    stage.approve_wallet(order)
    stage.settle()
    account = stage.account(ref)
    stage.expect(account["status"] == "active", f"{ref} is active")
    stage.expect(account["subscription"] is not None, f"{ref} has a subscription")
    return account
