"""What a provider's checkout page means for its order."""

from __future__ import annotations

from domain import orders
from domain.errors import NotYet
from domain.facts import CheckoutApproved, CheckoutExpired
from domain.orders import Order
from domain.work import Work


def checkout_approved(fact: CheckoutApproved, work: Work) -> None:
    """The customer approved: take the money, but only of an order that is still wanted."""
    order = _order(fact.order, work)
    if order.state == orders.OPEN:
        work.want("capture_checkout", fact.checkout, f"order:{order.id}", order=order.id)


def checkout_expired(fact: CheckoutExpired, work: Work) -> None:
    """The page is closed: the order that it was for can no longer be paid."""
    order = _order(fact.order, work)
    if order.checkout_id not in {None, fact.checkout}:
        return
    if orders.close(order, "expired", work.now):
        work.note("order_expired", order=order.id)


def _order(order_id: str | None, work: Work) -> Order:
    order = work.session.get(Order, order_id) if order_id else None
    if order is None or order.account_id != work.account.id:
        raise NotYet(f"the checkout names no order that is known ({order_id})")
    return order
