"""Stripe's payments, refunds and disputes as read, in our words, to be compared with our books."""

from __future__ import annotations

from typing import Final

from domain.comparison import Claim, Look, Sighting
from domain.money import Money
from domain.ports import ReadingRequest
from webhooks.providers.stripe import shapes
from webhooks.providers.stripe.shapes import Document, text
from webhooks.providers.stripe.translate_payments import charge_of_intent
from webhooks.providers.stripe.translate_refunds import DISPUTE_OUTCOMES, REFUND_STATES

STATES: Final = {
    "succeeded": "succeeded",
    "paid": "succeeded",
    "processing": "pending",
    "pending": "pending",
    "requires_capture": "pending",
}
"""State of a PaymentIntent or charge → of a payment; in any other no money came, nor will it
without the customer. https://docs.stripe.com/payments/paymentintents/lifecycle"""


def payment(_: str, document: Document) -> Sighting:
    """A PaymentIntent with its charge, or a charge."""
    if document.get("object") == "charge":
        charge, amount = document, _taken(document, "amount_captured")
    else:
        charge, amount = charge_of_intent(document), _taken(document, "amount_received")
    back = shapes.whole(charge, "amount_refunded")
    return Sighting(
        state=STATES.get(text(document, "status") or "", "failed"),
        amount=amount,
        refunded=None if back is None else Money(back, amount.currency),
    )


def refund(_: str, document: Document) -> Sighting:
    """A refund."""
    state = text(document, "status") or "succeeded"
    return Sighting(state=REFUND_STATES.get(state, state), amount=shapes.money(document, "amount"))


def dispute(_: str, document: Document) -> Sighting:
    """A dispute."""
    state = DISPUTE_OUTCOMES.get(text(document, "status") or "", "open")
    return Sighting(state=state, amount=shapes.money(document, "amount"))


def claim(document: Document) -> Claim:
    """A listed PaymentIntent, and whom of ours its metadata name."""
    order, account = shapes.references(document)
    reference = shapes.identifier(document)
    return Claim(
        reference=reference, sighting=payment(reference, document), order=order, account=account
    )


def _taken(document: Document, name: str) -> Money:
    return shapes.money(document, name if shapes.whole(document, name) else "amount")


def _read(kind: str, reference: str) -> tuple[ReadingRequest, ...]:
    return (ReadingRequest(kind, reference),)


SIGHTINGS: Final = {
    "payment": Look(lambda reference: _read("payment", reference), payment),
    "refund": Look(lambda reference: _read("refund", reference), refund),
    "dispute": Look(lambda reference: _read("dispute", reference), dispute),
}
"""Kind of an object → how it is looked up."""
