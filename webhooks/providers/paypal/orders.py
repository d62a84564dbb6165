"""What we ask PayPal for: bodies of orders and setup tokens, and what an order says came of it.

https://developer.paypal.com/docs/api/orders/v2/
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from domain.facts import Method
from domain.money import Money, to_decimal_text
from domain.ports import ChargeOutcome, ChargeRequest, CheckoutRequest, MethodRequest
from webhooks.providers.paypal.declines import decline
from webhooks.providers.paypal.documents import Document, captures_of, money, section, text
from webhooks.providers.paypal.payments import WALLET, decline_code, outcome_of

_LOCALE: Final = re.compile(r"[a-z]{2}(-[A-Z][a-z]{3})?(-[A-Z]{2})?", re.ASCII)
_OUR_CUSTOMER: Final = re.compile(r"[0-9a-zA-Z_.^*$@#-]{1,64}", re.ASCII)
_KEY: Final = re.compile(r"[!-~]{1,100}", re.ASCII)
_DESCRIPTION_LIMIT: Final = 127
_BEST_FIRST: Final = ("succeeded", "pending", "failed")


def request_id(key: str) -> str:
    """Our key as ``PayPal-Request-Id``, which has a length limit of 108 characters.

    https://developer.paypal.com/api/rest/reference/idempotency/
    """
    if _KEY.fullmatch(key):
        return key
    return f"billhook-{hashlib.sha256(key.encode()).hexdigest()}"


def amount(total: Money) -> Document:
    """An amount in v2 spelling."""
    return {"currency_code": total.currency, "value": to_decimal_text(total.amount)}


def amount_v1(total: Money) -> Document:
    """An amount in v1 spelling."""
    return {"currency": total.currency, "total": to_decimal_text(total.amount)}


def checkout_body(request: CheckoutRequest) -> Document:
    """An order that the customer approves on PayPal's page.

    It carries our order twice: ``custom_id`` comes back with every capture and refund, and
    ``invoice_id`` lets PayPal refuse a second payment of the same order.
    """
    wallet: Document = {
        "experience_context": {
            **_pages(request.return_url, request.cancel_url, request.locale),
            "user_action": "PAY_NOW",
        }
    }
    if request.email:
        wallet["email_address"] = request.email
    if request.save_method:
        wallet["attributes"] = _saving(request.customer)
    unit = _unit(request.order, request.total, request.description)
    return _order(unit, wallet)


def charge_body(request: ChargeRequest) -> Document:
    """An order paid at once with a saved wallet; ``reference_id`` tells the tries apart."""
    unit = _unit(request.order, request.total, request.description)
    return _order({"reference_id": request_id(request.key), **unit}, {"vault_id": request.token})


def setup_body(request: MethodRequest) -> Document:
    """A wallet to be saved without a payment.

    https://developer.paypal.com/docs/api/payment-tokens/v3/#setup-tokens_create
    """
    customer = {"id": request.customer} if request.customer else {}
    if _OUR_CUSTOMER.fullmatch(request.account):
        customer["merchant_customer_id"] = request.account
    wallet = {
        "usage_type": "MERCHANT",
        "experience_context": _pages(request.return_url, request.cancel_url, request.locale),
    }
    body: Document = {"payment_source": {"paypal": wallet}}
    return {**body, "customer": customer} if customer else body


def outcome(order: Document) -> ChargeOutcome:
    """What became of an order's payment, as its captures say; the best of them counts."""
    results = [capture_outcome(capture) for capture in captures_of(order)]
    if not results:
        return ChargeOutcome(status="failed", decline=decline("PAYER_ACTION_REQUIRED"))
    best = min(results, key=lambda one: _BEST_FIRST.index(one.status))
    return ChargeOutcome(
        status=best.status,
        payment=best.payment,
        amount=best.amount,
        decline=best.decline,
        method=_method(order) if best.status != "failed" else None,
    )


def capture_outcome(capture: Document) -> ChargeOutcome:
    """What became of one capture."""
    status = outcome_of(capture)
    return ChargeOutcome(
        status=status,
        payment=text(capture, "id"),
        amount=money(capture.get("amount")),
        decline=decline(decline_code(capture)) if status == "failed" else None,
        method=WALLET if status != "failed" else None,
    )


def _method(order: Document) -> Method:
    """The wallet that paid; with a token when PayPal has saved it. ``APPROVED`` means that it will
    be saved, and the event ``VAULT.PAYMENT-TOKEN.CREATED`` tells the token."""
    vault = section(order, "payment_source", "paypal", "attributes", "vault")
    return Method(
        kind="wallet",
        brand="paypal",
        token=text(vault, "id"),
        customer=text(vault, "customer", "id"),
    )


def _order(unit: Document, wallet: Document) -> Document:
    return {
        "intent": "CAPTURE",
        "purchase_units": [unit],
        "payment_source": {"paypal": wallet},
    }


def _unit(order: str, total: Money, description: str) -> Document:
    return {
        "custom_id": order,
        "invoice_id": order,
        "description": description[:_DESCRIPTION_LIMIT],
        "amount": amount(total),
    }


def _saving(customer: str | None) -> dict[str, Any]:
    vault = {"store_in_vault": "ON_SUCCESS", "usage_type": "MERCHANT"}
    return {"vault": vault, **({"customer": {"id": customer}} if customer else {})}


def _pages(return_url: str, cancel_url: str, locale: str) -> Document:
    pages = {
        "return_url": return_url,
        "cancel_url": cancel_url,
        "shipping_preference": "NO_SHIPPING",
    }
    tag = locale.replace("_", "-")
    return {**pages, "locale": tag} if _LOCALE.fullmatch(tag) else pages
