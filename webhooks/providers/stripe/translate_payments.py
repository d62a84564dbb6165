"""What Stripe's PaymentIntents, charges and checkout sessions say of payments.

One card payment makes several events; they all end in the same payment, known by the id of its
PaymentIntent (``pi_…``), or of the charge where there is no PaymentIntent. Money that names an
order or account of ours in its metadata needs nothing else. Other money may pay for a subscription
that Stripe runs, or be none of our business: then the payment is read, with the invoice it pays.

No instant is given for a payment: the events of one payment have none in common, and what they
mean must not depend on which comes first.
"""

from __future__ import annotations

from typing import Final

from domain.errors import Permanent
from domain.facts import CheckoutExpired, PaymentFailed, PaymentPending, PaymentSucceeded
from domain.money import Money
from webhooks.providers.provider import Translation
from webhooks.providers.stripe import shapes
from webhooks.providers.stripe.declines import decline, decline_of, decline_of_charge
from webhooks.providers.stripe.methods import method_of_charge, method_of_intent
from webhooks.providers.stripe.shapes import (
    NOBODY,
    Document,
    Event,
    Readings,
    References,
    child,
    children,
    facts,
    ignored,
    needs,
    text,
)
from webhooks.providers.stripe.translate_billing import invoice_of, subscription_payment
from webhooks.providers.stripe.translate_methods import method_from_setup
from webhooks.providers.stripe.translate_subscriptions import subscription_read

FOREIGN: Final = "the payment names no order of ours and pays no subscription that is followed"
SUCCEEDED: Final = "succeeded"


def payment_intent_succeeded(event: Event, readings: Readings) -> Translation:
    """``payment_intent.succeeded``."""
    intent = event.object
    said = intent.get("status") == SUCCEEDED
    if said and not intent.get("invoice"):
        if any(shapes.references(intent)):
            return facts(_intent_money(intent, shapes.references(intent)))
        if "invoice" in intent:
            return ignored(FOREIGN)
    return payment_from_reading(shapes.identifier(intent), readings)


def charge_succeeded(event: Event, readings: Readings) -> Translation:
    """``charge.succeeded`` and ``charge.captured``."""
    charge = event.object
    if not _is_captured(charge):
        return ignored("the charge moved no money yet: it is authorised only, or not successful")
    complete = "payment_intent" in charge and not charge.get("invoice")
    if complete and any(shapes.references(charge)):
        return facts(_charge_money(charge, shapes.references(charge)))
    if complete and "invoice" in charge and not charge.get("payment_intent"):
        return ignored(FOREIGN)
    return payment_from_reading(payment_of_charge(charge), readings)


def payment_of_charge(charge: Document) -> str:
    """The id under which a charge's payment is known: its PaymentIntent's, else its own."""
    return shapes.reference(charge, "payment_intent") or shapes.identifier(charge)


def payment_from_reading(
    payment: str, readings: Readings, fallback: References = NOBODY
) -> Translation:
    """Say what a payment is for after reading it; ``fallback`` where it does not say itself."""
    reading = shapes.reading_of(readings, "payment", payment)
    if reading is None:
        return needs("payment", payment)
    document = shapes.document_of(reading, "payment", payment)
    if document.get("status") != SUCCEEDED:
        return ignored(f"payment {payment} is {document.get('status')} when read: no money moved")
    order, account = shapes.references(document)
    ours = References(order or fallback.order, account or fallback.account)
    money = (_charge_money if document.get("object") == "charge" else _intent_money)(document, ours)
    invoice = invoice_of(document)
    if invoice:
        return facts(subscription_payment(invoice, money.payment, money.amount, money.method))
    return facts(money) if any(ours) else ignored(FOREIGN)


def payment_intent_processing(event: Event, _: Readings) -> Translation:
    """``payment_intent.processing``: a method that takes days."""
    intent = event.object
    amount = shapes.money(intent, "amount")
    return _pending(intent, shapes.identifier(intent), amount, "processing")


def charge_pending(event: Event, _: Readings) -> Translation:
    """``charge.pending``: the same, seen from the charge."""
    charge = event.object
    return _pending(charge, payment_of_charge(charge), shapes.money(charge, "amount"), "pending")


def payment_intent_failed(event: Event, _: Readings) -> Translation:
    """``payment_intent.payment_failed``."""
    intent = event.object
    why = decline_of(child(intent, "last_payment_error"))
    failed = PaymentFailed(
        payment=shapes.identifier(intent),
        decline=why,
        amount=shapes.money(intent, "amount"),
        order=shapes.references(intent).order,
        account=shapes.references(intent).account,
        customer=shapes.customer(intent),
    )
    return _failed(intent, failed)


