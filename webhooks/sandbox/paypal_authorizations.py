"""Authorizations: money reserved for an order, captured or let go later.

https://developer.paypal.com/docs/api/payments/v2/#authorizations_get
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from starlette.routing import BaseRoute

from webhooks.sandbox.paypal_calls import Answer, Call, api_of, endpoint
from webhooks.sandbox.paypal_captures import take
from webhooks.sandbox.paypal_errors import not_found, refused
from webhooks.sandbox.paypal_events import announce
from webhooks.sandbox.paypal_ids import transaction_id
from webhooks.sandbox.paypal_shapes import Document, instant, link
from webhooks.sandbox.world import World

_LIFE: Final = timedelta(days=29)


def routes(world: World) -> list[BaseRoute]:
    """Under the API's base."""
    authorization = "/v2/payments/authorizations/{id}"
    return [
        endpoint(world, "GET", authorization, show_authorization),
        endpoint(world, "POST", authorization + "/capture", capture_authorization),
        endpoint(world, "POST", authorization + "/void", void_authorization),
    ]


def reserve(world: World, order: Document, unit: Document) -> Document:
    """Reserve the money of a purchase unit and announce it."""
    key, now = transaction_id(world), world.now()
    here = f"{api_of(world)}/v2/payments/authorizations/{key}"
    authorization: Document = {
        "id": key,
        "status": "CREATED",
        "amount": {k: unit["amount"][k] for k in ("currency_code", "value")},
        **{k: unit[k] for k in ("invoice_id", "custom_id") if k in unit},
        "supplementary_data": {"related_ids": {"order_id": order["id"]}},
        "expiration_time": instant(now + _LIFE),
        "create_time": instant(now),
        "update_time": instant(now),
        "links": [
            link(here, "self"),
            link(f"{here}/capture", "capture", "POST"),
            link(f"{here}/void", "void", "POST"),
            link(f"{api_of(world)}/v2/checkout/orders/{order['id']}", "up"),
        ],
        "_order": order["id"],
    }
    world.store.put("paypal_authorization", key, authorization)
    announce(world, "PAYMENT.AUTHORIZATION.CREATED", authorization, about=(order["id"],))
    return authorization


def show_authorization(call: Call) -> Answer:
    """GET authorizations/{id}."""
    return Answer(_authorization(call))


def capture_authorization(call: Call) -> Answer:
    """POST authorizations/{id}/capture: takes the whole of what was reserved."""
    authorization = _open(call)
    order = call.world.store.get("paypal_order", authorization["_order"])
    if order is None:
        raise not_found()
    capture = take(
        call.world, order, authorization, order["_outcome"], authorization=authorization["id"]
    )
    _close(call, authorization, "CAPTURED")
    brief = {k: capture[k] for k in ("id", "status", "links")}
    return Answer(capture if call.prefer_full else brief, 201)


def void_authorization(call: Call) -> Answer:
    """POST authorizations/{id}/void: lets the money go."""
    voided = _close(call, _open(call), "VOIDED")
    announce(call.world, "PAYMENT.AUTHORIZATION.VOIDED", voided, about=(voided["_order"],))
    return Answer(voided) if call.prefer_full else Answer(None, 204)


def _authorization(call: Call) -> Document:
    authorization = call.world.store.get("paypal_authorization", call.id)
    if authorization is None:
        raise not_found()
    return authorization


def _open(call: Call) -> Document:
    authorization = _authorization(call)
    if authorization["status"] == "CAPTURED":
        raise refused("AUTHORIZATION_ALREADY_CAPTURED")
    if authorization["status"] == "VOIDED":
        raise refused("AUTHORIZATION_VOIDED")
    return authorization


def _close(call: Call, authorization: Document, status: str) -> Document:
    closed = {**authorization, "status": status, "update_time": instant(call.world.now())}
    call.world.store.put("paypal_authorization", closed["id"], closed)
    return closed
