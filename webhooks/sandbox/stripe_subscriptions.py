"""Subscriptions that Stripe runs: they begin, renew, change and end."""

from __future__ import annotations

from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_errors import StripeError, card_error, missing
from webhooks.sandbox.stripe_forms import Params
from webhooks.sandbox.stripe_invoices import give_up, issue, method_for, pay
from webhooks.sandbox.stripe_lists import listed
from webhooks.sandbox.stripe_methods import living_customer, resolve
from webhooks.sandbox.stripe_papers import line, subscription_of
from webhooks.sandbox.stripe_prices import period_start, price_of
from webhooks.sandbox.stripe_versions import plan

_ENDED = ("canceled", "incomplete_expired")


def create(account: StripeAccount, params: Params) -> Document:
    """POST /v1/subscriptions. A first charge that is refused leaves it ``incomplete``, or is a
    card error with ``payment_behavior=error_if_incomplete``."""
    customer = living_customer(account, params.required("customer"), "customer")
    rows = params.rows("items")
    if not rows:
        raise missing("items")
    chosen = params.text("default_payment_method")
    subscription = begin(
        account,
        customer["id"],
        [(price_of(account, row), row.integer("quantity") or 1) for row in rows],
        method=resolve(account, chosen)["id"] if chosen else None,
        metadata=params.metadata(),
    )
    invoice = bill(account, subscription, "subscription_create")
    if invoice["status"] != "paid" and params.text("payment_behavior") == "error_if_incomplete":
        intent = account.fetch("payment_intent", invoice["_payment_intent"])
        raise card_error(intent["last_payment_error"] or _NO_METHOD, intent)
    return account.fetch("subscription", subscription["id"])


_QUIET: Document = {
    "application": None,
    "automatic_tax": {"enabled": False, "liability": None},
    "billing_mode": {"type": "flexible"},
    "cancel_at": None,
    "cancel_at_period_end": False,
    "canceled_at": None,
    "cancellation_details": {"comment": None, "feedback": None, "reason": None},
    "collection_method": "charge_automatically",
    "customer_account": None,
    "days_until_due": None,
    "default_source": None,
    "description": None,
    "discounts": [],
    "ended_at": None,
    "latest_invoice": None,
    "pause_collection": None,
    "pending_setup_intent": None,
    "pending_update": None,
    "schedule": None,
    "status": "incomplete",
    "trial_end": None,
    "trial_start": None,
    "_period": 0,
    "_owed": [],
}

_NO_METHOD: Document = {
    "code": "resource_missing",
    "message": "This customer has no attached payment source or default payment method.",
}


def retrieve(account: StripeAccount, _params: Params, key: str) -> Document:
    """GET /v1/subscriptions/{id}"""
    return account.fetch("subscription", key)


def cancel(account: StripeAccount, _params: Params, key: str) -> Document:
    """DELETE /v1/subscriptions/{id}: at once."""
    return end(account, running(account, key), "cancellation_requested")


def begin(
    account: StripeAccount,
    customer: str,
    bought: list[tuple[Document, int]],
    *,
    method: str | None,
    metadata: dict[str, str],
) -> Document:
    """Keep a new subscription to prices and quantities, ``incomplete`` until it is paid."""
    for price, _ in bought:
        if price["recurring"] is None:
            raise StripeError(f"The price {price['id']} is set to be one-time, not recurring.")
    subscription = account.new(
        "sub",
        **_QUIET,
        billing_cycle_anchor=account.now(),
        currency=bought[0][0]["currency"],
        customer=customer,
        default_payment_method=method,
        metadata=metadata,
        start_date=account.now(),
    )
    items = [new_item(account, subscription["id"], price, count) for price, count in bought]
    url = f"/v1/subscription_items?subscription={subscription['id']}"
    subscription["items"] = listed(items, url)
    return account.save(with_period(subscription, 0), "customer.subscription.created")


