"""Refunds that we ask for. https://docs.stripe.com/api/refunds/create"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import stripe

from domain.ports import RefundOutcome, RefundRequest
from webhooks.providers.stripe import shapes
from webhooks.providers.stripe.charges import plain
from webhooks.providers.stripe.shapes import KEY, Document, child, text
from webhooks.providers.stripe.translate_refunds import REFUND_STATES

if TYPE_CHECKING:
    from stripe.params import RefundCreateParams, RefundListParams

MAX_METADATA: Final = 500
"""Characters of a metadata value: https://docs.stripe.com/metadata"""


def refund_params(request: RefundRequest) -> RefundCreateParams:
    """A refund of a payment known by its PaymentIntent, or by its charge."""
    params: RefundCreateParams = {
        "amount": request.amount.amount,
        "metadata": {KEY: request.key, "reason": request.reason[:MAX_METADATA]},
    }
    if request.payment.startswith("pi_"):
        params["payment_intent"] = request.payment
    else:
        params["charge"] = request.payment
    return params


def find_refund(client: stripe.StripeClient, request: RefundRequest) -> Document | None:
    """The refund that was made with the request's key, also when Stripe has forgotten the key.

    Part of a payment could otherwise be given back twice by a repeat after a day.
    """
    params: RefundListParams = {"limit": 100}
    if request.payment.startswith("pi_"):
        params["payment_intent"] = request.payment
    else:
        params["charge"] = request.payment
    for refund in client.v1.refunds.list(params).auto_paging_iter():
        document = plain(refund)
        if child(document, "metadata").get(KEY) == request.key:
            return document
    return None


def outcome_of(refund: Document) -> RefundOutcome:
    """What became of a refund; ``pending`` when Stripe does not say yet."""
    status = REFUND_STATES.get(text(refund, "status") or "", "pending")
    return RefundOutcome(refund=shapes.identifier(refund), status=status)
