"""Charge a saved method for an order, at most once whatever happens in between.

The order's own state, the effect's key at the provider, and a question before every repetition
stand against charging twice.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from domain import accounts, charges, clock, invoices, methods, orders, renewals
from domain.effects import Effect
from domain.errors import Permanent
from domain.facts import Decline
from domain.methods import PaymentMethod
from domain.orders import Order
from domain.ports import ChargeOutcome, ChargeRequest, Gateway
from domain.work import Work
from workers.perform_effects import Overtaken
from workers.runtime import Runtime

KEY_LIVES: Final = timedelta(hours=20)
"""Providers keep idempotency keys for a day at least; after this a charge is only asked about."""
REPLACED: Final = Decline(code="method_replaced", kind="soft")
"""The customer entered another method in the meantime: that one is charged by a try of its own."""


def perform(runtime: Runtime, effect: Effect) -> dict[str, Any]:
    """Ask, charge, apply the outcome under the account's lock."""
    with runtime.database.transaction() as session:
        order = session.get_one(Order, effect.target)
        if order.state != orders.OPEN:
            raise Overtaken(f"order {order.id} is {order.state}")
        account = session.get_one(accounts.Account, order.account_id)
        method = methods.current(session, account.id)
    gateway = runtime.providers[order.taken_by].gateway
    outcome = _known(gateway, effect, order)
    if outcome is None:
        _rest(runtime, order, account.ref)
        outcome = _charge(gateway, effect, order, account, method)
    _apply(runtime, effect, account.ref, outcome)
    return {"status": outcome.status, "payment": outcome.payment}


def _rest(runtime: Runtime, order: Order, ref: str) -> None:
    """A dispute or a block came meanwhile: this try of the renewal is taken back (BILLING 7)."""
    with runtime.database.transaction() as session:
        work = Work(session, runtime.catalogue, accounts.lock(session, ref))
        resting = order.kind == "renewal" and renewals.take_back(work)
    if resting:
        raise Overtaken("renewals rest: a dispute is open, or the account is blocked")


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


def _charge(
    gateway: Gateway,
    effect: Effect,
    order: Order,
    account: accounts.Account,
    method: PaymentMethod | None,
) -> ChargeOutcome:
    """Charge the method that the effect was wanted for; one that is gone counts as a failure."""
    if method is None:
        return ChargeOutcome(status="failed", decline=renewals.NO_METHOD)
    if effect.payload.get("token") not in {None, method.token}:
        return ChargeOutcome(status="failed", decline=REPLACED)
    return gateway.charge(_request(effect, order, account, method))


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
    replaced = outcome.decline == REPLACED
    with runtime.database.transaction() as session:
        account = accounts.lock(session, ref)
        order = session.get_one(Order, effect.target, populate_existing=True)
        work = Work(session, runtime.catalogue, account, provider=order.taken_by)
        charges.charged(
            work,
            order,
            outcome,
            int(effect.payload.get("number", 0)),
            scheduled=not replaced and bool(effect.payload.get("scheduled", True)),
        )
        session.flush()
        if replaced:
            renewals.try_new_method(work)
        invoices.number_all(session, work.papers)
    runtime.bell.ring("perform_effects")
