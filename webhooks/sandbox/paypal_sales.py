"""Sales: the money of subscriptions, which PayPal still writes in its old shape (v1).

https://developer.paypal.com/docs/api/payments/v1/#sale_get
"""

from __future__ import annotations

from typing import Final

from starlette.routing import BaseRoute

from domain.money import Money, to_decimal_text, zero
from webhooks.sandbox.paypal_calls import Answer, Call, api_of, endpoint
from webhooks.sandbox.paypal_captures import fee_of
from webhooks.sandbox.paypal_errors import not_found, refused
from webhooks.sandbox.paypal_events import announce
from webhooks.sandbox.paypal_ids import transaction_id
from webhooks.sandbox.paypal_shapes import (
    Document,
    amount,
    amount_v1,
    instant,
    link,
    money_of,
    read_amount_v1,
)
from webhooks.sandbox.paypal_v1 import refund_v1
from webhooks.sandbox.world import World

_PAID: Final = frozenset({"completed", "partially_refunded", "refunded"})


def routes(world: World) -> list[BaseRoute]:
    """Under the API's base."""
    sale = "/v1/payments/sale/{id}"
    return [
        endpoint(world, "GET", sale, show_sale),
        endpoint(world, "POST", sale + "/refund", refund_sale),
        endpoint(world, "GET", "/v1/payments/refund/{id}", show_refund),
    ]


def show_sale(call: Call) -> Answer:
    """GET sale/{id}."""
    return Answer(sale_of(call.world, call.id))


def refund_sale(call: Call) -> Answer:
    """POST sale/{id}/refund: the rest of the sale, or the ``amount`` of the body."""
    sale = sale_of(call.world, call.id)
    wanted = call.document.get("amount")
    money = read_amount_v1(wanted) if wanted is not None else None
    return Answer(give_back(call.world, sale, money), 201)


def show_refund(call: Call) -> Answer:
    """GET refund/{id}: of a sale or of a capture, in the old shape."""
    refund = call.world.store.get("paypal_sale_refund", call.id)
    if refund is not None:
        return Answer(refund)
    of_capture = call.world.store.get("paypal_refund", call.id)
    if of_capture is None:
        raise not_found()
    return Answer(refund_v1(of_capture, call.api))


def sale_of(world: World, key: str) -> Document:
    """The sale with this id. Raises PayPalError (404) when there is none."""
    sale = world.store.get("paypal_sale", key)
    if sale is None:
        raise not_found()
    return sale


def charge(world: World, subscription: Document, money: Money) -> Document:
    """Take money for a subscription and announce it."""
    key, now = transaction_id(world), instant(world.now())
    here = f"{api_of(world)}/v1/payments/sale/{key}"
    fee = fee_of(money)
    sale: Document = {
        "id": key,
        "state": "completed",
        "amount": {**amount_v1(money), "details": {"subtotal": to_decimal_text(money.amount)}},
        "payment_mode": "INSTANT_TRANSFER",
        "protection_eligibility": "ELIGIBLE",
        "protection_eligibility_type": "ITEM_NOT_RECEIVED_ELIGIBLE,UNAUTHORIZED_PAYMENT_ELIGIBLE",
        "transaction_fee": {"value": to_decimal_text(fee.amount), "currency": fee.currency},
        "invoice_number": "",
        "custom": subscription.get("custom_id", ""),
        "billing_agreement_id": subscription["id"],
        "create_time": now,
        "update_time": now,
        "links": [link(here, "self"), link(f"{here}/refund", "refund", "POST")],
    }
    world.store.put("paypal_sale", key, sale)
    announce(world, "PAYMENT.SALE.COMPLETED", sale, about=(subscription["id"],))
    return sale


def give_back(
    world: World, sale: Document, money: Money | None, *, reversal: bool = False
) -> Document:
    """Refund or reverse ``money`` (None: what is left) of a sale, and announce it.

    Raises PayPalError above what is left. The event of a reversal does not name the sale.
    """
    gross, given = money_of(sale["amount"]), returned(world, sale)
    money = _returnable(sale, gross - given, money)
    sale["state"] = "refunded" if given + money == gross else "partially_refunded"
    sale["update_time"] = instant(world.now())
    world.store.put("paypal_sale", sale["id"], sale)
    refund = _refund(world, sale, money, given + money)
    world.store.put("paypal_sale_refund", refund["id"], refund)
    event = "PAYMENT.SALE.REVERSED" if reversal else "PAYMENT.SALE.REFUNDED"
    announce(world, event, _reversal(refund) if reversal else refund, about=(sale["id"],))
    return refund


def returned(world: World, sale: Document) -> Money:
    """How much of a sale was given back."""
    refunds = world.store.find("paypal_sale_refund", sale_id=sale["id"])
    start = zero(sale["amount"]["currency"])
    return sum((money_of(refund["amount"]) for refund in refunds), start)


def transaction_of(sale: Document, subscriber: Document) -> Document:
    """A sale as the list of a subscription's transactions shows it."""
    gross = money_of(sale["amount"])
    fee = fee_of(gross)
    return {
        "id": sale["id"],
        "status": sale["state"].upper(),
        "payer_email": subscriber.get("email_address", ""),
        "payer_name": subscriber.get("name", {}),
        "amount_with_breakdown": {
            "gross_amount": amount(gross),
            "fee_amount": amount(fee),
            "net_amount": amount(gross - fee),
        },
        "time": sale["create_time"],
    }


def _returnable(sale: Document, left: Money, money: Money | None) -> Money:
    if sale["state"] not in _PAID or not left:
        raise refused("TRANSACTION_ALREADY_REFUNDED")
    if money is None:
        return left
    if money.currency != left.currency:
        raise refused("CURRENCY_MISMATCH", field="/amount/currency")
    if left < money:
        raise refused("REFUND_EXCEEDED_TRANSACTION_AMOUNT", field="/amount/total")
    return money


def _refund(world: World, sale: Document, money: Money, total: Money) -> Document:
    key, api, now = transaction_id(world), api_of(world), instant(world.now())
    return {
        "id": key,
        "amount": amount_v1(money),
        "sale_id": sale["id"],
        "state": "completed",
        "refund_reason_code": "REFUND",
        "total_refunded_amount": {
            "value": to_decimal_text(total.amount),
            "currency": total.currency,
        },
        "custom": sale["custom"],
        "invoice_number": sale["invoice_number"],
        "create_time": now,
        "update_time": now,
        "links": [
            link(f"{api}/v1/payments/refund/{key}", "self"),
            link(f"{api}/v1/payments/sale/{sale['id']}", "sale"),
        ],
    }


def _reversal(refund: Document) -> Document:
    kept = {k: refund[k] for k in ("id", "state", "create_time", "update_time")}
    return {**kept, "amount": amount_v1(-money_of(refund["amount"])), "links": refund["links"][:1]}
