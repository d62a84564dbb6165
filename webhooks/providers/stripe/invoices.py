"""Stripe's invoices, read alike from old and new API versions.

Since 2025-03-31.basil the subscription, its metadata and the payments of an invoice are in other
places than before: https://docs.stripe.com/changelog/basil
"""

from __future__ import annotations

from typing import Any

from domain.errors import Permanent
from domain.facts import Method, Period
from domain.money import Money
from webhooks.providers.stripe import shapes
from webhooks.providers.stripe.methods import method_of_charge, method_of_intent
from webhooks.providers.stripe.shapes import Document, References, child, children, text

Payment = tuple[str, Money, Method | None]
"""One payment of an invoice: its id, what it brought, and the means where that is known."""


def subscription_of(invoice: Document) -> str | None:
    """The subscription that an invoice is for, in the old and the new place."""
    details = child(invoice, "parent", "subscription_details")
    return shapes.reference(invoice, "subscription") or shapes.reference(details, "subscription")


def period_of(invoice: Document) -> Period | None:
    """The span that an invoice pays for: that of its subscription lines, the last to end.

    Prorations are passed over: they settle a part of a period that was paid before. None when
    there is nothing else.
    """
    spans = [
        span
        for line in _subscription_lines(invoice)
        if not _is_proration(line)
        and (span := shapes.span(child(line, "period"), "start", "end")) is not None
    ]
    return max(spans, key=lambda span: span.end, default=None)


def subscription_references(invoice: Document) -> References:
    """Our metadata on the subscription, which the invoice or its lines repeat."""
    places = (
        child(invoice, "parent", "subscription_details"),
        child(invoice, "subscription_details"),
        *_subscription_lines(invoice),
        invoice,
    )
    said = [shapes.references(place) for place in places]
    return References(
        next((order for order, _ in said if order), None),
        next((account for _, account in said if account), None),
    )


def payments_in(invoice: Document) -> list[Payment] | None:
    """The payments that an invoice names; None when this shape of it does not say."""
    if children(invoice, "payments"):
        return [
            _linked(link) for link in children(invoice, "payments") if link.get("status") == "paid"
        ]
    amount = shapes.money(invoice, _paid_field(invoice))
    intent = shapes.reference(invoice, "payment_intent")
    if intent is not None:
        return [(intent, amount, method_of(child(invoice, "payment_intent")))]
    if "payment_intent" not in invoice:
        return None
    charge = shapes.reference(invoice, "charge")
    return [(charge, amount, None)] if charge else outside(invoice)


def _linked(link: Document) -> Payment:
    payment = child(link, "payment")
    kind = text(payment, "type") or "payment_intent"
    identifier = shapes.reference(payment, kind)
    if identifier is None:
        raise Permanent(f"{shapes.identifier(link)} does not say which {kind} paid")
    return identifier, shapes.money(link, "amount_paid"), method_of(child(payment, kind))


def outside(invoice: Document) -> list[Payment]:
    """An invoice marked as paid outside Stripe: no payment, so it is known by the invoice."""
    amount = shapes.money(invoice, _paid_field(invoice))
    return [(shapes.identifier(invoice), amount, None)]


def paid_amount(invoice: Document) -> int:
    """What was paid, in minor units; 0 for a trial."""
    return shapes.whole(invoice, _paid_field(invoice)) or 0


def _paid_field(invoice: Document) -> str:
    # Invoices of the oldest versions say only what was due, and that they are paid.
    return "amount_paid" if "amount_paid" in invoice else "amount_due"


def method_of(payment: Document) -> Method | None:
    """The means of a PaymentIntent or charge that came with the invoice; None when it did not."""
    if payment.get("object") == "charge":
        return method_of_charge(payment)
    return method_of_intent(payment, child(payment, "latest_charge")) if payment else None


def _subscription_lines(invoice: Document) -> list[Document]:
    subscription = subscription_of(invoice)
    return [line for line in children(invoice, "lines") if _pays_for(line, subscription)]


def _pays_for(line: Document, subscription: str | None) -> bool:
    parent = child(line, "parent")
    named = (
        shapes.reference(line, "subscription")
        or shapes.reference(child(parent, "subscription_item_details"), "subscription")
        or shapes.reference(child(parent, "invoice_item_details"), "subscription")
    )
    if named is not None:
        return named == subscription
    # The oldest versions gave the line of a subscription the subscription's own id.
    return line.get("type") == "subscription" or line.get("id") == subscription


def _is_proration(line: Document) -> bool:
    parent = child(line, "parent")
    places: tuple[dict[str, Any], ...] = (
        line,
        child(parent, "subscription_item_details"),
        child(parent, "invoice_item_details"),
    )
    return any(place.get("proration") is True for place in places)
