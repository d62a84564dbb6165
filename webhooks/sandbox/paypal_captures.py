"""Captures: money taken for an order, what may become of it, and the refunds that give it back.

https://developer.paypal.com/docs/api/payments/v2/
"""

from __future__ import annotations

from typing import Any, Final

from starlette.routing import BaseRoute

from domain.money import Money, zero
from webhooks.sandbox.paypal_calls import Answer, Call, api_of, endpoint
from webhooks.sandbox.paypal_errors import not_found, refused
from webhooks.sandbox.paypal_events import announce
from webhooks.sandbox.paypal_ids import parent_payment_id, transaction_id
from webhooks.sandbox.paypal_shapes import (
    Document,
    amount,
    instant,
    link,
    money_of,
    read_amount,
)
from webhooks.sandbox.paypal_v1 import capture_v1, refund_v1
from webhooks.sandbox.world import World

EVENT_OF: Final = {
    "COMPLETED": "PAYMENT.CAPTURE.COMPLETED",
    "PENDING": "PAYMENT.CAPTURE.PENDING",
    "DECLINED": "PAYMENT.CAPTURE.DECLINED",
}
_SETTLED: Final = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})


def routes(world: World) -> list[BaseRoute]:
    """Under the API's base."""
    capture = "/v2/payments/captures/{id}"
    return [
        endpoint(world, "GET", capture, show_capture),
        endpoint(world, "POST", capture + "/refund", refund_capture),
        endpoint(world, "GET", "/v2/payments/refunds/{id}", show_refund),
        endpoint(world, "GET", "/v1/payments/capture/{id}", show_capture_v1),
    ]


def show_capture(call: Call) -> Answer:
    """GET captures/{id}."""
    return Answer(capture_of(call.world, call.id))


def show_capture_v1(call: Call) -> Answer:
    """GET /v1/payments/capture/{id}: the same in the old shape."""
    return Answer(capture_v1(capture_of(call.world, call.id), call.api))


def refund_capture(call: Call) -> Answer:
    """POST captures/{id}/refund: the rest of the capture, or the ``amount`` of the body."""
    capture = capture_of(call.world, call.id)
    wanted = call.document.get("amount")
    money = read_amount(wanted, "/amount") if wanted is not None else None
    extra = {k: call.document[k] for k in ("invoice_id", "note_to_payer") if k in call.document}
    refund = refund_of(call.world, capture, money, extra)
    return Answer(refund if call.prefer_full else _minimal(refund), 201)


def show_refund(call: Call) -> Answer:
    """GET refunds/{id}."""
    refund = call.world.store.get("paypal_refund", call.id)
    if refund is None:
        raise not_found()
    return Answer(refund)


def capture_of(world: World, key: str) -> Document:
    """The capture with this id. Raises PayPalError (404) when there is none."""
    capture = world.store.get("paypal_capture", key)
    if capture is None:
        raise not_found()
    return capture


def take(
    world: World, order: Document, unit: Document, status: str, *, authorization: str | None = None
) -> Document:
    """Take the money of a purchase unit, with this outcome, and announce it. The caller keeps the
    order."""
    key, now = transaction_id(world), instant(world.now())
    capture: Document = {
        "id": key,
        "amount": {k: unit["amount"][k] for k in ("currency_code", "value")},
        "final_capture": True,
        "seller_protection": {"status": "NOT_ELIGIBLE"},
        "disbursement_mode": "INSTANT",
        **{k: unit[k] for k in ("invoice_id", "custom_id") if k in unit},
        "supplementary_data": {"related_ids": _related(order["id"], authorization)},
        "create_time": now,
        "update_time": now,
        "links": _links(api_of(world), key, order["id"], authorization),
        "_order": order["id"],
        "_parent_payment": parent_payment_id(world),
    }
    return _become(world, capture, status, EVENT_OF[status])


def settle(world: World, capture: Document, status: str) -> Document:
    """What becomes of a capture later: COMPLETED, DECLINED or held as PENDING; announced.

    A pending capture that fails is announced as DENIED with the status DECLINED.
    """
    event = "PAYMENT.CAPTURE.DENIED" if status == "DECLINED" else EVENT_OF[status]
    return _become(world, capture, status, event)


