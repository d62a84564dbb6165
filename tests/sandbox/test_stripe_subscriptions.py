"""Subscriptions that the played Stripe runs itself."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
import stripe

from domain import clock
from tests.sandbox.conftest import Sandbox

MONTHLY = {
    "currency": "eur",
    "unit_amount": 2450,
    "product_data": {"name": "Standard"},
    "recurring": {"interval": "month"},
}


def subscribe(sandbox: Sandbox, card: str = "visa") -> str:
    """Buy two agents by the month through a checkout; the subscription's id."""
    session = sandbox.stripe.checkout.sessions.create(
        {
            "mode": "subscription",
            "success_url": "https://shop.example/done",
            "client_reference_id": "account-1",
            "line_items": [{"quantity": 2, "price_data": MONTHLY}],
            "subscription_data": {"metadata": {"account": "account-1"}},
        }
    )
    done = sandbox.control(f"/stripe/checkout/{session.id}/pay", card=card)
    assert done["payment_intent"] is None
    return str(done["subscription"])


def period(sandbox: Sandbox, subscription: str) -> tuple[int, int]:
    """Start and end of the running period."""
    item = sandbox.stripe.subscriptions.retrieve(subscription)["items"].data[0]
    return item.current_period_start, item.current_period_end


def test_a_subscription_begins_with_an_invoice_that_is_paid(sandbox: Sandbox) -> None:
    subscription = sandbox.stripe.subscriptions.retrieve(subscribe(sandbox))
    assert sandbox.types() == [
        "customer.created",
        "payment_method.attached",
        "customer.subscription.created",
        "invoice.created",
        "invoice.finalized",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
        "invoice_payment.paid",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
        "customer.subscription.updated",
        "checkout.session.completed",
    ]
    assert subscription.status == "active"
    invoice = sandbox.stripe.invoices.retrieve(
        subscription.latest_invoice, {"expand": ["payments"]}
    )
    assert (invoice.status, invoice.amount_paid) == ("paid", 4900)
    assert invoice.parent.subscription_details.subscription == subscription.id
    assert invoice.parent.subscription_details.metadata.account == "account-1"
    payment = invoice.payments.data[0].payment
    linked = sandbox.stripe.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": payment.payment_intent}}
    )
    assert [each.invoice for each in linked.data] == [invoice.id]


def test_a_year_of_renewals_leaves_no_gap(sandbox: Sandbox) -> None:
    clock.travel(datetime(2026, 1, 31, 12, tzinfo=UTC))
    subscription = subscribe(sandbox)
    periods = [period(sandbox, subscription)]
    for _ in range(12):
        sandbox.control(f"/stripe/subscriptions/{subscription}/renew")
        periods.append(period(sandbox, subscription))
    assert all(before[1] == after[0] for before, after in pairwise(periods))
    ends = [datetime.fromtimestamp(end, UTC).strftime("%m-%d") for _, end in periods]
    assert ends[:3] == ["02-28", "03-31", "04-30"]
    assert (
        len(sandbox.stripe.invoices.list({"subscription": subscription, "limit": 100}).data) == 13
    )
    renewed = sandbox.made("customer.subscription.updated")[-1]
    was = renewed["data"]["previous_attributes"]["items"]["data"][0]
    assert was["current_period_end"] == periods[-2][1]


def test_a_failed_renewal_is_past_due_until_it_is_paid(sandbox: Sandbox) -> None:
    subscription = subscribe(sandbox)
    failed = sandbox.control(
        f"/stripe/subscriptions/{subscription}/renew", fail="insufficient_funds"
    )
    assert failed["status"] == "past_due"
    (event,) = sandbox.received("invoice.payment_failed")
    invoice = event["data"]["object"]
    assert invoice["attempt_count"] == 1
    assert invoice["next_payment_attempt"] > clock.now().timestamp()

    recovered = sandbox.control(f"/stripe/subscriptions/{subscription}/renew")

    assert recovered["status"] == "active"
    paid = sandbox.stripe.invoices.retrieve(invoice["id"])
    assert (paid.status, paid.attempt_count) == ("paid", 2)


