"""The old shapes (v1) of resources: lower-case ``state``, ``amount.total``, ``custom``.

An event without ``resource_version`` has them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from domain.money import to_decimal_text
from webhooks.sandbox.paypal_shapes import Document, amount_v1, link, money_of

V1_STATES: Final = {
    "COMPLETED": "completed",
    "PENDING": "pending",
    "DECLINED": "denied",
    "REFUNDED": "refunded",
    "PARTIALLY_REFUNDED": "partially_refunded",
    "CANCELLED": "cancelled",
    "FAILED": "failed",
}


def capture_v1(capture: Document, api: str) -> Document:
    """A capture as v1 writes it: ``state``, ``amount.total``, ``custom``, ``invoice_number``."""
    base = f"{api}/v1/payments/capture/{capture['id']}"
    return {
        "amount": amount_v1(money_of(capture["amount"])),
        "id": capture["id"],
        "parent_payment": capture["_parent_payment"],
        "update_time": capture["update_time"],
        "create_time": capture["create_time"],
        "state": V1_STATES[capture["status"]],
        "is_final_capture": True,
        "custom": capture.get("custom_id", ""),
        "invoice_number": capture.get("invoice_id", ""),
        "links": [
            link(base, "self"),
            link(f"{base}/refund", "refund", "POST"),
            link(f"{api}/v1/payments/payment/{capture['_parent_payment']}", "parent_payment"),
            link(f"{api}/v2/checkout/orders/{capture['_order']}", "order"),
        ],
    }


def refund_v1(refund: Document, api: str, *, reversal: bool = False) -> Document:
    """A refund of a capture as v1 writes it: negative, and ``capture_id`` unless it is a reversal,
    which names what it reverses nowhere."""
    capture = refund["_capture"]
    document = {
        "amount": amount_v1(-money_of(refund["amount"])),
        "id": refund["id"],
        "update_time": refund["update_time"],
        "create_time": refund["create_time"],
        "state": V1_STATES[refund["status"]],
        "links": [link(f"{api}/v1/payments/refund/{refund['id']}", "self")],
    }
    if reversal:
        return document
    related = link(f"{api}/v1/payments/capture/{capture}", "capture")
    return {**document, "capture_id": capture, "links": [*document["links"], related]}


def agreement_v1(subscription: Document, api: str) -> Document:
    """A subscription as v1 writes it (``resource_type`` is then ``Agreement``)."""
    billing = subscription.get("billing_info", {})
    last = billing.get("last_payment")
    details: Document = {
        "outstanding_balance": {"value": "0.00"},
        "num_cycles_remaining": "0",
        "num_cycles_completed": str(subscription["_cycles"]),
        "failed_payment_count": str(billing.get("failed_payments_count", 0)),
    }
    if last:
        details["last_payment_date"] = last["time"]
        details["last_payment_amount"] = {"value": last["amount"]["value"]}
    if "next_billing_time" in billing:
        details["next_billing_date"] = billing["next_billing_time"]
    return {
        "id": subscription["id"],
        "description": subscription["_plan_name"],
        "state": subscription["status"].replace("_", " ").capitalize(),
        "plan": {"curr_code": subscription["_currency"], "links": []},
        "payer": {
            "payment_method": "paypal",
            "status": "verified",
            "payer_info": _payer_info(subscription["subscriber"]),
        },
        "agreement_details": details,
        "custom": subscription.get("custom_id", ""),
        "start_date": subscription["start_time"],
        "links": [link(f"{api}/v1/payments/billing-agreements/{subscription['id']}", "self")],
    }


def _payer_info(subscriber: Document) -> Document:
    name = subscriber.get("name", {})
    return {
        "email": subscriber.get("email_address", ""),
        "first_name": name.get("given_name", ""),
        "last_name": name.get("surname", ""),
        "payer_id": subscriber.get("payer_id", ""),
    }


def risk_dispute(dispute: Document, opened: datetime) -> Document:
    """A dispute as ``RISK.DISPUTE.*`` writes it: epoch milliseconds, numbers for words."""
    transaction = dispute["disputed_transactions"][0]
    money = money_of(dispute["dispute_amount"])
    return {
        "dispute_id": dispute["dispute_id"],
        "dispute_creation_date": int(opened.timestamp() * 1000),
        "dispute_amount": {"currency": money.currency, "value": to_decimal_text(money.amount)},
        "seller_payment_id": transaction["seller_transaction_id"],
        "buyer_payment_id": transaction["buyer_transaction_id"],
        "dispute_category": 1,
        "dispute_reason": 2,
        "dispute_channel": 1,
        "dispute_status": 1000,
    }
