"""Reads objects from Stripe, put together so that a translation needs one reading for one question.

``payment`` is the PaymentIntent with its charge and, as ``invoice``, the invoice that it pays;
``invoice`` has its payments with their PaymentIntents. Both are Stripe's own shapes: the former as
it was before API version 2025-03-31.basil, the latter as it is since.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import stripe

from webhooks.providers.stripe import shapes
from webhooks.providers.stripe.charges import plain
from webhooks.providers.stripe.shapes import Document, child, children

Read = Callable[[stripe.StripeClient, str], Document]


def subscription(client: stripe.StripeClient, identifier: str) -> Document:
    """A subscription with its items and its latest invoice, which says whether it was paid."""
    asked = client.v1.subscriptions.retrieve(identifier, {"expand": ["latest_invoice"]})
    return plain(asked)


def invoice(client: stripe.StripeClient, identifier: str) -> Document:
    """An invoice with its payments, and each payment's PaymentIntent with its charge."""
    document = plain(client.v1.invoices.retrieve(identifier, {"expand": ["payments"]}))
    for link in children(document, "payments"):
        payment = child(link, "payment")
        intent = shapes.reference(payment, "payment_intent")
        if intent is not None and link.get("status") == "paid":
            payment["payment_intent"] = _intent(client, intent)
    return document


def payment(client: stripe.StripeClient, identifier: str) -> Document:
    """A PaymentIntent, or the charge where there is none, with the invoice that it pays.

    ``identifier`` may be that of a charge which has a PaymentIntent: that is what is read then.
    """
    if not identifier.startswith("pi_"):
        charge = plain(client.v1.charges.retrieve(identifier))
        behind = shapes.reference(charge, "payment_intent")
        if behind is None:
            return charge
        identifier = behind
    document = _intent(client, identifier)
    document["invoice"] = _invoice_paid_by(client, identifier)
    return document


def checkout(client: stripe.StripeClient, identifier: str) -> Document:
    """A checkout session."""
    return plain(client.v1.checkout.sessions.retrieve(identifier))


def payment_method(client: stripe.StripeClient, identifier: str) -> Document:
    """A PaymentMethod."""
    return plain(client.v1.payment_methods.retrieve(identifier))


def refund(client: stripe.StripeClient, identifier: str) -> Document:
    """A refund."""
    return plain(client.v1.refunds.retrieve(identifier))


def dispute(client: stripe.StripeClient, identifier: str) -> Document:
    """A dispute."""
    return plain(client.v1.disputes.retrieve(identifier))


def setup_intent(client: stripe.StripeClient, identifier: str) -> Document:
    """A SetupIntent with the PaymentMethod that it saved."""
    return plain(client.v1.setup_intents.retrieve(identifier, {"expand": ["payment_method"]}))


def _intent(client: stripe.StripeClient, identifier: str) -> Document:
    return plain(client.v1.payment_intents.retrieve(identifier, {"expand": ["latest_charge"]}))


def _invoice_paid_by(client: stripe.StripeClient, intent: str) -> Document | None:
    links = client.v1.invoice_payments.list(
        {
            "payment": {"type": "payment_intent", "payment_intent": intent},
            "expand": ["data.invoice"],
        }
    )
    found: list[dict[str, Any]] = [plain(link) for link in links.data]
    return child(found[0], "invoice") if found else None


READS: Final[dict[str, Read]] = {
    "checkout": checkout,
    "dispute": dispute,
    "invoice": invoice,
    "payment": payment,
    "payment_method": payment_method,
    "refund": refund,
    "setup_intent": setup_intent,
    "subscription": subscription,
}
"""Kind of a reading → how it is made."""
