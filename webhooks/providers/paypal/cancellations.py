"""Ends subscriptions that PayPal runs.

https://developer.paypal.com/docs/api/subscriptions/v1/#subscriptions_cancel and, for agreements,
https://developer.paypal.com/docs/api/payments.billing-agreements/v1/#billing-agreements_cancel
"""

from __future__ import annotations

from typing import Final

from webhooks.providers.paypal.client import Call, PayPalClient, Refusal, permanent
from webhooks.providers.paypal.documents import Document, status

PATHS: Final = ("/v1/billing/subscriptions/{}", "/v1/payments/billing-agreements/{}")
OVER: Final = frozenset({"CANCELLED", "EXPIRED"})
REASON: Final = "The payment was given back."


def cancel(client: PayPalClient, subscription: str, key: str) -> None:
    """Cancel it; one that is over, or that PayPal does not know, is done."""
    for path in PATHS:
        address = path.format(subscription)
        try:
            client.call(Call("POST", f"{address}/cancel", {"reason": REASON}, key=key))
        except Refusal as refusal:
            if refusal.status == 404:
                continue
            if not _is_over(client, address):
                raise permanent(refusal) from refusal
        return


def _is_over(client: PayPalClient, address: str) -> bool:
    try:
        document: Document = client.call(Call("GET", address))
    except Refusal as refusal:
        raise permanent(refusal) from refusal
    # Agreements of the v1 API write their states as "Cancelled".
    return status(document).upper() in OVER
