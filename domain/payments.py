"""Payments: money that a provider says it moved, known by the provider's id, once (BILLING 1).

The state only moves forward along ``ORDER_OF_STATES``, so that late or repeated facts change
nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import batch, clock
from domain.database import Base, BigId
from domain.money import Money

ORDER_OF_STATES: Final = {"pending": 1, "failed": 2, "succeeded": 3}
"""A payment moves to a state of higher order only: a try that failed may still succeed, money
that is there does not go back to pending (refunds and disputes are counted apart)."""


class Payment(Base):
    """One payment at one provider, in minor units."""

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("provider", "reference"),
        Index("ix_payments_account", "account_id"),
        Index("ix_payments_order", "order_id"),
        # Operators name a payment by its reference alone.
        Index("ix_payments_reference", "reference"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str]
    reference: Mapped[str]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    order_id: Mapped[str | None] = mapped_column(ForeignKey("orders.id"))
    state: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    refunded: Mapped[int] = mapped_column(default=0)
    """What was given back in all, with its papers issued; never above ``amount``."""
    reported_total: Mapped[int] = mapped_column(default=0)
    """The greatest total of refunds that the provider reported, once its single refunds were
    waited for."""
    use: Mapped[str | None]
    """What the money became: ``order``, ``period`` (provider-run) or ``credit``."""
    method: Mapped[dict[str, Any] | None]
    decline_code: Mapped[str | None]
    paid_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @property
    def money(self) -> Money:
        """The amount paid."""
        return Money(self.amount, self.currency)


def find(session: Session, provider: str, reference: str) -> Payment | None:
    """The payment of that provider and id."""

    def ask() -> Payment | None:
        named = Payment.provider == provider, Payment.reference == reference
        return session.scalar(select(Payment).where(*named))

    return batch.known(session, Payment, (provider, reference), ask)


def advance(payment: Payment, state: str) -> bool:
    """Move the payment forward to ``state``; False when it is there or further already."""
    before = ORDER_OF_STATES.get(payment.state or "", 0)
    if ORDER_OF_STATES[state] <= before:
        return False
    payment.state = state
    return True
