"""What Stripe says of the money of subscriptions that it runs itself.

It is told by the invoice, by the link between invoice and payment, and by the payment; all end in
the same fact, known by the id of the payment.
"""

from __future__ import annotations

from typing import Final

from domain.errors import Permanent
from domain.facts import Fact, Method, PaymentSucceeded, SubscriptionPaymentFailed, SubscriptionRead
from domain.money import Money
from webhooks.providers.provider import Translation
from webhooks.providers.stripe import invoices, shapes
from webhooks.providers.stripe.declines import decline
from webhooks.providers.stripe.invoices import Payment, subscription_of
from webhooks.providers.stripe.shapes import (
    Document,
    Event,
    Readings,
    child,
    facts,
    ignored,
    needs,
)
from webhooks.providers.stripe.translate_subscriptions import subscription_read

FIRST_INVOICE: Final = "subscription_create"
NO_SUBSCRIPTION: Final = "the invoice belongs to no subscription and names no order of ours"


def invoice_paid(event: Event, readings: Readings) -> Translation:
    """``invoice.paid`` and ``invoice.payment_succeeded``."""
    invoice = event.object
    if not invoices.paid_amount(invoice):
        subscription = subscription_of(invoice)
        if subscription is None:
            return ignored("nothing was to be paid")
        # A trial or a discount of all: the period starts without money.
        return subscription_read(subscription, readings)
    payments = invoices.payments_in(invoice)
    if payments is None:
        return _invoice_from_reading(shapes.identifier(invoice), readings)
    return _money_of(invoice, payments)


def invoice_payment_paid(event: Event, readings: Readings) -> Translation:
    """``invoice_payment.paid``: the link between an invoice and its payment (basil and later)."""
    invoice = shapes.reference(event.object, "invoice")
    if invoice is None:
        raise Permanent(f"{shapes.identifier(event.object)} names no invoice")
    return _invoice_from_reading(invoice, readings)


def invoice_payment_failed(event: Event, readings: Readings) -> Translation:
    """``invoice.payment_failed``: without a next attempt Stripe has given up.

    The invoice may have been paid since, so the subscription is read; it is told first. The
    invoice does not say why the bank refused.
    https://docs.stripe.com/billing/revenue-recovery/smart-retries
    """
    invoice = event.object
    subscription = subscription_of(invoice)
    if subscription is None:
        return ignored(NO_SUBSCRIPTION)
    told = subscription_read(subscription, readings)
    if told.needs or any(_is_active(fact) for fact in told.facts):
        return told
    next_attempt = shapes.instant(invoice, "next_payment_attempt")
    failed = SubscriptionPaymentFailed(
        subscription=subscription,
        decline=decline("invoice_payment_failed"),
        attempt=shapes.whole(invoice, "attempt_count"),
        final=next_attempt is None,
        next_attempt_at=next_attempt,
    )
    return facts(*told.facts, failed)


def _is_active(fact: Fact) -> bool:
    return isinstance(fact, SubscriptionRead) and fact.state == "active"


def invoice_of(payment: Document) -> Document:
    """The invoice that a payment, as read, pays for; empty unless it is a subscription's."""
    invoice = child(payment, "invoice")
    return invoice if subscription_of(invoice) else {}


def subscription_payment(
    invoice: Document, payment: str, amount: Money, method: Method | None
) -> PaymentSucceeded:
    """The money that one payment brought for the subscription of an invoice."""
    order, account = invoices.subscription_references(invoice)
    return PaymentSucceeded(
        payment=payment,
        amount=amount,
        # The order started the subscription; its renewals are money of no order.
        order=order if invoice.get("billing_reason") == FIRST_INVOICE else None,
        account=account,
        customer=shapes.customer(invoice),
        subscription=subscription_of(invoice),
        period=invoices.period_of(invoice),
        method=method,
    )


def _invoice_from_reading(invoice: str, readings: Readings) -> Translation:
    reading = shapes.reading_of(readings, "invoice", invoice)
    if reading is None:
        return needs("invoice", invoice)
    document = shapes.document_of(reading, "invoice", invoice)
    payments = invoices.payments_in(document)
    if payments is None:
        payments = invoices.outside(document) if invoices.paid_amount(document) else []
    return _money_of(document, payments)


def _money_of(invoice: Document, payments: list[Payment]) -> Translation:
    if not payments:
        return ignored("no payment of the invoice is complete")
    if subscription_of(invoice):
        return facts(*(subscription_payment(invoice, *payment) for payment in payments))
    ours = shapes.references(invoice)
    if not any(ours):
        return ignored(NO_SUBSCRIPTION)
    return facts(
        *(
            PaymentSucceeded(
                payment=identifier,
                amount=amount,
                order=ours.order,
                account=ours.account,
                customer=shapes.customer(invoice),
                method=method,
            )
            for identifier, amount, method in payments
        )
    )
