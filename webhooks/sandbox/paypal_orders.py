"""Orders: made, shown, changed, authorized and captured; charged at once with a saved method.

https://developer.paypal.com/docs/api/orders/v2/
"""

from __future__ import annotations

from typing import Final

from starlette.routing import BaseRoute

from webhooks.sandbox.paypal_calls import Answer, Call, endpoint
from webhooks.sandbox.paypal_errors import (
    ISSUES,
    PayPalError,
    malformed,
    missing,
    refused,
)
from webhooks.sandbox.paypal_ids import transaction_id
from webhooks.sandbox.paypal_order_documents import OPEN, approval_page, keep, order_of, whole
from webhooks.sandbox.paypal_payment import authorize_units, capture_units, pay_with_token
from webhooks.sandbox.paypal_purchase import patch_units, read_units
from webhooks.sandbox.paypal_shapes import Document, instant, link
from webhooks.sandbox.world import World

_BRIEF: Final = ("id", "status", "payment_source", "payer", "links")


def routes(world: World) -> list[BaseRoute]:
    """Under the API's base."""
    order = "/v2/checkout/orders/{id}"
    return [
        endpoint(world, "POST", "/v2/checkout/orders", create_order),
        endpoint(world, "GET", order, show_order),
        endpoint(world, "PATCH", order, patch_order),
        endpoint(world, "POST", order + "/capture", capture_order),
        endpoint(world, "POST", order + "/authorize", authorize_order),
    ]


def create_order(call: Call) -> Answer:
    """POST orders. With a saved method as ``payment_source`` the order is charged at once, or
    refused; otherwise the payer has to approve it at the link ``payer-action`` / ``approve``."""
    intent = call.document.get("intent")
    if intent not in {"CAPTURE", "AUTHORIZE"}:
        raise missing("/intent") if intent is None else malformed("/intent")
    source = call.document.get("payment_source") or {}
    if source and call.request_id is None:
        raise PayPalError("INVALID_REQUEST", "PAYPAL_REQUEST_ID_REQUIRED")
    order = _new_order(call, str(intent), source)
    token = (source.get("paypal") or {}).get("vault_id") or (source.get("token") or {}).get("id")
    if token is not None:
        order = pay_with_token(call.world, order, str(token), declined_by_fault(call))
        keep(call.world, order)
        return Answer(brief(call, order), 201)
    keep(call.world, order)
    return Answer(brief(call, order), 200 if source else 201)


def show_order(call: Call) -> Answer:
    """GET orders/{id}."""
    return Answer(whole(call.world, order_of(call.world, call.id)))


def patch_order(call: Call) -> Answer:
    """PATCH orders/{id}: a list of operations; all or none."""
    order = order_of(call.world, call.id)
    if order["status"] not in OPEN:
        raise refused("ORDER_ALREADY_COMPLETED")
    for operation in call.document:
        patch_units(order["purchase_units"], operation)
    keep(call.world, order)
    return Answer(None, 204)


def capture_order(call: Call) -> Answer:
    """POST orders/{id}/capture: takes the money of an approved order, once."""
    order = _approved(call, "CAPTURE")
    order = capture_units(call.world, order, declined_by_fault(call))
    keep(call.world, order)
    return Answer(brief(call, order), 201)


def authorize_order(call: Call) -> Answer:
    """POST orders/{id}/authorize: reserves the money of an approved order, once."""
    order = _approved(call, "AUTHORIZE")
    order = authorize_units(call.world, order, declined_by_fault(call))
    keep(call.world, order)
    return Answer(brief(call, order), 201)


def brief(call: Call, order: Document) -> Document:
    """The answer to a change: the whole order, or under ``Prefer: return=minimal`` (the default)
    what is new about it."""
    full = whole(call.world, order)
    if call.prefer_full:
        return full
    answer: Document = {name: full[name] for name in _BRIEF if name in full}
    units = [
        {k: unit[k] for k in ("reference_id", "payments")}
        for unit in full["purchase_units"]
        if "payments" in unit
    ]
    return {**answer, "purchase_units": units} if units else answer


def declined_by_fault(call: Call) -> str | None:
    """The issue with which the fault ``decline`` refuses this charge, if it does."""
    fault = call.world.faults.take("decline", provider="paypal", path=call.where, method="POST")
    if fault is None:
        return None
    return fault.code if fault.code in ISSUES else "INSTRUMENT_DECLINED"


def _new_order(call: Call, intent: str, source: Document) -> Document:
    now = instant(call.world.now())
    wallet = dict(source.get("paypal") or {})
    context = wallet.pop("experience_context", None) or call.document.get("application_context", {})
    order: Document = {
        "id": transaction_id(call.world),
        "intent": intent,
        "status": "PAYER_ACTION_REQUIRED" if source else "CREATED",
        "purchase_units": read_units(call.document),
        "create_time": now,
        "update_time": now,
        "_return_url": context.get("return_url"),
        "_cancel_url": context.get("cancel_url"),
        "_has_source": bool(source),
        "_wish": (wallet.get("attributes") or {}).get("vault") or {},
        "_customer": (wallet.get("attributes") or {}).get("customer") or {},
        "_outcome": "COMPLETED",
    }
    if "paypal" in source:
        shown = {k: v for k, v in wallet.items() if k in ("email_address", "name")}
        order["payment_source"] = {"paypal": shown}
    return order


def _approved(call: Call, intent: str) -> Document:
    order = order_of(call.world, call.id)
    if order["status"] == "COMPLETED":
        captured = order["intent"] == "CAPTURE"
        raise refused("ORDER_ALREADY_CAPTURED" if captured else "ORDER_ALREADY_AUTHORIZED")
    if order["status"] == "VOIDED":
        raise refused("ORDER_COMPLETED_OR_VOIDED")
    if order["intent"] != intent:
        raise refused("ACTION_DOES_NOT_MATCH_INTENT")
    if order["status"] != "APPROVED":
        page = link(approval_page(call.world, order["id"]), "payer-action")
        raise refused("ORDER_NOT_APPROVED", links=[page])
    return order
