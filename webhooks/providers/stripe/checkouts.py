"""What is asked of Stripe's payment page: to pay an order, or to enter a method without paying.

https://docs.stripe.com/api/checkout/sessions/create. ``payment_method_types`` is refused since API
version 2026-09-30.endive; ``allowed_payment_method_types`` has taken its place.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal

import stripe

from domain import clock
from domain.ports import CheckoutRequest, MethodRequest
from webhooks.providers.stripe.charges import NEWEST, plain
from webhooks.providers.stripe.shapes import ACCOUNT, KEY, ORDER, SAVES, Document

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams, SessionCreateParamsPaymentMethodOptions

LOCALES: Final = frozenset({"cs", "en", "fr", "pl"})
"""The languages that Billhook writes in; for another one Stripe goes by the browser."""
BRANDS_BLOCKED: Final[tuple[Literal["american_express", "discover_global_network"], ...]] = (
    "american_express",
    "discover_global_network",
)
"""Visa and Mastercard only (BILLING 4). Discover's network takes in Diners, JCB and UnionPay:
https://docs.stripe.com/payments/checkout/customization/card-brands"""

SHORTEST: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=24)
SLACK: Final = timedelta(minutes=5)
"""By how much Stripe's clock may differ from ours: its limits are 30 minutes and 24 hours."""


def payment_page(request: CheckoutRequest) -> SessionCreateParams:
    """A page where the order is paid, as one line."""
    said = {ORDER: request.order, ACCOUNT: request.account, KEY: request.key}
    if request.save_method:
        said[SAVES] = "yes"
    page: SessionCreateParams = {
        "mode": "payment",
        "client_reference_id": request.order,
        "metadata": said,
        "payment_intent_data": {"metadata": said, "description": request.description},
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": request.total.currency.lower(),
                    "unit_amount": request.total.amount,
                    "product_data": {"name": request.description},
                },
            }
        ],
        # The currency of an account is settled (BILLING 3): no conversion to the payer's.
        "adaptive_pricing": {"enabled": False},
        "allowed_payment_method_types": ["card"],
        "payment_method_options": _card_options(),
        "success_url": request.return_url,
        "cancel_url": request.cancel_url,
        "locale": _locale(request.locale),
    }
    if request.save_method:
        # Stripe's page tells the customer so, which is the consent (BILLING 4).
        page["payment_intent_data"]["setup_future_usage"] = "off_session"
    page["expires_at"] = _expiry(request.expires_at)
    return _with_customer(page, request.customer, request.email)


def method_page(request: MethodRequest) -> SessionCreateParams:
    """A page where a card is entered and nothing is paid."""
    said = {ACCOUNT: request.account, KEY: request.key}
    page: SessionCreateParams = {
        "mode": "setup",
        "metadata": said,
        "setup_intent_data": {"metadata": said},
        "currency": request.currency.lower(),
        "allowed_payment_method_types": ["card"],
        "payment_method_options": _card_options(),
        "success_url": request.return_url,
        "cancel_url": request.cancel_url,
        "locale": _locale(request.locale),
    }
    return _with_customer(page, request.customer, request.email)


def find_page(client: stripe.StripeClient, page: SessionCreateParams) -> Document | None:
    """The page that an earlier call made for the same thing with the same key, unless it expired.

    When a page closes can depend on when it is asked for, and the account's address or language
    may have changed; Stripe refuses a key that comes again with anything else than before.
    """
    for session in islice(
        client.v1.checkout.sessions.list({"limit": 100}).auto_paging_iter(), NEWEST
    ):
        document = plain(session)
        if document["status"] != "expired" and document["metadata"] == page["metadata"]:
            return document
    return None


def _card_options() -> SessionCreateParamsPaymentMethodOptions:
    return {"card": {"restrictions": {"brands_blocked": list(BRANDS_BLOCKED)}}}


def _locale(wanted: str) -> str:
    language = wanted.replace("_", "-").partition("-")[0].lower()
    return language if language in LOCALES else "auto"


def _with_customer(
    page: SessionCreateParams, customer: str | None, email: str | None
) -> SessionCreateParams:
    """For a known customer, or one that Stripe makes: a method is saved with a customer only."""
    if customer:
        page["customer"] = customer
        return page
    page["customer_creation"] = "always"
    if email:
        page["customer_email"] = email
    return page


def _expiry(wanted: datetime) -> int:
    """When the page closes, in Unix seconds: a little before the order does, so that an order of a
    day is not too long for Stripe by its clock either.

    It must not depend on when it is asked for, or the repetition of a call that was not answered
    would be another call under the same key. In the last half hour there is no other way, and
    ``find_page`` helps.
    """
    now = clock.now()
    closes = max(wanted - SLACK, now + SHORTEST + SLACK)
    return int(min(closes, now + LONGEST).timestamp())
