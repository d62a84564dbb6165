"""Checkout sessions through the API: made, listed, expired."""

from __future__ import annotations

from webhooks.sandbox.state import Document
from webhooks.sandbox.stripe_account import StripeAccount
from webhooks.sandbox.stripe_errors import StripeError, invalid, missing
from webhooks.sandbox.stripe_forms import Params
from webhooks.sandbox.stripe_lists import listed, page
from webhooks.sandbox.stripe_methods import living_customer
from webhooks.sandbox.stripe_payments import check_amount
from webhooks.sandbox.stripe_prices import price_of

_MODES = ("payment", "setup", "subscription")
_USUAL_LIFE = 24 * 3600
_SHORTEST_LIFE = 30 * 60
_FILTERS = ("customer", "payment_intent", "status", "subscription")

_BLOCKABLE = ("american_express", "discover_global_network", "mastercard", "visa")

_QUIET: Document = {
    "after_expiration": None,
    "allow_promotion_codes": None,
    "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
    "billing_address_collection": None,
    "client_secret": None,
    "collected_information": None,
    "consent": None,
    "consent_collection": None,
    "custom_fields": [],
    "customer_account": None,
    "customer_details": None,
    "invoice": None,
    "payment_intent": None,
    "payment_link": None,
    "payment_method_collection": None,
    "payment_status": "unpaid",
    "phone_number_collection": {"enabled": False},
    "recovered_from": None,
    "setup_intent": None,
    "shipping_cost": None,
    "shipping_options": [],
    "status": "open",
    "submit_type": None,
    "subscription": None,
    "ui_mode": "hosted_page",
}


def create(account: StripeAccount, params: Params) -> Document:
    """POST /v1/checkout/sessions"""
    mode = params.required("mode")
    if mode not in _MODES:
        raise invalid("mode", f"Invalid mode: must be one of {', '.join(_MODES)}")
    if customer := params.text("customer"):
        living_customer(account, customer, "customer")
        if params.text("customer_email"):
            message = "You may only specify one of these parameters: customer, customer_email."
            raise invalid("customer", message)
    lines = _lines(account, params, mode)
    total = sum(line["amount_total"] for line in lines)
    currency = lines[0]["currency"] if lines else params.text("currency")
    if total and currency:
        check_amount(total, currency)
    session = account.new(
        "cs_test",
        **_QUIET,
        **_said(account, params),
        mode=mode,
        amount_subtotal=total if lines else None,
        amount_total=total if lines else None,
        currency=currency,
        total_details={"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        _lines=lines,
        _wanted=params.plain(),
    )
    session["url"] = f"{account.world.base_url}/sandbox/checkout/{session['id']}"
    return account.save(session)


def retrieve(account: StripeAccount, _params: Params, key: str) -> Document:
    """GET /v1/checkout/sessions/{id}"""
    return current(account, key)


def listing(account: StripeAccount, params: Params) -> Document:
    """GET /v1/checkout/sessions, by customer, PaymentIntent, subscription or status."""
    for session in account.find("checkout.session", status="open"):
        current(account, session["id"])
    equal = {name: params.text(name) for name in _FILTERS if name in params}
    return page(account.find("checkout.session", **equal), params, "/v1/checkout/sessions")


def line_items(account: StripeAccount, _params: Params, key: str) -> Document:
    """GET /v1/checkout/sessions/{id}/line_items"""
    return lines_of(account, current(account, key))


def lines_of(_account: StripeAccount, session: Document) -> Document:
    """What ``expand[]=line_items`` shows on a session."""
    return listed(session["_lines"], f"/v1/checkout/sessions/{session['id']}/line_items")


def expire_by_api(account: StripeAccount, _params: Params, key: str) -> Document:
    """POST /v1/checkout/sessions/{id}/expire"""
    return expire(account, current(account, key))


def current(account: StripeAccount, key: str) -> Document:
    """The session; one whose time is over is expired first."""
    session = account.fetch("checkout.session", key)
    if session["status"] == "open" and account.now() >= session["expires_at"]:
        return expire(account, session)
    return session


def expire(account: StripeAccount, session: Document) -> Document:
    """Close an open session, so that nobody can pay it any more."""
    if session["status"] != "open":
        raise StripeError(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout'
            f" Session has a status of `{session['status']}`."
        )
    ended = {**session, "status": "expired", "url": None}
    return account.save(ended, "checkout.session.expired")


def _said(account: StripeAccount, params: Params) -> Document:
    """What a request says of itself, to be shown as it was said."""
    options = params.plain().get("payment_method_options")
    return {
        "cancel_url": _address(params, "cancel_url"),
        "client_reference_id": params.text("client_reference_id"),
        "customer": params.text("customer"),
        "customer_creation": params.text("customer_creation"),
        "customer_email": params.text("customer_email"),
        "expires_at": _end(account, params),
        "locale": params.text("locale"),
        "metadata": params.metadata(),
        "payment_method_options": _options(params) if options else {},
        "allowed_payment_method_types": params.method_types(),
        "payment_method_types": params.method_types(),
        "success_url": _address(params, "success_url", needed=True),
    }


def _options(params: Params) -> Document:
    card = params.table("payment_method_options").table("card")
    shown: Document = {"request_three_d_secure": "automatic"}
    blocked = card.table("restrictions").texts("brands_blocked")
    for brand in blocked:
        if brand not in _BLOCKABLE:
            message = f"Invalid brand: {brand}; must be one of {', '.join(_BLOCKABLE)}"
            raise invalid("payment_method_options[card][restrictions][brands_blocked]", message)
    if blocked:
        shown["restrictions"] = {"brands_blocked": blocked}
    return {"card": shown}


def _lines(account: StripeAccount, params: Params, mode: str) -> list[Document]:
    rows = params.rows("line_items")
    if mode == "setup":
        return []
    if not rows:
        raise missing("line_items")
    lines = [_line(account, row) for row in rows]
    recurring = any(line["price"]["recurring"] for line in lines)
    if recurring != (mode == "subscription"):
        word = "at least one recurring price" if mode == "subscription" else "no recurring prices"
        raise invalid("line_items", f"In `{mode}` mode you must provide {word}.")
    return lines


def _line(account: StripeAccount, row: Params) -> Document:
    price, quantity = price_of(account, row), row.integer("quantity") or 1
    product = account.fetch("product", price["product"])
    amount = price["unit_amount"] * quantity
    return {
        "id": account.store.new_id("li"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": product["name"],
        "price": price,
        "quantity": quantity,
    }


def _end(account: StripeAccount, params: Params) -> int:
    end = params.integer("expires_at")
    if end is None:
        return account.now() + _USUAL_LIFE
    # A second is given on either side: the request took its time.
    if not account.now() + _SHORTEST_LIFE - 1 <= end <= account.now() + _USUAL_LIFE + 1:
        raise invalid(
            "expires_at",
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout"
            " Session creation.",
        )
    return end


def _address(params: Params, name: str, *, needed: bool = False) -> str | None:
    url = params.required(name) if needed else params.text(name)
    if url is not None and not url.startswith(("http://", "https://")):
        message = "Not a valid URL: it must begin with http:// or https://"
        raise invalid(name, message, "url_invalid")
    return url