def bill(
    account: StripeAccount,
    subscription: Document,
    reason: str,
    *,
    method: str | None = None,
    refusal: str | None = None,
    present: bool = False,
) -> Document:
    """Invoice the current period and what is still owed, and try to collect it. ``present``: the
    customer is at hand to authenticate the charge."""
    items = subscription["items"]["data"]
    lines = [*subscription["_owed"]]
    for item in items:
        amount = item["price"]["unit_amount"] * item["quantity"]
        span = (item["current_period_start"], item["current_period_end"])
        lines.append(line(account, item, amount, *span))
    invoice = issue(account, subscription, reason, lines)
    account.save({**subscription, "latest_invoice": invoice["id"], "_owed": []})
    chosen = method or method_for(account, invoice)
    off_session = reason != "subscription_create"
    tried = pay(account, invoice, chosen, off_session=off_session, refusal=refusal, present=present)
    return after_payment(account, tried)


def after_payment(account: StripeAccount, invoice: Document) -> Document:
    """Bring the subscription to the state that its latest invoice gives it."""
    subscription = account.get("subscription", subscription_of(invoice))
    if subscription is None or subscription["status"] in _ENDED:
        return invoice
    paid = invoice["status"] == "paid"
    unpaid = "incomplete" if subscription["status"] == "incomplete" else "past_due"
    status = "active" if paid else unpaid
    if status != subscription["status"]:
        account.save({**subscription, "status": status}, "customer.subscription.updated")
    return invoice


def renew(account: StripeAccount, key: str, wanted: Document) -> Document:
    """The period ends: a new one begins and is billed, or an unpaid one is tried again.

    ``fail`` is the code of the decline with which the charge is refused (null: as the method
    behaves); ``final``: Stripe gives up after this failure and cancels. A subscription that is to
    be canceled at the end of its period ends.
    """
    subscription = running(account, key)
    if subscription["cancel_at_period_end"]:
        return end(account, subscription, "cancellation_requested")
    invoice = _collect(account, subscription, wanted.get("fail"))
    if invoice["status"] != "paid" and wanted.get("final"):
        give_up(account, invoice)
        return end(account, account.fetch("subscription", key), "payment_failed")
    return account.fetch("subscription", key)


def _collect(account: StripeAccount, subscription: Document, refusal: str | None) -> Document:
    if subscription["status"] in ("past_due", "incomplete"):
        invoice = account.fetch("invoice", subscription["latest_invoice"])
        method = method_for(account, invoice)
        tried = pay(account, invoice, method, off_session=True, refusal=refusal)
        return after_payment(account, tried)
    moved = with_period(subscription, subscription["_period"] + 1)
    account.save(moved, "customer.subscription.updated")
    return bill(account, moved, "subscription_cycle", refusal=refusal)


def end(account: StripeAccount, subscription: Document, reason: str) -> Document:
    """End a subscription at once."""
    now = account.now()
    details = {**subscription["cancellation_details"], "reason": reason}
    ended = {
        **subscription,
        "status": "canceled",
        "canceled_at": subscription["canceled_at"] or now,
        "ended_at": now,
        "cancellation_details": details,
    }
    return account.save(ended, "customer.subscription.deleted")


def with_period(subscription: Document, number: int) -> Document:
    """The subscription in its period ``number``, counted from its anchor."""
    anchor = subscription["billing_cycle_anchor"]
    items = [
        {
            **item,
            "current_period_start": period_start(anchor, item["price"], number),
            "current_period_end": period_start(anchor, item["price"], number + 1),
        }
        for item in subscription["items"]["data"]
    ]
    return {
        **subscription,
        "_period": number,
        "items": {**subscription["items"], "data": items},
    }


def running(account: StripeAccount, key: str) -> Document:
    """A subscription that has not ended."""
    subscription = account.fetch("subscription", key)
    if subscription["status"] in _ENDED:
        raise StripeError(
            f"No such subscription: '{key}' has ended ({subscription['status']})",
            status=404,
            code="resource_missing",
            param="id",
        )
    return subscription


def new_item(account: StripeAccount, subscription: str, price: Document, count: int) -> Document:
    """An item of a subscription; its period is set by ``with_period``."""
    return {
        "id": account.store.new_id("si"),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": account.now(),
        "current_period_end": 0,
        "current_period_start": 0,
        "discounts": [],
        "metadata": {},
        "plan": plan(price),
        "price": price,
        "quantity": count,
        "subscription": subscription,
        "tax_rates": [],
    }
