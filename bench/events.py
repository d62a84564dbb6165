"""Signed webhooks, made beforehand: bodies of 3 to 5 kB with the providers' shapes, unique ids."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import msgspec

from bench import ids
from webhooks.sandbox.authority import Authority
from webhooks.sandbox.paypal_signature import sign as sign_as_paypal
from webhooks.sandbox.stripe_signature import sign as sign_as_stripe

SMALLEST: Final = 3_000
LARGEST: Final = 5_000
PAID: Final = "charge.succeeded"
NOTHING_FOR_US: Final = "topup.created"
"""A type that Billhook keeps and ignores."""


class Due(msgspec.Struct, array_like=True, frozen=True):
    """An open order that an event pays: its id, and the money in minor units."""

    order: str
    amount: int
    currency: str


class Keys(msgspec.Struct, frozen=True):
    """What signs: Stripe's secret; PayPal's authority, webhook id and certificate's URL."""

    stripe_secret: str
    authority: Authority
    webhook_id: str
    cert_url: str


class Signed(msgspec.Struct, frozen=True):
    """A request as it goes over the wire, and the event that it carries."""

    event_id: str
    request: bytes


_ADDRESS: Final = {
    "city": "Praha",
    "country": "CZ",
    "line1": "Dlouhá 12",
    "line2": None,
    "postal_code": "110 00",
    "state": None,
}
_CHARGE: Final[dict[str, Any]] = {
    "id": "@charge@",
    "object": "charge",
    "amount": "@amount@",
    "amount_captured": "@amount@",
    "amount_refunded": 0,
    "application": None,
    "application_fee": None,
    "application_fee_amount": None,
    "balance_transaction": "txn_3PqXbL2eZvKYlo2C0aaaaaaa",
    "billing_details": {
        "address": _ADDRESS,
        "email": "accounting@customer.example",
        "name": "Jana Nováková",
        "phone": None,
        "tax_id": None,
    },
    "calculated_statement_descriptor": "LIVE CHAT",
    "captured": True,
    "created": "@created@",
    "currency": "@currency@",
    "customer": "@customer@",
    "description": "@filler@",
    "destination": None,
    "dispute": None,
    "disputed": False,
    "failure_balance_transaction": None,
    "failure_code": None,
    "failure_message": None,
    "fraud_details": {},
    "livemode": False,
    "metadata": {"order_id": "@order@", "account": "@account@", "saves_method": "yes"},
    "on_behalf_of": None,
    "order": None,
    "outcome": {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": "Payment complete.",
        "type": "authorized",
    },
    "paid": True,
    "payment_intent": "@payment@",
    "payment_method": "@method@",
    "payment_method_details": {
        "card": {
            "amount_authorized": "@amount@",
            "authorization_code": "123456",
            "brand": "visa",
            "checks": {
                "address_line1_check": "pass",
                "address_postal_code_check": "pass",
                "cvc_check": "pass",
            },
            "country": "CZ",
            "exp_month": 12,
            "exp_year": 2031,
            "extended_authorization": {"status": "disabled"},
            "fingerprint": "Xt5EWLLDS7FJjR1c",
            "funding": "credit",
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "last4": "4242",
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": "visa",
            "network_token": {"used": False},
            "overcapture": {"maximum_amount_capturable": "@amount@", "status": "unavailable"},
            "regulated_status": "unregulated",
            "three_d_secure": None,
            "wallet": None,
        },
        "type": "card",
    },
    "radar_options": {},
    "receipt_email": None,
    "receipt_number": None,
    "receipt_url": "https://pay.stripe.com/receipts/payment/CAcaFwoVYWNjdF8xTTJKVGtMa2RJd0h1N2l4K",
    "refunded": False,
    "review": None,
    "shipping": None,
    "source": None,
    "source_transfer": None,
    "statement_descriptor": None,
    "statement_descriptor_suffix": None,
    "status": "succeeded",
    "transfer_data": None,
    "transfer_group": None,
}
_STRIPE: Final = {
    "id": "@event@",
    "object": "event",
    "api_version": "2026-10-28.endive",
    "created": "@created@",
    "data": {"object": _CHARGE},
    "livemode": False,
    "pending_webhooks": 1,
    "request": {"id": "req_Xb1aaaaaaaaaaa", "idempotency_key": "@order@"},
    "type": "@type@",
}
_PAYPAL: Final = {
    "id": "@event@",
    "event_version": "1.0",
    "create_time": "2026-11-20T10:11:12.345Z",
    "resource_type": "capture",
    "resource_version": "2.0",
    "event_type": "PAYMENT.CAPTURE.COMPLETED",
    "summary": "Payment completed for € 59.29 EUR",
    "resource": {
        "id": "@payment@",
        "status": "COMPLETED",
        "amount": {"currency_code": "EUR", "value": "59.29"},
        "final_capture": True,
        "seller_protection": {
            "status": "ELIGIBLE",
            "dispute_categories": ["ITEM_NOT_RECEIVED", "UNAUTHORIZED_TRANSACTION"],
        },
        "seller_receivable_breakdown": {
            "gross_amount": {"currency_code": "EUR", "value": "59.29"},
            "paypal_fee": {"currency_code": "EUR", "value": "2.41"},
            "net_amount": {"currency_code": "EUR", "value": "56.88"},
        },
        "custom_id": "@order@",
        "invoice_id": "@order@",
        "note_to_payer": "@filler@",
        "supplementary_data": {"related_ids": {"order_id": "5O190127TN364715T"}},
        "create_time": "2026-11-20T10:11:10Z",
        "update_time": "2026-11-20T10:11:10Z",
        "links": [
            {
                "href": f"https://api.paypal.com/v2/payments/captures/@payment@{tail}",
                "rel": rel,
                "method": method,
            }
            for tail, rel, method in (("", "self", "GET"), ("/refund", "refund", "POST"))
        ],
    },
    "links": [
        {"href": f"https://api.paypal.com/v1/notifications/webhooks-events/@event@{tail}"}
        for tail in ("", "/resend")
    ],
}


