"""Purchases: from what a customer wants to an order, under the account's lock (BILLING 3).

A new order supersedes the open one. When nothing is due it is paid at once, without a provider;
otherwise an effect asks the provider for a page, or charges the saved method.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import accounts, invoices, methods, orders, quotes, settlement, timetable
from domain.accounts import Account
from domain.effects import Effect
from domain.errors import Refused
from domain.orders import Order
from domain.quotes import Quote
from domain.subscriptions import Target
from domain.work import Work

OPEN_CHECKOUT: Final = "open_checkout"
CHARGE_ORDER: Final = "charge_order"
"""The effects that bring an order's money: the customer pays on a page, or we charge a method."""
GIVEN_UP: Final = "cancelled by the customer"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer asked to buy. ``idempotency`` is the caller's key and the request's hash."""

    target: Target
    return_url: str | None = None
    cancel_url: str | None = None
    idempotency: tuple[str, str] | None = None


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """How an order is to be paid: the method, the provider behind it, the effect that begins it,
    and for a saved method its token, so that no other is charged if it is replaced meanwhile."""

    method: str
    provider: str | None
    effect: str | None = OPEN_CHECKOUT
    token: str | None = None


NOTHING_DUE: Final = Means(method="credit", provider=None, effect=None)


def place_order(
    work: Work, wish: Wish, means: Callable[[], Means], *, by_us: bool = False
) -> tuple[Order, bool]:
    """Place an order for the account of ``work`` (locked); False when it was placed before.

    ``means`` is asked only when something is due; ``by_us`` says that an operator orders. Raises
    ``Refused``. When nothing is due the order is paid in here, which takes an invoice number: no
    other lock may be taken after it.
    """
    if wish.idempotency is not None:
        order = orders.repeated(work.session, work.account.id, *wish.idempotency)
        if order is not None:
            return order, False
    refuse_blocked(work.account)
    quote = quotes.make(work.session, work.catalogue, work.account, wish.target, by_us=by_us)
    order = _place(work, wish, quote, means() if quote.due else NOTHING_DUE)
    return order, True


def refuse_blocked(account: Account) -> None:
    """Raise ``Refused`` for an account whose block a payment would not lift (BILLING 6): the
    customer would pay for nothing."""
    if not accounts.is_blocked_firmly(account):
        return
    raise Refused(
        "account_blocked",
        f"Account {account.ref!r} is blocked ({account.blocked_reason}), and paying does not lift "
        "that block: nothing can be bought until an operator has lifted it. Contact support.",
        ref=account.ref,
        reason=account.blocked_reason,
    )


def saved_means(session: Session, account: Account) -> Means:
    """The account's saved method. Raises ``Refused`` when there is none."""
    method = methods.current(session, account.id)
    if method is None:
        raise Refused(
            "method_not_saved",
            f"Account {account.ref!r} has no saved payment method; pay by another method, which "
            "can save it.",
            status=422,
            ref=account.ref,
        )
    return Means(method="saved", provider=method.provider, effect=CHARGE_ORDER, token=method.token)


def withdraw(work: Work, order: Order, state: str, failure: str | None = None) -> bool:
    """Close an open order (``superseded``, ``failed``) and its page; False when it was closed.

    A page that is being made at this moment is closed by whoever notes it on the order.
    """
    orders.lock_row(work.session, order)
    if not orders.close(order, state, work.now, failure):
        return False
    if order.kind == "renewal":
        _forget_charge(work)
    # At most one order may be open: this one must be closed before another is inserted.
    work.session.flush()
    if order.checkout_id is not None:
        work.want("expire_checkout", order.id, f"order:{order.id}")
    return True


def give_up(work: Work, order: Order) -> None:
    """The customer does not want the order any more; repeating it changes nothing.

    Raises ``Refused`` for an order that is paid, and for a renewal.
    """
    if order.kind != "purchase":
        raise Refused(
            "order_is_renewal",
            f"Order {order.id} renews the running subscription; switch auto-renew off instead.",
        )
    if withdraw(work, order, "failed", GIVEN_UP):
        work.note("order_cancelled", order=order.id)
    elif order.state == "paid":
        raise Refused("order_paid", f"Order {order.id} is paid and cannot be given up any more.")


def lock_account_of(session: Session, order_id: str) -> tuple[Account, Order]:
    """Lock the account of an order, then read the order. Raises ``Refused`` (404)."""
    order = orders.find(session, order_id)
    account = accounts.lock(session, session.get_one(Account, order.account_id).ref)
    session.refresh(order)
    return account, order


def beginning(session: Session, order: Order) -> str | None:
    """How far the effect is that begins the payment (``wanted``, ``done``, ``parked``, …)."""
    statement = select(Effect.status).where(
        Effect.cause == f"order:{order.id}",
        Effect.kind.in_((OPEN_CHECKOUT, CHARGE_ORDER)),
        Effect.target == order.id,
    )
    return session.scalar(statement)


def _forget_charge(work: Work) -> None:
    """A charge for a withdrawn renewal renews nothing any more: nobody waits for its outcome, and
    if auto-renew goes on, another renewal can be tried."""
    subscription = work.subscription
    if subscription is not None and subscription.renewal_in_flight:
        subscription.renewal_in_flight = False
        timetable.plan(work.catalogue, subscription, work.now)


def _place(work: Work, wish: Wish, quote: Quote, means: Means) -> Order:
    superseded = orders.open_of(work.session, work.account.id)
    if superseded is not None:
        withdraw(work, superseded, "superseded")
    order = orders.place(
        work.session,
        work.catalogue,
        work.account,
        quote,
        method=means.method,
        provider=means.provider,
        urls=(wish.return_url, wish.cancel_url),
        idempotency=wish.idempotency,
    )
    if superseded is not None:
        work.note("order_superseded", order=superseded.id, by=order.id)
    work.note("order_placed", purpose=order.kind, order=order.id, total=str(quote.total))
    _begin(work, order, means)
    return order


def _begin(work: Work, order: Order, means: Means) -> None:
    if means.effect is not None:
        payload: dict[str, Any] = {"token": means.token} if means.token is not None else {}
        work.want(means.effect, order.id, f"order:{order.id}", **payload)
        return
    settlement.pay(work, order, None)
    invoices.number_all(work.session, work.papers)
    # Numbered twice, a paper would leave a hole.
    work.papers.clear()
