"""What an app does at the providers themselves: it starts subscriptions that they run."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec
import urllib3
from sqlalchemy import select

from domain.accounts import Account
from domain.effects import Effect
from domain.invoices import Invoice
from domain.payments import Payment
from workers.stories.stage import Stage, StoryBroke

PRICE: Final = 59_290
"""Minor units for one agent and month at Stripe: the catalogue's 490 CZK with 21 % tax."""
_http: Final = urllib3.PoolManager(timeout=30, retries=False)


class Books(NamedTuple):
    """What stands in the books of an account: sorted amounts, and the kinds of mail wanted."""

    payments: list[int]
    invoices: list[int]
    mails: list[str]


def subscribe_at_stripe(stage: Stage, ref: str, agents: int) -> str:
    """Start a subscription by Stripe Checkout and pay its first month; returns its id."""
    session = _stripe(
        stage,
        "/v1/checkout/sessions",
        {
            "mode": "subscription",
            "success_url": "https://app.example/thanks",
            "line_items[0][quantity]": agents,
            "line_items[0][price_data][currency]": "czk",
            "line_items[0][price_data][unit_amount]": PRICE,
            "line_items[0][price_data][recurring][interval]": "month",
            "line_items[0][price_data][product_data][name]": "Standard",
            "subscription_data[metadata][account]": ref,
            "subscription_data[metadata][plan]": "standard",
        },
    )
    done = stage.sandbox(f"/stripe/checkout/{session['id']}/pay", {"card": "visa"})
    stage.settle()
    return str(done["subscription"])


def cancel_at_stripe(stage: Stage, subscription: str) -> None:
    """Let a subscription end with its period."""
    stage.wait(minutes=1)
    _stripe(stage, f"/v1/subscriptions/{subscription}", {"cancel_at_period_end": "true"})
    stage.settle()


def plan_at_paypal(stage: Stage, price: str) -> str:
    """Make a monthly plan at a price per agent in euros; returns its id."""
    cycle = {
        "frequency": {"interval_unit": "MONTH", "interval_count": 1},
        "tenure_type": "REGULAR",
        "sequence": 1,
        "total_cycles": 0,
        "pricing_scheme": {"fixed_price": {"value": price, "currency_code": "EUR"}},
    }
    terms = {"product_id": "PROD-1", "name": "Standard", "billing_cycles": [cycle]}
    limits = {"payment_failure_threshold": 2}
    plan = _paypal(stage, "/v1/billing/plans", {**terms, "payment_preferences": limits})
    return str(plan["id"])


def subscribe_at_paypal(stage: Stage, ref: str, plan: str, agents: int) -> str:
    """Start a subscription to a plan and approve it as its payer; returns its id."""
    terms = urlencode({"account": ref, "plan": "standard", "interval": "month"})
    wish = {"plan_id": plan, "quantity": str(agents), "custom_id": terms}
    subscription = str(_paypal(stage, "/v1/billing/subscriptions", wish)["id"])
    stage.sandbox(f"/paypal/subscriptions/{subscription}/approve")
    stage.settle()
    return subscription


def books_of(stage: Stage, ref: str) -> Books:
    """The account's money, papers and mails."""
    with stage.billhook.runtime.database.transaction() as session:
        account = session.scalars(select(Account).where(Account.ref == ref)).one()
        payments = select(Payment.amount).where(Payment.account_id == account.id)
        invoices = select(Invoice.total).where(Invoice.account_id == account.id)
        mails = select(Effect.target).where(
            Effect.account_id == account.id, Effect.kind == "send_mail"
        )
        return Books(
            sorted(session.scalars(payments)),
            sorted(session.scalars(invoices)),
            sorted(session.scalars(mails)),
        )


def _stripe(stage: Stage, path: str, form: dict[str, Any]) -> Any:
    if stage.billhook.world is None:
        raise StoryBroke("this story needs the sandbox")
    key = stage.billhook.world.credentials.stripe_api_key
    headers = {
        "authorization": f"Bearer {key}",
        "content-type": "application/x-www-form-urlencoded",
        "stripe-version": "2026-10-28.endive",
    }
    return _post(stage, f"/stripe{path}", urlencode(form).encode(), headers)


def _paypal(stage: Stage, path: str, body: Any) -> Any:
    if stage.billhook.world is None:
        raise StoryBroke("this story needs the sandbox")
    known = stage.billhook.world.credentials
    basic = f"{known.paypal_client_id}:{known.paypal_client_secret}"
    headers = {**urllib3.make_headers(basic_auth=basic), "content-type": "application/json"}
    return _post(stage, f"/paypal{path}", msgspec.json.encode(body), headers)


def _post(stage: Stage, path: str, body: bytes, headers: dict[str, str]) -> Any:
    if stage.billhook.sandbox is None:
        raise StoryBroke("this story needs the sandbox")
    url = stage.billhook.sandbox.base_url + path
    answer = _http.request("POST", url, body=body, headers=headers)
    if answer.status >= 400:
        raise StoryBroke(f"{path} answered {answer.status}: {answer.data.decode()}")
    return msgspec.json.decode(answer.data)