def _template(document: Mapping[str, Any]) -> str:
    # Stripe prints its bodies over many lines; a number must stand without quotation marks.
    text = json.dumps(document, indent=2, ensure_ascii=False)
    for number in ("amount", "created"):
        text = text.replace(f'"@{number}@"', f"@{number}@")
    return text


_TEMPLATES: Final = {"stripe": _template(_STRIPE), "paypal": _template(_PAYPAL)}


def signed(provider: str, keys: Keys, port: int, count: int) -> list[Signed]:
    """Events about nobody in particular, of new ids at every call."""
    nobody = Due("ord_" + uuid4().hex[:24], 4900, "CZK")
    dice = random.Random(uuid4().int)  # noqa: S311 - sizes, not secrets
    providers = ("stripe", "paypal") if provider == "mixed" else (provider,)
    kinds = (providers[n % len(providers)] for n in range(count))
    return [_signed(kind, keys, port, nobody, dice.randint(SMALLEST, LARGEST)) for kind in kinds]


def of_no_account(keys: Keys, port: int, count: int) -> list[Signed]:
    """Stripe's events of a type in which there is nothing for us: web's work is the same."""
    nobody = Due("ord_" + uuid4().hex[:24], 4900, "CZK")
    return [_signed("stripe", keys, port, nobody, 4_000, NOTHING_FOR_US) for _ in range(count)]


def payments(keys: Keys, port: int, orders: list[Due]) -> Iterator[Signed]:
    """One card payment for each order: the event with which Stripe tells of the money."""
    for due in orders:
        yield _signed("stripe", keys, port, due, 4_000)


def _signed(provider: str, keys: Keys, port: int, due: Due, size: int, kind: str = PAID) -> Signed:
    at = datetime.now(UTC)
    event_id = ids.stripe_id("evt", 1, at) if provider == "stripe" else ids.paypal_event_id()
    body = _body(provider, event_id, due, size, kind, at)
    if provider == "stripe":
        headers = {"Stripe-Signature": sign_as_stripe(keys.stripe_secret, body, at)}
    else:
        headers = sign_as_paypal(keys.authority, keys.webhook_id, body, at, keys.cert_url)
    return Signed(event_id, _request(provider, port, headers, body))


def _body(provider: str, event_id: str, due: Due, size: int, kind: str, at: datetime) -> bytes:
    number = uuid4().hex[:24]
    stripe = provider == "stripe"
    values = {
        "event": event_id,
        "type": kind,
        "charge": ids.stripe_id("ch", 3, at),
        "payment": ids.stripe_id("pi", 3, at) if stripe else number[:17].upper(),
        "method": ids.stripe_id("pm", 1, at),
        "customer": f"cus_{number[:14]}",
        "order": due.order,
        "account": due.order,
        "amount": str(due.amount),
        "currency": due.currency.lower(),
        "created": str(int(at.timestamp())),
    }
    text = _TEMPLATES[provider]
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    room = size - len(text.encode())
    return text.replace(
        "@filler@", "Standard for 2 agents, one month. " * max(1, room // 34)
    ).encode()


def _request(provider: str, port: int, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = {
        "Host": f"127.0.0.1:{port}",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Accept": "*/*; q=0.5, application/xml",
        "Cache-Control": "no-cache",
        "Content-Type": "application/json; charset=utf-8",
        "Content-Length": str(len(body)),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST /webhooks/{provider} HTTP/1.1\r\n{head}\r\n".encode() + body
