"""Stripe: cards, checkout pages, and subscriptions that Stripe runs itself.

All that Billhook knows of Stripe lies in this folder, in both directions; only ``gateway`` and the
modules that it imports load Stripe's library.
"""

from __future__ import annotations

from typing import Final

from webhooks.providers.provider import ProviderSpec

EVENT_TYPES: Final = (
    "charge.captured",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.failed",
    "charge.pending",
    "charge.refund.updated",
    "charge.refunded",
    "charge.succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.updated",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_succeeded",
    "invoice_payment.paid",
    "mandate.updated",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payment_method.automatically_updated",
    "payment_method.detached",
    "payment_method.updated",
    "radar.early_fraud_warning.created",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "setup_intent.succeeded",
)
"""What the endpoint should be subscribed to; everything else is kept and ignored."""

PROVIDER: Final = ProviderSpec(
    name="stripe",
    title="Stripe",
    prefix="STRIPE_",
    methods=("card",),
    configure="webhooks.providers.stripe.settings:configure",
    verifier="webhooks.providers.stripe.verify:verifier",
    translator="webhooks.providers.stripe.translate:translator",
    gateway="webhooks.providers.stripe.gateway:gateway",
    sightings="webhooks.providers.stripe.sightings:SIGHTINGS",
    event_types=EVENT_TYPES,
)
