"""Closes orders that were open for too long, and the provider's page with them (BILLING 3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import select

from domain import accounts, clock, orders, purchasing
from domain.orders import Order
from domain.work import Work
from workers.runtime import Runtime

BATCH: Final = 200
MARGIN: Final = timedelta(minutes=10)
"""The provider closes its page at ``expires_at``; what was paid just before still arrives."""


def expire_orders(runtime: Runtime) -> None:
    """Expire what is due, in batches; accounts that are busy are left for the next run."""
    while _expire_batch(runtime):
        pass


def _expire_batch(runtime: Runtime) -> bool:
    """Whether there may be more: the batch was full, and some of it was not busy."""
    due = select(Order).where(Order.state == orders.OPEN, Order.expires_at <= clock.now() - MARGIN)
    with runtime.database.transaction() as session:
        rows = list(session.scalars(due.order_by(Order.expires_at).limit(BATCH)))
        locked = accounts.lock_free(session, {order.account_id for order in rows})
        for order in rows:
            account = locked.get(order.account_id)
            if account is not None:
                expire(Work(session, runtime.catalogue, account), order)
    return len(rows) == BATCH and bool(locked)


def expire(work: Work, order: Order) -> None:
    """Expire one order under its account's lock."""
    if purchasing.withdraw(work, order, "expired"):
        work.note("order_expired", order=order.id)
