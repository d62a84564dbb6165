"""Take the money of a checkout that the customer approved."""

from __future__ import annotations

from typing import Any

import msgspec

from domain import orders
from domain.effects import Effect
from domain.orders import Order
from workers.perform_effects import Overtaken
from workers.runtime import Runtime


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Capture, unless the order was closed meanwhile. The provider's event brings the result."""
    with runtime.database.transaction() as session:
        order = session.get_one(Order, effect.payload["order"])
    if order.state != orders.OPEN:
        raise Overtaken(f"order {order.id} is {order.state}")
    gateway = runtime.providers[order.taken_by].gateway
    outcome: dict[str, Any] = msgspec.to_builtins(
        gateway.capture_checkout(effect.target, effect.key)
    )
    return {"status": outcome["status"], "payment": outcome["payment"]}
