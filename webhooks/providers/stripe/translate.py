"""Translates Stripe's events into facts: a table of event types and pure functions.

Both shapes of events are read: snapshots (v1), which carry the object, and notifications (v2),
which only name it. https://docs.stripe.com/event-destinations
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from domain.errors import Permanent
from webhooks.providers.provider import Envelope, Translation
from webhooks.providers.stripe import translate_billing as billing
from webhooks.providers.stripe import translate_methods as methods
from webhooks.providers.stripe import translate_payments as payments
from webhooks.providers.stripe import translate_refunds as refunds
from webhooks.providers.stripe import translate_subscriptions as subscriptions
from webhooks.providers.stripe.settings import StripeConfiguration
from webhooks.providers.stripe.shapes import Document, Event, Readings, child, ignored

Translate = Callable[[Event, Readings], Translation]

NOTIFICATION: Final = "v2.core.event"
PING: Final = "v2.core.event_destination.ping"
MODES: Final = {True: "live-mode", False: "test-mode"}
INSTALLATIONS: Final = {True: "live", False: "test"}


class StripeTranslator:
    """Translates the events of one installation, which is of live or of test mode. Pure."""

    def __init__(self, configuration: StripeConfiguration) -> None:
        self._livemode = configuration.livemode

    def __call__(self, envelope: Envelope, readings: Readings) -> Translation:
        """Translate; raises ``Permanent`` when the body does not hold what its type must hold."""
        body = _decode(envelope.body)
        if body.get("object") == NOTIFICATION:
            return _notification(body)
        livemode = body.get("livemode")
        if isinstance(livemode, bool) and livemode is not self._livemode:
            installation = INSTALLATIONS[self._livemode]
            return ignored(f"{MODES[livemode]} event in a {installation} installation")
        kind = envelope.event_type
        if kind in TRANSLATIONS:
            return TRANSLATIONS[kind](_snapshot(kind, body), readings)
        return ignored(MEANINGLESS.get(kind, f"Billhook does not know events of type {kind}"))


def translator(configuration: StripeConfiguration) -> StripeTranslator:
    """Make the translator of a configured Stripe."""
    return StripeTranslator(configuration)


def _decode(body: bytes) -> Document:
    try:
        decoded: Any = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Permanent(f"the event's body cannot be read as JSON: {error}") from error
    if not isinstance(decoded, dict):
        raise Permanent("the event's body is JSON, but not an object")
    return decoded


def _notification(body: Document) -> Translation:
    kind = body.get("type")
    if kind == PING:
        return ignored("test ping")
    return ignored(f"notifications of type {kind} say nothing about payments")


def _snapshot(kind: str, body: Document) -> Event:
    """Raises ``Permanent`` when the event carries no object."""
    found = child(body, "data", "object")
    if not found:
        raise Permanent(f"the {kind} event carries no object in data.object")
    return Event(type=kind, object=found, previous=child(body, "data", "previous_attributes"))


MEANINGLESS: Final[dict[str, str]] = {
    "charge.expired": "an authorisation ran out; no money had moved",
    "charge.updated": "details of a charge changed; its money is told by other events",
    "customer.created": "customers are known by what they pay",
    "customer.updated": "billing details are kept here, not at Stripe",
    "customer.subscription.trial_will_end": "a reminder; the subscription has not changed",
    "invoice.created": "a draft: its money is told when it is paid",
    "invoice.finalized": "not paid yet",
    "invoice.marked_uncollectible": "the subscription's own events tell what follows",
    "invoice.payment_action_required": "the customer is asked to confirm; the outcome will come",
    "invoice.upcoming": "a reminder",
    "invoice.updated": "its money is told when it is paid",
    "invoice.voided": "the subscription's own events tell what follows",
    "payment_intent.amount_capturable_updated": "authorised only; no money moved",
    "payment_intent.canceled": "given up before money moved; the end of a checkout is told by it",
    "payment_intent.created": "nothing was paid yet",
    "payment_intent.requires_action": "the customer is asked to confirm; the outcome will come",
    "setup_intent.canceled": "no payment method was saved",
    "setup_intent.created": "no payment method was saved yet",
    "setup_intent.requires_action": "the customer is asked to confirm; the outcome will come",
    "setup_intent.setup_failed": "no payment method was saved",
}
"""Event types that are known and have nothing for us, with the reason."""

TRANSLATIONS: Final[dict[str, Translate]] = {
    "charge.captured": payments.charge_succeeded,
    "charge.dispute.closed": refunds.dispute_closed,
    "charge.dispute.created": refunds.dispute_reported,
    "charge.dispute.funds_reinstated": refunds.dispute_reported,
    "charge.dispute.funds_withdrawn": refunds.dispute_reported,
    "charge.dispute.updated": refunds.dispute_reported,
    "charge.failed": payments.charge_failed,
    "charge.pending": payments.charge_pending,
    "charge.refund.updated": refunds.refund_reported,
    "charge.refunded": refunds.charge_refunded,
    "charge.succeeded": payments.charge_succeeded,
    "checkout.session.async_payment_failed": payments.session_payment_failed,
    "checkout.session.async_payment_succeeded": payments.session_paid,
    "checkout.session.completed": payments.session_completed,
    "checkout.session.expired": payments.session_expired,
    "customer.deleted": methods.customer_deleted,
    "customer.subscription.created": subscriptions.subscription_signal,
    "customer.subscription.deleted": subscriptions.subscription_signal,
    "customer.subscription.paused": subscriptions.subscription_signal,
    "customer.subscription.pending_update_applied": subscriptions.subscription_signal,
    "customer.subscription.pending_update_expired": subscriptions.subscription_signal,
    "customer.subscription.resumed": subscriptions.subscription_signal,
    "customer.subscription.updated": subscriptions.subscription_signal,
    "invoice.paid": billing.invoice_paid,
    "invoice.payment_failed": billing.invoice_payment_failed,
    "invoice.payment_succeeded": billing.invoice_paid,
    "invoice_payment.paid": billing.invoice_payment_paid,
    "mandate.updated": methods.mandate_updated,
    "payment_intent.payment_failed": payments.payment_intent_failed,
    "payment_intent.processing": payments.payment_intent_processing,
    "payment_intent.succeeded": payments.payment_intent_succeeded,
    "payment_method.attached": methods.payment_method_signal,
    "payment_method.automatically_updated": methods.payment_method_signal,
    "payment_method.card_automatically_updated": methods.payment_method_signal,
    "payment_method.detached": methods.payment_method_detached,
    "payment_method.updated": methods.payment_method_signal,
    "radar.early_fraud_warning.created": refunds.fraud_warned,
    "radar.early_fraud_warning.updated": refunds.fraud_warned,
    "refund.created": refunds.refund_reported,
    "refund.failed": refunds.refund_failed,
    "refund.updated": refunds.refund_reported,
    "setup_intent.succeeded": methods.setup_intent_succeeded,
}
