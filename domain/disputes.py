"""Disputes: payments that their payers contest at a bank or provider (BILLING 7)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import ForeignKey, Index, UniqueConstraint, exists, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import batch, clock
from domain.database import Base, BigId
from domain.money import Money
from domain.payments import Payment

OPEN: Final = "open"
LOST: Final = "lost"
ORDER_OF_STATES: Final = {OPEN: 0, "withdrawn": 1, "won": 2, LOST: 3}
"""A dispute only moves to a state of higher order: its end may be reported before its beginning,
and where two ends were reported, losing counts, because then money went away."""


class Dispute(Base):
    """One dispute about one payment; ``amount`` is what is contested, in minor units."""

    __tablename__ = "disputes"
    __table_args__ = (
        UniqueConstraint("provider", "reference"),
        Index("ix_disputes_account", "account_id", "state"),
        Index("ix_disputes_payment", "payment_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str]
    reference: Mapped[str]
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    state: Mapped[str] = mapped_column(default=OPEN)
    amount: Mapped[int]
    currency: Mapped[str]
    reason: Mapped[str | None]
    opened_at: Mapped[datetime] = mapped_column(default=clock.now)
    closed_at: Mapped[datetime | None]

    @property
    def subject(self) -> str:
        """How alerts name it."""
        return f"{self.provider}:{self.reference}"


def find(session: Session, provider: str, reference: str) -> Dispute | None:
    """The dispute of that provider and id."""
    statement = select(Dispute).where(Dispute.provider == provider, Dispute.reference == reference)
    return session.scalar(statement)


def add(session: Session, payment: Payment, reference: str, contested: Money) -> Dispute:
    """Record a dispute, open for now."""
    dispute = Dispute(
        provider=payment.provider,
        reference=reference,
        payment_id=payment.id,
        account_id=payment.account_id,
        state=OPEN,
        amount=contested.amount,
        currency=contested.currency,
        opened_at=clock.now(),
    )
    session.add(dispute)
    return dispute


def close(dispute: Dispute, outcome: str, contested: Money, at: datetime) -> bool:
    """Move a dispute to its end; False when it is there already, or at a graver one."""
    if ORDER_OF_STATES[outcome] <= ORDER_OF_STATES[dispute.state]:
        return False
    dispute.state, dispute.closed_at = outcome, at
    dispute.amount, dispute.currency = contested.amount, contested.currency
    return True


def is_contested(session: Session, payment: Payment) -> bool:
    """Whether a dispute about the payment is open."""
    found = exists().where(Dispute.payment_id == payment.id, Dispute.state == OPEN)
    return bool(session.scalar(select(found)))


def any_open(session: Session, account_id: int) -> bool:
    """Whether the account has an open dispute."""

    def ask() -> bool:
        found = exists().where(Dispute.account_id == account_id, Dispute.state == OPEN)
        return bool(session.scalar(select(found)))

    return batch.known(session, Dispute, account_id, ask)


def lost_on(session: Session, payment: Payment) -> list[int]:
    """What lost disputes took of the payment, each in its minor units.

    A bank may count in another currency; then the whole payment is taken as lost.
    """
    statement = select(Dispute).where(Dispute.payment_id == payment.id, Dispute.state == LOST)
    return [
        dispute.amount if dispute.currency == payment.currency else payment.amount
        for dispute in session.scalars(statement)
    ]
