"""Charge a saved method for an order, at most once whatever happens in between.

The order's own state, the effect's key at the provider, and a question before every repetition
stand against charging twice.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from domain import accounts, charges, clock, invoices, methods, orders
from domain.effects import Effect
from domain.errors import Permanent
from domain.methods import PaymentMethod
from domain.orders import Order
from domain.ports import ChargeOutcome, ChargeRequest, Gateway
from domain.work import Work
from workers.perform_effects import Overtaken
from workers.runtime import Runtime

KEY_LIVES: Final = timedelta(hours=20)
"""Providers keep idempotency keys for a day at least; after this a charge is only asked about."""


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Ask, charge, apply the outcome under the account's lock."""
    with runtime.database.transaction() as session:
        order = session.get_one(Order, effect.target)
        if order.state != orders.OPEN:
            raise Overtaken(f"order {order.id} is {order.state}")
        account = session.get_one(accounts.Account, order.account_id)
        method = _method(methods.current(session, account.id), effect)
        request = _request(effect, order, account, method)
    gateway = runtime.providers[order.taken_by].gateway
    outcome = _known(gateway, effect, order) or gateway.charge(request)
    _apply(runtime, effect, account.ref, outcome)
    return {"status": outcome.status, "payment": outcome.payment}


def _known(gateway: Gateway, effect: Effect, order: Order) -> ChargeOutcome | None:
    """The outcome of an earlier try of this effect whose answer was not heard."""
    if effect.attempts == 1:
        return None
    outcome = gateway.find_charge(order.id, effect.key)
    if outcome is None and clock.now() - effect.created_at > KEY_LIVES:
        raise Permanent(
            f"the outcome of a charge for order {order.id} was never heard and the provider "
            "knows of none; look it up there before charging again"
        )
    return outcome


def _method(method: PaymentMethod | None, effect: Effect) -> PaymentMethod:
    if method is None or effect.payload.get("token") not in {None, method.token}:
        raise Overtaken("the saved method was replaced or removed")
    return method


def _request(
    effect: Effect, order: Order, account: accounts.Account, method: PaymentMethod
) -> ChargeRequest:
    target = order.quoted.target
    return ChargeRequest(
        key=effect.key,
        order=order.id,
        account=account.ref,
        total=order.money_due,
        description=f"{target.plan.capitalize()}, {target.agents} × {target.interval}",
        token=method.token,
        customer=method.customer,
    )


def _apply(runtime: Runtime, effect: Effect, ref: str, outcome: ChargeOutcome) -> None:
    with runtime.database.transaction() as session:
        account = accounts.lock(session, ref)
        order = session.get_one(Order, effect.target, populate_existing=True)
        work = Work(session, runtime.catalogue, account, provider=order.taken_by)
        charges.charged(
            work,
            order,
            outcome,
            int(effect.payload.get("number", 0)),
            scheduled=bool(effect.payload.get("scheduled", True)),
        )
        session.flush()
        invoices.number_all(session, work.papers)
    runtime.bell.ring("perform_effects")
