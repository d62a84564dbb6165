"""Subscriptions that a provider runs: the app starts them there, the provider collects.

The provider's own clock does not tick here: its renewals happen when a life says so.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from tests.chaos.person import URL, Person

PRICE_MINOR = 59_290
"""Standard for an agent and a month in Czechia, with tax."""


def begins(person: Person) -> None:
    """Register, and subscribe at the provider that the life pays by."""
    person.register()
    subscribes(person)


def subscribes(person: Person) -> None:
    """Two agents for a month, again and again."""
    start = _at_stripe if person.life.method == "card" else _at_paypal
    person.subscription = start(person)


def renews(person: Person) -> None:
    """The provider collects the next month."""
    person.desk(f"{person.subscription}/renew")


def fails(person: Person) -> None:
    """The provider cannot collect, and will try again."""
    failure: Any = "insufficient_funds" if person.life.method == "card" else True
    person.desk(f"{person.subscription}/renew", fail=failure)


def is_cancelled(person: Person) -> None:
    """The customer, or somebody in the dashboard, ends it there."""
    person.desk(f"{person.subscription}/cancel")


def _at_stripe(person: Person) -> str:
    form = {
        "mode": "subscription",
        "success_url": URL,
        "line_items[0][quantity]": 2,
        "line_items[0][price_data][currency]": "czk",
        "line_items[0][price_data][unit_amount]": PRICE_MINOR,
        "line_items[0][price_data][recurring][interval]": "month",
        "line_items[0][price_data][product_data][name]": "Standard",
        "subscription_data[metadata][account]": person.ref,
        "subscription_data[metadata][plan]": "standard",
    }
    session = person.ask_stripe("/v1/checkout/sessions", form, "subscribe")
    done = person.desk(f"/stripe/checkout/{session['id']}/pay", card="visa")
    return f"/stripe/subscriptions/{done['subscription']}"


def _at_paypal(person: Person) -> str:
    price = f"{PRICE_MINOR // 100}.{PRICE_MINOR % 100:02}"
    cycle = {
        "frequency": {"interval_unit": "MONTH", "interval_count": 1},
        "tenure_type": "REGULAR",
        "sequence": 1,
        "total_cycles": 0,
        "pricing_scheme": {"fixed_price": {"value": price, "currency_code": "CZK"}},
    }
    limits = {"payment_failure_threshold": 2}
    terms = {"product_id": "PROD-1", "name": "Standard", "billing_cycles": [cycle]}
    plan = person.ask_paypal("/v1/billing/plans", {**terms, "payment_preferences": limits}, "plan")
    custom = urlencode({"account": person.ref, "plan": "standard", "interval": "month"})
    wish = {"plan_id": plan["id"], "quantity": "2", "custom_id": custom}
    made = person.ask_paypal("/v1/billing/subscriptions", wish, "subscribe")
    path = f"/paypal/subscriptions/{made['id']}"
    person.desk(f"{path}/approve")
    return path
