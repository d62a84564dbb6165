"""PayPal: deliveries in, facts out, and calls to its API. Nothing outside this folder knows it."""

from __future__ import annotations

from webhooks.providers.provider import ProviderSpec

PROVIDER = ProviderSpec(
    name="paypal",
    title="PayPal",
    prefix="PAYPAL_",
    methods=("paypal",),
    configure="webhooks.providers.paypal.settings:configure",
    verifier="webhooks.providers.paypal.verify:verifier",
    translator="webhooks.providers.paypal.translate:translator",
    gateway="webhooks.providers.paypal.gateway:gateway",
    sightings="webhooks.providers.paypal.sightings:SIGHTINGS",
    event_types=(
        "BILLING.SUBSCRIPTION.ACTIVATED",
        "BILLING.SUBSCRIPTION.CANCELLED",
        "BILLING.SUBSCRIPTION.CREATED",
        "BILLING.SUBSCRIPTION.EXPIRED",
        "BILLING.SUBSCRIPTION.PAYMENT.FAILED",
        "BILLING.SUBSCRIPTION.RE-ACTIVATED",
        "BILLING.SUBSCRIPTION.SUSPENDED",
        "BILLING.SUBSCRIPTION.UPDATED",
        "CHECKOUT.ORDER.APPROVED",
        "CHECKOUT.PAYMENT-APPROVAL.REVERSED",
        "CUSTOMER.DISPUTE.CREATED",
        "CUSTOMER.DISPUTE.RESOLVED",
        "CUSTOMER.DISPUTE.UPDATED",
        "PAYMENT.CAPTURE.COMPLETED",
        "PAYMENT.CAPTURE.DECLINED",
        "PAYMENT.CAPTURE.DENIED",
        "PAYMENT.CAPTURE.PENDING",
        "PAYMENT.CAPTURE.REFUNDED",
        "PAYMENT.CAPTURE.REVERSED",
        "PAYMENT.SALE.COMPLETED",
        "PAYMENT.SALE.DENIED",
        "PAYMENT.SALE.PENDING",
        "PAYMENT.SALE.REFUNDED",
        "PAYMENT.SALE.REVERSED",
        "VAULT.PAYMENT-TOKEN.CREATED",
        "VAULT.PAYMENT-TOKEN.DELETED",
        "VAULT.PAYMENT-TOKEN.DELETION-INITIATED",
    ),
)