def refund_of(
    world: World, capture: Document, money: Money | None, extra: Document, *, reversal: bool = False
) -> Document:
    """Give back ``money`` (None: what is left) of a capture, and announce it.

    Raises PayPalError for a capture that holds no money, and above what is left.
    """
    gross, given = money_of(capture["amount"]), refunded(world, capture)
    money = _refundable(world, capture, gross - given, money)
    total = given + money
    capture["status"] = "REFUNDED" if total == gross else "PARTIALLY_REFUNDED"
    capture["update_time"] = instant(world.now())
    world.store.put("paypal_capture", capture["id"], capture)
    refund = _refund(world, capture, money, total, extra)
    world.store.put("paypal_refund", refund["id"], refund)
    announce(
        world,
        "PAYMENT.CAPTURE.REVERSED" if reversal else "PAYMENT.CAPTURE.REFUNDED",
        refund,
        v1=lambda: refund_v1(refund, api_of(world), reversal=reversal),
        about=(capture["id"],),
    )
    return refund


def refunded(world: World, capture: Document) -> Money:
    """How much of a capture was given back."""
    refunds = world.store.find("paypal_refund", _capture=capture["id"])
    currency = capture["amount"]["currency_code"]
    return sum((money_of(refund["amount"]) for refund in refunds), zero(currency))


def _refundable(world: World, capture: Document, left: Money, money: Money | None) -> Money:
    if capture["status"] not in _SETTLED:
        raise refused(
            "PENDING_CAPTURE" if capture["status"] == "PENDING" else "TRANSACTION_REFUSED"
        )
    if not left:
        raise refused("CAPTURE_FULLY_REFUNDED")
    if money is None:
        return left
    if money.currency != left.currency:
        raise refused("CURRENCY_MISMATCH", field="/amount/currency_code")
    if left < money:
        raise refused("REFUND_AMOUNT_EXCEEDED", field="/amount/value")
    if money < left and world.store.find("paypal_dispute", _payment=capture["id"], _open=True):
        raise refused("CAPTURE_DISPUTED_PARTIAL_REFUND_NOT_ALLOWED")
    return money


def _refund(
    world: World, capture: Document, money: Money, total: Money, extra: Document
) -> Document:
    key, api, now = transaction_id(world), api_of(world), instant(world.now())
    return {
        "id": key,
        "amount": amount(money),
        "seller_payable_breakdown": {
            "gross_amount": amount(money),
            "paypal_fee": amount(zero(money.currency)),
            "net_amount": amount(money),
            "total_refunded_amount": amount(total),
        },
        **{k: capture[k] for k in ("invoice_id", "custom_id") if k in capture},
        **extra,
        "status": "COMPLETED",
        "create_time": now,
        "update_time": now,
        "links": [
            link(f"{api}/v2/payments/refunds/{key}", "self"),
            link(f"{api}/v2/payments/captures/{capture['id']}", "up"),
        ],
        "_capture": capture["id"],
    }


def _become(world: World, capture: Document, status: str, event: str) -> Document:
    capture["status"] = status
    capture["update_time"] = instant(world.now())
    capture.pop("status_details", None)
    if status == "PENDING":
        capture["status_details"] = {"reason": "PENDING_REVIEW"}
    if status == "COMPLETED":
        capture["seller_protection"] = {
            "status": "ELIGIBLE",
            "dispute_categories": ["ITEM_NOT_RECEIVED", "UNAUTHORIZED_TRANSACTION"],
        }
        capture["seller_receivable_breakdown"] = _receivable(money_of(capture["amount"]))
    world.store.put("paypal_capture", capture["id"], capture)
    announce(
        world,
        event,
        capture,
        v1=lambda: capture_v1(capture, api_of(world)),
        about=(capture["_order"],),
    )
    return capture


def _receivable(gross: Money) -> Document:
    fee = fee_of(gross)
    return {
        "gross_amount": amount(gross),
        "paypal_fee": amount(fee),
        "net_amount": amount(gross - fee),
    }


def fee_of(gross: Money) -> Money:
    """2.9 % and 35 minor units, but never more than the payment."""
    return Money(min(gross.amount, gross.amount * 29 // 1000 + 35), gross.currency)


def _related(order: str, authorization: str | None) -> Document:
    return {"order_id": order, **({"authorization_id": authorization} if authorization else {})}


def _links(api: str, key: str, order: str, authorization: str | None) -> list[Document]:
    """``up`` leads to the order, or to the authorization that was captured."""
    here = f"{api}/v2/payments/captures/{key}"
    above: Any = f"{api}/v2/checkout/orders/{order}"
    if authorization is not None:
        above = f"{api}/v2/payments/authorizations/{authorization}"
    return [link(here, "self"), link(f"{here}/refund", "refund", "POST"), link(above, "up")]


def _minimal(refund: Document) -> Document:
    return {k: refund[k] for k in ("id", "status", "links")}
