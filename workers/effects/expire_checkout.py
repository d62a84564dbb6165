"""Close the page of an order that must not be paid any more."""

from __future__ import annotations

from typing import Any

from domain.effects import Effect
from domain.orders import Order
from workers.perform_effects import Overtaken
from workers.runtime import Runtime


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Expire the order's checkout; money that came first becomes credit when its event arrives."""
    with runtime.database.transaction() as session:
        order = session.get_one(Order, effect.target)
        provider, checkout = order.provider, order.checkout_id
    if provider is None or checkout is None:
        raise Overtaken(f"order {order.id} has no page to close")
    return {"closed": runtime.providers[provider].gateway.expire_checkout(checkout)}
