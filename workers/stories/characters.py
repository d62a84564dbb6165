"""What the stories' characters do more than once."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from domain import methods
from domain.accounts import Account
from workers.stories.stage import Stage


def buys(
    stage: Stage, ref: str, *, country: str = "CZ", currency: str = "CZK", **target: Any
) -> Any:
    """Register, order and pay by card; returns the account."""
    stage.register(ref, country=country, currency=currency)
    order = stage.order(ref, "card", **target)
    stage.pay_card(order)
    stage.settle()
    account = stage.account(ref)
    stage.expect(account["status"] == "active", f"{ref} is active")
    return account


def changes(stage: Stage, ref: str, **target: Any) -> Any:
    """Order another target and pay what is due by card; returns the account."""
    order = stage.order(ref, "card", **target)
    if order["state"] == "open":
        stage.pay_card(order)
    stage.settle()
    return stage.account(ref)


def token_of(stage: Stage, ref: str) -> str:
    """The saved method's token at the provider."""
    with stage.billhook.runtime.database.transaction() as session:
        account = session.scalars(select(Account).where(Account.ref == ref)).one()
        method = methods.current(session, account.id)
    stage.expect(method is not None, f"{ref} has a saved method")
    return method.token if method else ""


def card_turns(stage: Stage, ref: str, behaviour: str) -> None:
    """Make the saved card behave: ``succeeds``, or a decline's code."""
    token = token_of(stage, ref)
    stage.sandbox(f"/stripe/payment_methods/{token}", {"behaviour": behaviour})


def enters_card(stage: Stage, ref: str, card: str = "visa") -> None:
    """Get the page for a new payment method and enter a card there."""
    urls = {"return_url": "https://app.example/ok", "cancel_url": "https://app.example/no"}
    page = stage.app("POST", f"/api/accounts/{ref}/payment-method", {"method": "card", **urls})
    identifier = urlsplit(page["url"]).path.rpartition("/")[2]
    stage.sandbox(f"/stripe/checkout/{identifier}/pay", {"card": card})
    stage.settle()


def switches_renewal(stage: Stage, ref: str, *, on: bool) -> None:
    """Switch auto-renew."""
    stage.app("PUT", f"/api/accounts/{ref}/auto-renew", {"on": on})


def instant(text: str) -> datetime:
    """An instant of the API."""
    return datetime.fromisoformat(text)


def end_of(account: Any) -> datetime:
    """When the running period ends."""
    return instant(account["subscription"]["period_end"])


def money(amount: Any) -> str:
    """An amount of the API for people."""
    return f"{amount['amount'] / 100:.2f} {amount['currency']}"
