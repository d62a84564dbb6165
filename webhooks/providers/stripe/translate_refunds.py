"""What Stripe says of money that goes back: refunds, disputes, and warnings of fraud.

The payment is known by its PaymentIntent. Old API versions name the charge alone, and then the
payment is read; a charge that says it has no PaymentIntent (null) is the payment itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from domain.errors import Permanent
from domain.facts import (
    DisputeClosed,
    DisputeOpened,
    DisputeOutcome,
    Fact,
    FraudWarned,
    RefundReported,
    RefundStatus,
    RefundTotalReported,
)
from webhooks.providers.provider import Translation
from webhooks.providers.stripe import shapes
from webhooks.providers.stripe.shapes import (
    Document,
    Event,
    Readings,
    children,
    facts,
    ignored,
    needs,
    text,
)

REFUND_STATES: Final[dict[str, RefundStatus]] = {
    "pending": "pending",
    "requires_action": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "failed",
}
"""https://docs.stripe.com/api/refunds/object#refund_object-status"""

DISPUTE_OUTCOMES: Final[dict[str, DisputeOutcome]] = {
    "won": "won",
    "lost": "lost",
    "warning_closed": "withdrawn",
    "prevented": "withdrawn",
}
"""The states in which a dispute is over; an inquiry that came to nothing counts as withdrawn.
https://docs.stripe.com/api/disputes/object#dispute_object-status"""

NEVER_CAPTURED: Final = "expired_uncaptured_charge"
"""Stripe's reason for giving back what was only authorised: that money never came."""


def charge_refunded(event: Event, readings: Readings) -> Translation:
    """``charge.refunded``: the total given back, and the refunds where they are listed."""
    charge = event.object
    total = shapes.money(charge, "amount_refunded")
    refunds = [
        {"currency": charge.get("currency"), **refund} for refund in children(charge, "refunds")
    ]

    def say(payment: str) -> list[Fact]:
        listed = [_refund(refund, payment) for refund in refunds]
        return [*listed, RefundTotalReported(payment=payment, total=total)]

    return _about(payment_behind(charge, "id"), readings, say)


def refund_reported(event: Event, readings: Readings) -> Translation:
    """``refund.created``, ``refund.updated`` and ``charge.refund.updated``: all carry a refund."""
    refund = event.object
    if refund.get("reason") == NEVER_CAPTURED:
        return ignored("the money was authorised only and never came")
    return _about(payment_behind(refund), readings, lambda payment: [_refund(refund, payment)])


def refund_failed(event: Event, readings: Readings) -> Translation:
    """``refund.failed``: the bank did not take the money."""
    failed = Event(
        type=event.type, object={**event.object, "status": "failed"}, previous=event.previous
    )
    return refund_reported(failed, readings)


def dispute_reported(event: Event, readings: Readings) -> Translation:
    """``charge.dispute.created``, ``.updated``, ``.funds_withdrawn``, ``.funds_reinstated``.

    A dispute may be over when the first word of it comes.
    """
    return _dispute(event.object, readings)


def dispute_closed(event: Event, readings: Readings) -> Translation:
    """``charge.dispute.closed``, which may come before ``created``."""
    dispute = event.object
    if text(dispute, "status") in DISPUTE_OUTCOMES:
        return _dispute(dispute, readings)
    identifier = shapes.identifier(dispute)
    reading = shapes.reading_of(readings, "dispute", identifier)
    if reading is None:
        return needs("dispute", identifier)
    return _dispute(shapes.document_of(reading, "dispute", identifier), readings)


def fraud_warned(event: Event, readings: Readings) -> Translation:
    """``radar.early_fraud_warning.created`` and ``.updated``."""
    reason = text(event.object, "fraud_type")
    payment = payment_behind(event.object)
    return _about(payment, readings, lambda known: [FraudWarned(payment=known, reason=reason)])


class PaymentBehind(NamedTuple):
    """The id of a payment; ``settled`` when it is certain that it is known by this id."""

    id: str
    settled: bool


def payment_behind(document: Document, charge: str = "charge") -> PaymentBehind:
    """The payment that an object is about, with the charge under the name ``charge``.

    Raises ``Permanent`` when it names neither PaymentIntent nor charge.
    """
    intent = shapes.reference(document, "payment_intent")
    if intent is not None:
        return PaymentBehind(intent, True)
    found = shapes.reference(document, charge)
    if found is None:
        what = document.get("object") or "object"
        raise Permanent(f"Stripe's {what} {document.get('id')} names no payment")
    return PaymentBehind(found, "payment_intent" in document)


def _about(
    payment: PaymentBehind, readings: Readings, say: Callable[[str], list[Fact]]
) -> Translation:
    if payment.settled:
        return facts(*say(payment.id))
    reading = shapes.reading_of(readings, "payment", payment.id)
    if reading is None:
        return needs("payment", payment.id)
    document = shapes.document_of(reading, "payment", payment.id)
    return facts(*say(shapes.identifier(document)))


def _refund(refund: Document, payment: str) -> RefundReported:
    status = text(refund, "status") or "succeeded"
    if status not in REFUND_STATES:
        raise Permanent(f"refund {shapes.identifier(refund)} has the new state {status}")
    return RefundReported(
        refund=shapes.identifier(refund),
        payment=payment,
        amount=shapes.money(refund, "amount"),
        status=REFUND_STATES[status],
    )


def _dispute(dispute: Document, readings: Readings) -> Translation:
    return _about(payment_behind(dispute), readings, lambda payment: _contest(dispute, payment))


def _contest(dispute: Document, payment: str) -> list[Fact]:
    # The oldest versions gave a dispute no id: a charge had one at most.
    identifier = text(dispute, "id") or shapes.reference(dispute, "charge") or payment
    amount = shapes.money(dispute, "amount")
    opened = DisputeOpened(
        dispute=identifier, payment=payment, amount=amount, reason=text(dispute, "reason")
    )
    outcome = DISPUTE_OUTCOMES.get(text(dispute, "status") or "")
    if outcome is None:
        return [opened]
    closed = DisputeClosed(dispute=identifier, payment=payment, amount=amount, outcome=outcome)
    return [opened, closed]
