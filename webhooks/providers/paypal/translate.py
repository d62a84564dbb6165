"""PayPal's events in neutral terms: a table from event type to a pure function.

https://developer.paypal.com/api/rest/webhooks/event-names/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import msgspec

from domain.errors import Permanent
from domain.ports import Reading, ReadingRequest
from webhooks.providers.paypal import disputes, documents, payments, subscriptions, wallets
from webhooks.providers.paypal.readings import Event, Needed, Reader
from webhooks.providers.paypal.settings import PayPalSettings
from webhooks.providers.provider import Claim, Envelope, Translation, Translator

Handler = Callable[[Event, Reader], Translation]


def translator(settings: PayPalSettings) -> Translator:
    """The translator; PayPal's settings make no difference to it."""
    return translate


def translate(envelope: Envelope, readings: Mapping[ReadingRequest, Reading]) -> Translation:
    """Say what an event means. Raises ``Permanent`` when an event of a known type does not hold
    what it must, or speaks of something that PayPal does not know."""
    handler = HANDLERS.get(envelope.event_type)
    if handler is None:
        return Translation(ignored=_why_ignored(envelope.event_type))
    try:
        return handler(_event(envelope), Reader(readings))
    except Needed as needed:
        return Translation(needs=needed.requests, claim=_claim(_event(envelope)))


def _event(envelope: Envelope) -> Event:
    try:
        body: Any = msgspec.json.decode(envelope.body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Permanent(f"the body of {envelope.event_id} is not JSON") from error
    resource = body.get("resource") if isinstance(body, dict) else None
    if not isinstance(resource, dict):
        raise Permanent(f"{envelope.event_type} {envelope.event_id} has no resource")
    return Event(envelope.event_type, resource)


def _claim(event: Event) -> Claim:
    """What the resource says, which PayPal's signature binds by a sum alone."""
    resource = event.resource
    try:
        amount = documents.money(resource.get("amount"))
    except Permanent:
        amount = None
    is_payment = event.type.startswith(("PAYMENT.CAPTURE.", "PAYMENT.SALE."))
    payment = documents.text(resource, "id") if is_payment else None
    return Claim(order=documents.our_order(resource), payment=payment, amount=amount)


def _why_ignored(event_type: str) -> str:
    reasons = (why for prefix, why in IGNORED.items() if event_type.startswith(prefix))
    return next(reasons, f"unknown event type {event_type}")


IGNORED: Final = {
    "BILLING.PLAN.": "plans are kept at PayPal and not followed",
    "BILLING_AGREEMENTS.": "billing agreements of the old API are not used",
    "CATALOG.PRODUCT.": "products are kept at PayPal and not followed",
    "CHECKOUT.ORDER.COMPLETED": "the capture's own event tells of the money",
    "CHECKOUT.ORDER.SAVED": "orders are never saved for later",
    "CUSTOMER.ACCOUNT-": "limitations of the seller's account are told by PayPal itself",
    "IDENTITY.": "log-in with PayPal is not used",
    "INVOICING.": "invoices are issued by Billhook, not by PayPal",
    "MERCHANT.": "merchant onboarding is not used",
    "PAYMENT.AUTHORIZATION.": "payments are captured at once, never authorized first",
    "PAYMENT.ORDER.": "orders of the v1 API are not used",
    "PAYMENT.PAYOUTS": "payouts are not used",
    "PAYMENTS.PAYMENT.CREATED": "an approval in the v1 API, which is not used",
    "VAULT.CREDIT-CARD.": "cards in the v1 vault are not used",
}
"""Beginning of an event type → why there is nothing for us in it."""

HANDLERS: Final[dict[str, Handler]] = {
    # Money of one-off payments
    "PAYMENT.CAPTURE.COMPLETED": partial(payments.capture, "succeeded"),
    "PAYMENT.CAPTURE.PENDING": partial(payments.capture, "pending"),
    "PAYMENT.CAPTURE.DECLINED": partial(payments.capture, "failed"),
    "PAYMENT.CAPTURE.DENIED": partial(payments.capture, "failed"),
    # Money of subscriptions, and of the v1 API
    "PAYMENT.SALE.COMPLETED": partial(payments.sale, "succeeded"),
    "PAYMENT.SALE.PENDING": partial(payments.sale, "pending"),
    "PAYMENT.SALE.DENIED": partial(payments.sale, "failed"),
    # Money that goes back
    "PAYMENT.CAPTURE.REFUNDED": partial(payments.refund, False),
    "PAYMENT.CAPTURE.REVERSED": partial(payments.refund, True),
    "PAYMENT.REFUND.FAILED": partial(payments.refund, False),
    "PAYMENT.REFUND.PENDING": partial(payments.refund, False),
    "PAYMENT.SALE.REFUNDED": partial(payments.refund, False),
    "PAYMENT.SALE.REVERSED": partial(payments.refund, True),
    # Checkouts (an approved one is not paid)
    "CHECKOUT.ORDER.APPROVED": wallets.approved,
    "CHECKOUT.PAYMENT-APPROVAL.REVERSED": wallets.reversed_approval,
    # Saved wallets
    "VAULT.PAYMENT-TOKEN.CREATED": wallets.token_saved,
    "VAULT.PAYMENT-TOKEN.DELETED": wallets.token_removed,
    "VAULT.PAYMENT-TOKEN.DELETION-INITIATED": wallets.token_removed,
    # Subscriptions that PayPal runs
    "BILLING.SUBSCRIPTION.CREATED": subscriptions.changed,
    "BILLING.SUBSCRIPTION.ACTIVATED": subscriptions.changed,
    "BILLING.SUBSCRIPTION.UPDATED": subscriptions.changed,
    "BILLING.SUBSCRIPTION.RE-ACTIVATED": subscriptions.changed,
    "BILLING.SUBSCRIPTION.SUSPENDED": subscriptions.changed,
    "BILLING.SUBSCRIPTION.CANCELLED": subscriptions.changed,
    "BILLING.SUBSCRIPTION.EXPIRED": subscriptions.changed,
    "BILLING.SUBSCRIPTION.PAYMENT.FAILED": subscriptions.payment_failed,
    # Disputes
    "CUSTOMER.DISPUTE.CREATED": disputes.dispute,
    "CUSTOMER.DISPUTE.UPDATED": disputes.dispute,
    "CUSTOMER.DISPUTE.RESOLVED": disputes.dispute,
    "RISK.DISPUTE.CREATED": disputes.dispute,
}
