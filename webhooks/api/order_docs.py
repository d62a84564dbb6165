"""What the published contract says of orders at length: the description and the examples."""

from __future__ import annotations

from typing import Any, Final

from webhooks.api.quotes import TARGET

ID: Final = "ord_1f0c9a6be0d24c7c8a5b3e21"
BUY: Final = (
    "Places an order for the whole of what is wanted, at the price that a quote gives at this "
    "moment. It supersedes the account's open order, whose page is closed.\n\n"
    "If something is due, send the customer to `checkout_url`. The call waits a few seconds for "
    "the provider's page; if `checkout` is still `preparing`, ask `GET /api/orders/{id}`. If "
    "nothing is due (unused time or credit cover it), the order is `paid` at once and there is no "
    "page.\n\n"
    "`return_url` is where the customer comes back after paying, `cancel_url` after giving up; "
    "both are needed unless `method` is `saved`.\n\n"
    "Send an `Idempotency-Key` and repeat the call with it when no answer came: there will be one "
    "order."
)
REQUEST: Final[dict[str, Any]] = {
    **TARGET,
    "method": "card",
    "return_url": "https://app.example.com/billing/thanks",
    "cancel_url": "https://app.example.com/billing",
}
ORDER: Final[dict[str, Any]] = {
    "id": ID,
    "account": "shop-4711",
    "kind": "purchase",
    "state": "open",
    "method": "card",
    "total": {"amount": 208120, "currency": "CZK"},
    "due": {"amount": 208120, "currency": "CZK"},
    "currency": "CZK",
    "checkout": "ready",
    "checkout_url": "https://pay.example.com/c/8a5b3e21",
    "payment": None,
    "created_at": "2026-03-02T10:00:00Z",
    "expires_at": "2026-03-03T10:00:00Z",
    "closed_at": None,
    "failure": None,
}
GIVEN_UP: Final[dict[str, Any]] = {
    **ORDER,
    "state": "failed",
    "checkout": None,
    "checkout_url": None,
    "closed_at": "2026-03-02T10:05:00Z",
    "failure": "cancelled by the customer",
}
CHANGE: Final[dict[str, Any]] = {
    **ORDER,
    "method": "saved",
    "checkout": None,
    "checkout_url": None,
}
