"""Events about captures, sales, refunds and reversals.

https://developer.paypal.com/docs/api/payments/v2/ and, for sales, the deprecated
https://developer.paypal.com/docs/api/payments/v1/
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal

from domain.errors import Permanent
from domain.facts import (
    Fact,
    Method,
    PaymentFailed,
    PaymentPending,
    PaymentSucceeded,
    Period,
    RefundReported,
    RefundStatus,
)
from domain.money import Money
from domain.ports import Reading, ReadingRequest
from webhooks.providers.paypal.declines import decline
from webhooks.providers.paypal.documents import (
    ID,
    Document,
    identifier,
    instant,
    linked_id,
    money,
    our_order,
    positive,
    status,
    text,
)
from webhooks.providers.paypal.readings import Event, Reader, known
from webhooks.providers.paypal.subscriptions import cycle_at, paid_period, subscription_read
from webhooks.providers.provider import Translation

Outcome = Literal["succeeded", "pending", "failed"]

OUTCOMES: Final[dict[str, Outcome]] = {
    "COMPLETED": "succeeded",
    # The money was here; what went back is told by the refund's own event.
    "PARTIALLY_REFUNDED": "succeeded",
    "REFUNDED": "succeeded",
    "REVERSED": "succeeded",
    "PENDING": "pending",
    "DECLINED": "failed",
    "DENIED": "failed",
    "FAILED": "failed",
}
"""State of a capture or sale → what became of the payment."""

REFUNDS: Final[dict[str, RefundStatus]] = {
    "COMPLETED": "succeeded",
    "PENDING": "pending",
    "CANCELLED": "failed",
    "FAILED": "failed",
}

WALLET: Final = Method(kind="wallet", brand="paypal")
"""How a PayPal payment was made, as far as the payment itself says."""

_SAME_PAYMENT: Final = timedelta(days=1)


def outcome_of(document: Document) -> Outcome:
    """What became of a capture or sale. Raises ``Permanent`` for a state that is not known."""
    state = status(document)
    if state not in OUTCOMES:
        raise Permanent(f"PayPal reports the payment state {state!r}, which is not known")
    return OUTCOMES[state]


def capture(claim: Outcome, event: Event, reader: Reader) -> Translation:
    """``PAYMENT.CAPTURE.…``: what the capture itself says counts; ``claim`` is the event's."""
    document = reader.document(ReadingRequest("capture", identifier(event.resource)))
    return _told(event, claim, document, _payment_fact(claim, document))


def sale(claim: Outcome, event: Event, reader: Reader) -> Translation:
    """``PAYMENT.SALE.…``: a v1 payment, or one that PayPal collected for a subscription.

    A sale does not say which period it pays for; its subscription does, so both are read, the
    subscription in the same round when the event already names it.
    """
    request = ReadingRequest("sale", identifier(event.resource))
    hint = text(event.resource, "billing_agreement_id")
    hinted = (ReadingRequest("subscription", hint),) if hint and ID.fullmatch(hint) else ()
    document = known(reader.get(request, *hinted)[0], request)
    agreement = text(document, "billing_agreement_id")
    if agreement is None:
        return _told(event, claim, document, _payment_fact(claim, document))
    [reading] = reader.get(ReadingRequest("subscription", agreement))
    payment = _payment_fact(claim, document, agreement, _period(document, reading))
    told = _told(event, claim, document, payment)
    if told.ignored or reading.document is None:
        return told
    return Translation(facts=(subscription_read(agreement, reading), *told.facts))


def refund(reversal: bool, event: Event, reader: Reader) -> Translation:
    """``PAYMENT.….REFUNDED`` and ``.REVERSED``: the resource is the refund, not the payment."""
    request = ReadingRequest("refund", identifier(event.resource))
    document = reader.document(request)
    payment = refunded_payment(document) or refunded_payment(event.resource)
    if payment is None:
        raise Permanent(f"neither PayPal nor the event says which payment {request} gives back")
    state = status(document)
    if state not in REFUNDS:
        raise Permanent(f"PayPal reports the refund state {state!r}, which is not known")
    fact = RefundReported(
        refund=request.id,
        payment=payment,
        amount=positive(document.get("amount")),
        status=REFUNDS[state],
        reversal=reversal,
    )
    return Translation(facts=(fact,))


def refunded_payment(document: Document) -> str | None:
    """The payment that a refund gives back: v1 names it, v2 only links to it."""
    return (
        text(document, "capture_id")
        or text(document, "sale_id")
        or linked_id(document, "captures", "up")
        or linked_id(document, "capture", "capture", "up")
        or linked_id(document, "sale", "sale", "up")
    )


def _told(event: Event, claim: Outcome, document: Document, fact: Fact) -> Translation:
    if claim == "failed" and outcome_of(document) == "succeeded":
        return Translation(
            ignored=f"{event.type}, but PayPal says that the payment is {status(document)}"
        )
    return Translation(facts=(fact,))


def _payment_fact(
    claim: Outcome,
    document: Document,
    agreement: str | None = None,
    period: Period | None = None,
) -> Fact:
    """The fact of a payment. A pending event about a completed sale is money on hold: it becomes
    money with the event that says so, never before."""
    outcome = outcome_of(document)
    # Money of a subscription pays for its next period, not once more for the order it began with.
    order = None if agreement else our_order(document)
    payment = identifier(document)
    if outcome == "failed":
        return _failed(document, payment, order, agreement)
    if outcome == "pending" or claim == "pending":
        return PaymentPending(
            payment=payment,
            amount=_taken(document),
            order=order,
            reason=text(document, "status_details", "reason") or text(document, "reason_code"),
        )
    return PaymentSucceeded(
        payment=payment,
        amount=_taken(document),
        order=order,
        subscription=agreement,
        period=period,
        method=WALLET,
        at=instant(document.get("create_time")),
    )


def _failed(
    document: Document, payment: str, order: str | None, agreement: str | None
) -> PaymentFailed:
    return PaymentFailed(
        payment=payment,
        decline=decline(decline_code(document)),
        amount=_taken(document),
        order=order,
        subscription=agreement,
    )


def decline_code(document: Document) -> str:
    """Why a capture or sale failed, in PayPal's words."""
    return (
        text(document, "processor_response", "response_code")
        or text(document, "status_details", "reason")
        or text(document, "reason_code")
        or status(document)
    )


def _taken(document: Document) -> Money:
    amount = money(document.get("amount"))
    if amount.amount <= 0:
        raise Permanent(f"PayPal reports a payment of {amount}, which is not positive")
    return amount


def _period(sale: Document, subscription: Reading) -> Period | None:
    """The period that a sale pays for: its cycle, where the interval is known; else from the
    subscription's last payment to the next one.

    The latter holds only while this sale is the last payment; for an event that is translated
    late, after the next payment, the period stays unknown and the subscription's reading tells it.
    """
    made = instant(sale.get("create_time"))
    if made is None or subscription.document is None:
        return None
    if cycle := cycle_at(subscription.document, made):
        return cycle
    period = paid_period(subscription.document)
    return period if period and abs(made - period.start) <= _SAME_PAYMENT else None