def charge_failed(event: Event, _: Readings) -> Translation:
    """``charge.failed``."""
    charge = event.object
    failed = PaymentFailed(
        payment=payment_of_charge(charge),
        decline=decline_of_charge(charge),
        amount=shapes.money(charge, "amount"),
        order=shapes.references(charge).order,
        account=shapes.references(charge).account,
        customer=shapes.customer(charge),
    )
    return _failed(charge, failed)


def session_completed(event: Event, readings: Readings) -> Translation:
    """``checkout.session.completed``: done by the customer, which need not mean paid.

    https://docs.stripe.com/payments/checkout/fulfill-orders
    """
    session = event.object
    subscription = shapes.reference(session, "subscription")
    if subscription:
        return subscription_read(subscription, readings, session_references(session))
    status = session.get("payment_status")
    if session.get("mode") == "setup" or status == "no_payment_required":
        return method_from_setup(session, readings)
    if status == "unpaid":
        amount = shapes.money(session, "amount_total")
        return _pending(session, _session_payment(session), amount, "unpaid")
    return session_paid(event, readings)


def session_paid(event: Event, readings: Readings) -> Translation:
    """A paid session, at once or (``checkout.session.async_payment_succeeded``) later."""
    session = event.object
    subscription = shapes.reference(session, "subscription")
    if subscription:
        return subscription_read(subscription, readings, session_references(session))
    payment, ours = _session_payment(session), session_references(session)
    if ours.order is None or session.get("amount_total") is None:
        return payment_from_reading(payment, readings, ours)
    return facts(
        PaymentSucceeded(
            payment=payment,
            amount=shapes.money(session, "amount_total"),
            order=ours.order,
            account=ours.account,
            customer=shapes.customer(session),
        )
    )


def session_payment_failed(event: Event, _: Readings) -> Translation:
    """``checkout.session.async_payment_failed``: the money of an unpaid session did not come."""
    session = event.object
    ours = session_references(session)
    failed = PaymentFailed(
        payment=_session_payment(session),
        decline=decline("async_payment_failed"),
        order=ours.order,
        account=ours.account,
        customer=shapes.customer(session),
    )
    return _failed(session, failed)


def session_expired(event: Event, _: Readings) -> Translation:
    """``checkout.session.expired``."""
    order = session_references(event.object).order
    if order is None:
        return ignored("the checkout names no order of ours")
    return facts(CheckoutExpired(checkout=shapes.identifier(event.object), order=order))


def session_references(session: Document) -> References:
    """Order and account of a session: the order is its reference, else in its metadata."""
    order, account = shapes.references(session)
    return References(text(session, "client_reference_id") or order, account)


def _session_payment(session: Document) -> str:
    payment = shapes.reference(session, "payment_intent")
    if payment is None:
        raise Permanent(f"checkout {shapes.identifier(session)} has no payment_intent")
    return payment


def _intent_money(intent: Document, ours: References) -> PaymentSucceeded:
    received = "amount_received" if shapes.whole(intent, "amount_received") else "amount"
    return PaymentSucceeded(
        payment=shapes.identifier(intent),
        amount=shapes.money(intent, received),
        order=ours.order,
        account=ours.account,
        customer=shapes.customer(intent),
        method=method_of_intent(intent, charge_of_intent(intent)),
    )


def charge_of_intent(intent: Document) -> Document:
    """The charge of a PaymentIntent that came with it; empty when it is only named, or not."""
    embedded = [c for c in children(intent, "charges") if c.get("status") == SUCCEEDED]
    return child(intent, "latest_charge") or (embedded[0] if embedded else {})


def _charge_money(charge: Document, ours: References) -> PaymentSucceeded:
    captured = "amount_captured" if shapes.whole(charge, "amount_captured") else "amount"
    return PaymentSucceeded(
        payment=payment_of_charge(charge),
        amount=shapes.money(charge, captured),
        order=ours.order,
        account=ours.account,
        customer=shapes.customer(charge),
        method=method_of_charge(charge),
    )


def _is_captured(charge: Document) -> bool:
    # Charges of the oldest versions have no status and say ``paid`` alone.
    succeeded = charge.get("status", SUCCEEDED) in (SUCCEEDED, "paid")
    return succeeded and charge.get("paid") is not False and charge.get("captured") is not False


def _pending(document: Document, payment: str, amount: Money, reason: str) -> Translation:
    ours = session_references(document)
    if not any(ours):
        return ignored(FOREIGN)
    return facts(
        PaymentPending(
            payment=payment,
            amount=amount,
            order=ours.order,
            account=ours.account,
            customer=shapes.customer(document),
            reason=reason,
        )
    )


def _failed(document: Document, failed: PaymentFailed) -> Translation:
    if document.get("invoice") or not (failed.order or failed.account):
        # What fails of a subscription's money is told by invoice.payment_failed, with the plan
        # of Stripe's retries.
        return ignored("the failed payment names no order of ours")
    return facts(failed)