def test_stripe_gives_up_after_the_last_try(sandbox: Sandbox) -> None:
    subscription = subscribe(sandbox)
    ended = sandbox.control(
        f"/stripe/subscriptions/{subscription}/renew", fail="lost_card", final=True
    )
    assert ended["status"] == "canceled"
    (deleted,) = sandbox.received("customer.subscription.deleted")
    assert deleted["data"]["object"]["cancellation_details"]["reason"] == "payment_failed"
    assert sandbox.made("invoice.updated")[-1]["data"]["object"]["next_payment_attempt"] is None


def test_a_subscription_can_be_let_to_end_with_its_period(sandbox: Sandbox) -> None:
    subscription = subscribe(sandbox)
    changed = sandbox.stripe.subscriptions.update(subscription, {"cancel_at_period_end": True})
    assert changed.cancel_at == period(sandbox, subscription)[1]
    told = sandbox.made("customer.subscription.updated")[-1]["data"]["previous_attributes"]
    assert told["cancel_at_period_end"] is False
    ended = sandbox.control(f"/stripe/subscriptions/{subscription}/renew")
    assert ended["status"] == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="has ended"):
        sandbox.stripe.subscriptions.cancel(subscription)


@pytest.mark.parametrize(
    "behaviour,due_at_once,due_later",
    [("none", None, 7350), ("always_invoice", 1225, 7350), ("create_prorations", None, 8575)],
)
def test_more_agents_cost_their_share_of_the_period(
    sandbox: Sandbox, behaviour: str, due_at_once: int | None, due_later: int
) -> None:
    clock.travel(datetime(2026, 4, 1, tzinfo=UTC))
    subscription = subscribe(sandbox)
    clock.travel(datetime(2026, 4, 16, tzinfo=UTC))
    item = sandbox.stripe.subscriptions.retrieve(subscription)["items"].data[0]
    sandbox.stripe.subscriptions.update(
        subscription,
        {"items": [{"id": item.id, "quantity": 3}], "proration_behavior": behaviour},
    )
    sandbox.control(f"/stripe/subscriptions/{subscription}/renew")
    invoices = sandbox.stripe.invoices.list({"subscription": subscription}).data
    totals = [each.total for each in reversed(invoices)]
    assert totals == [4900, *([due_at_once] if due_at_once else []), due_later]


def test_a_subscription_made_by_the_api_waits_for_its_first_payment(sandbox: Sandbox) -> None:
    customer = sandbox.stripe.customers.create({"email": "a@example.com"})
    price = sandbox.stripe.prices.create(MONTHLY)
    wanted: Any = {"customer": customer.id, "items": [{"price": price.id}]}
    subscription = sandbox.stripe.subscriptions.create(wanted)
    assert subscription.status == "incomplete"

    method = sandbox.stripe.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    sandbox.stripe.invoices.pay(subscription.latest_invoice, {"payment_method": method.id})

    assert sandbox.stripe.subscriptions.retrieve(subscription.id).status == "active"


def test_a_declined_card_begins_no_subscription(sandbox: Sandbox) -> None:
    with pytest.raises(AssertionError, match="declined"):
        subscribe(sandbox, card="declined")
    assert not sandbox.stripe.subscriptions.list().data


def test_old_webhooks_show_the_old_shapes(sandbox: Sandbox) -> None:
    sandbox.control("/stripe/api_version", version="2020-03-02")
    subscription = subscribe(sandbox)
    (invoice,) = (each["data"]["object"] for each in sandbox.received("invoice.paid"))
    assert invoice["subscription"] == subscription
    assert invoice["paid"] is True
    assert "parent" not in invoice
    assert invoice["lines"]["data"][0]["price"]["unit_amount"] == 2450
    (intent,) = (each["data"]["object"] for each in sandbox.received("payment_intent.succeeded"))
    assert invoice["payment_intent"] == intent["id"]
    (charge,) = intent["charges"]["data"]
    assert charge["id"] == invoice["charge"]
    assert charge["invoice"] == intent["invoice"] == invoice["id"]
    assert charge["refunds"]["data"] == []
    told = sandbox.received("customer.subscription.created")[0]["data"]["object"]
    assert told["current_period_end"] > told["current_period_start"]
    assert "current_period_end" not in told["items"]["data"][0]


def test_a_client_sees_its_own_version_whatever_the_webhooks_show(sandbox: Sandbox) -> None:
    subscription = subscribe(sandbox)
    old = sandbox.client(version="2020-03-02").subscriptions.retrieve(subscription)
    assert old["current_period_end"] == period(sandbox, subscription)[1]
