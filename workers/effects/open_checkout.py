"""Open the page where an order is paid, and note it on the order."""

from __future__ import annotations

from typing import Any

from domain import accounts, effects, orders
from domain.effects import Effect
from domain.orders import Order
from domain.ports import Checkout, CheckoutRequest
from workers.perform_effects import Overtaken
from workers.runtime import Runtime


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Ask the provider for a checkout; the order's page is the one of this effect's key."""
    with runtime.database.transaction() as session:
        order = session.get_one(Order, effect.target)
        if order.state != orders.OPEN:
            raise Overtaken(f"order {order.id} is {order.state}")
        account = session.get_one(accounts.Account, order.account_id)
        customer = accounts.customer_at(session, order.taken_by, account.id)
        request = _request(effect, order, account, customer)
    checkout = runtime.providers[order.taken_by].gateway.open_checkout(request)
    _note(runtime, effect, checkout)
    return {"checkout": checkout.id}


def _request(
    effect: Effect, order: Order, account: accounts.Account, customer: str | None
) -> CheckoutRequest:
    target = order.quoted.target
    return CheckoutRequest(
        key=effect.key,
        order=order.id,
        account=account.ref,
        total=order.money_due,
        description=f"{target.plan.capitalize()}, {target.agents} × {target.interval}",
        email=account.email,
        customer=customer,
        locale=account.locale,
        return_url=order.return_url or "",
        cancel_url=order.cancel_url or order.return_url or "",
        expires_at=order.expires_at,
    )


def _note(runtime: Runtime, effect: Effect, checkout: Checkout) -> None:
    with runtime.database.transaction() as session:
        order = session.get_one(Order, effect.target, with_for_update=True)
        order.checkout_id, order.checkout_url = checkout.id, checkout.url
        if checkout.customer is not None:
            accounts.remember_customer(session, order.taken_by, checkout.customer, order.account_id)
        if order.state != orders.OPEN:
            # Closed while the page was being made: nobody must pay there.
            effects.want(session, "expire_checkout", order.id, f"order:{order.id}")
