"""How invoices, their lines and their payments look in the newest API version."""

from __future__ import annotations

from typing import Any

from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_lists import listed

_NO_TRANSITIONS: Document = {
    "finalized_at": None,
    "marked_uncollectible_at": None,
    "paid_at": None,
    "voided_at": None,
}

_FIXED: Document = {
    "account_country": "US",
    "account_name": "Billhook sandbox",
    "account_tax_ids": None,
    "amount_overpaid": 0,
    "amount_paid": 0,
    "amount_shipping": 0,
    "attempt_count": 0,
    "attempted": False,
    "auto_advance": True,
    "automatic_tax": {"enabled": False, "liability": None, "status": None},
    "collection_method": "charge_automatically",
    "custom_fields": None,
    "customer_account": None,
    "default_payment_method": None,
    "default_source": None,
    "description": None,
    "discounts": [],
    "due_date": None,
    "effective_at": None,
    "ending_balance": 0,
    "footer": None,
    "hosted_invoice_url": None,
    "invoice_pdf": None,
    "metadata": {},
    "next_payment_attempt": None,
    "number": None,
    "starting_balance": 0,
    "status": "draft",
    "status_transitions": _NO_TRANSITIONS,
    "total_discount_amounts": [],
    "total_taxes": [],
    "webhooks_delivered_at": None,
    "_charge": None,
    "_payment_intent": None,
}


def draft(
    account: StripeAccount,
    subscription: Document,
    customer: Document,
    reason: str,
    lines: list[Document],
) -> Document:
    """A draft of an invoice over ``lines``, not kept yet. ``reason`` is its billing reason."""
    total = sum(each["amount"] for each in lines)
    invoice = account.new(
        "in",
        **_FIXED,
        amount_due=max(0, total),
        amount_remaining=max(0, total),
        billing_reason=reason,
        currency=subscription["currency"],
        customer=customer["id"],
        customer_address=customer["address"],
        customer_email=customer["email"],
        customer_name=customer["name"],
        parent=_parent(subscription),
        period_end=account.now(),
        period_start=account.now(),
        subtotal=total,
        total=total,
    )
    return {**invoice, "lines": listed(lines, f"/v1/invoices/{invoice['id']}/lines")}


def _parent(subscription: Document) -> Document:
    details = {"metadata": subscription["metadata"], "subscription": subscription["id"]}
    return {
        "quote_details": None,
        "subscription_details": details,
        "type": "subscription_details",
    }


def line(
    account: StripeAccount, item: Document, amount: int, start: int, end: int, **more: Any
) -> Document:
    """A line over ``amount`` for a subscription's item and a period."""
    price = item["price"]
    return {
        "id": account.store.new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": more.get("description") or f"{item['quantity']} x {price['product']}",
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "livemode": False,
        "metadata": {},
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": bool(more.get("proration")),
                "proration_details": None,
                "subscription": item["subscription"],
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        "period": {"end": end, "start": start},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "quantity": item["quantity"],
        "subtotal": amount,
        "taxes": [],
    }


def invoice_payment(account: StripeAccount, invoice: Document, intent: Document) -> Document:
    """The link between an invoice and the PaymentIntent that paid it, not kept yet."""
    return account.new(
        "inpay",
        amount_paid=intent["amount"],
        amount_requested=intent["amount"],
        currency=invoice["currency"],
        invoice=invoice["id"],
        is_default=True,
        payment={"payment_intent": intent["id"], "type": "payment_intent"},
        status="paid",
        status_transitions={"canceled_at": None, "paid_at": account.now()},
    )


def subscription_of(invoice: Document) -> str | None:
    """The subscription that an invoice bills, or None."""
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    return details.get("subscription")
