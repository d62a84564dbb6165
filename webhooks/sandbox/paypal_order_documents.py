"""Orders as documents: kept, found, and shown with their payments and the links of their status."""

from __future__ import annotations

from typing import Final

from webhooks.sandbox.paypal_calls import api_of
from webhooks.sandbox.paypal_errors import not_found
from webhooks.sandbox.paypal_shapes import Document, instant, link
from webhooks.sandbox.world import World

OPEN: Final = frozenset({"CREATED", "PAYER_ACTION_REQUIRED", "APPROVED"})
"""Statuses in which an order can still be changed."""


def order_of(world: World, key: str) -> Document:
    """The order with this id. Raises PayPalError (404) when there is none."""
    order = world.store.get("paypal_order", key)
    if order is None:
        raise not_found()
    return order


def keep(world: World, order: Document) -> None:
    """Store an order as changed now."""
    order["update_time"] = instant(world.now())
    world.store.put("paypal_order", order["id"], order)


def whole(world: World, order: Document) -> Document:
    """An order with its payments and the links of its status."""
    units = [_with_payments(world, unit) for unit in order["purchase_units"]]
    return {**order, "purchase_units": units, "links": _links(world, order)}


def approval_page(world: World, key: str) -> str:
    """Where the buyer approves an order."""
    return f"{world.base_url}/sandbox/paypal/approve?token={key}"


def _with_payments(world: World, unit: Document) -> Document:
    payments = {
        kind: [world.store.get(f"paypal_{kind[:-1]}", key) for key in unit[f"_{kind}"]]
        for kind in ("captures", "authorizations")
        if unit.get(f"_{kind}")
    }
    captured = unit.get("_captures", [])
    refunds = [r for key in captured for r in world.store.find("paypal_refund", _capture=key)]
    if refunds:
        payments["refunds"] = [dict(refund) for refund in refunds]
    return {**unit, "payments": payments} if payments else unit


def _links(world: World, order: Document) -> list[Document]:
    here = f"{api_of(world)}/v2/checkout/orders/{order['id']}"
    links = [link(here, "self")]
    if order["status"] in {"CREATED", "PAYER_ACTION_REQUIRED"}:
        rel = "payer-action" if order["_has_source"] else "approve"
        links.append(link(approval_page(world, order["id"]), rel))
    if order["status"] in OPEN:
        action = order["intent"].lower()
        links += [link(here, "update", "PATCH"), link(f"{here}/{action}", action, "POST")]
    return links
