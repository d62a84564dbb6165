"""Credit: money of an account that we hold, as a ledger whose sum is the balance (BILLING 1).

Entries are unique by their cause, so that a repeated fact books nothing twice. The balance is per
currency and never negative; every booking happens under the account's lock.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import batch, clock
from domain.database import Base, BigId, insert_once
from domain.errors import Permanent
from domain.money import Money

KINDS: Final = ("misdirected_payment", "unused_time", "order", "refund", "operator", "returned")


class CreditEntry(Base):
    """One booking: positive when the account gains, negative when credit is used."""

    __tablename__ = "credit_entries"
    __table_args__ = (
        UniqueConstraint("cause"),
        Index("ix_credit_entries_account", "account_id", "currency"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(default=clock.now)
    kind: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    cause: Mapped[str]
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"))
    order_id: Mapped[str | None] = mapped_column(ForeignKey("orders.id"))


def balance(session: Session, account_id: int, currency: str) -> Money:
    """What the account holds in ``currency``."""

    def ask() -> int | None:
        total = func.coalesce(func.sum(CreditEntry.amount), 0)
        held = CreditEntry.account_id == account_id, CreditEntry.currency == currency
        return session.scalar(select(total).where(*held))

    return Money(int(batch.known(session, CreditEntry, account_id, ask) or 0), currency)


def balances(session: Session, account_id: int) -> list[Money]:
    """What the account holds, one amount per currency in which it holds any."""
    total = func.sum(CreditEntry.amount)
    statement = (
        select(CreditEntry.currency, total)
        .where(CreditEntry.account_id == account_id)
        .group_by(CreditEntry.currency)
        .having(total != 0)
        .order_by(CreditEntry.currency)
    )
    return [Money(int(amount), currency) for currency, amount in session.execute(statement)]


def book(
    session: Session,
    account_id: int,
    kind: str,
    money: Money,
    *,
    cause: str,
    payment_id: int | None = None,
    order_id: str | None = None,
) -> bool:
    """Book once per ``cause``; False when it was booked before.

    Raises ``Permanent`` when the balance would become negative.
    """
    if money.amount < 0 and balance(session, account_id, money.currency).amount < -money.amount:
        raise Permanent(f"credit of account {account_id} does not cover {-money} for {cause}")
    batch.forget(session, CreditEntry, account_id)
    return insert_once(
        session,
        CreditEntry,
        account_id=account_id,
        at=clock.now(),
        kind=kind,
        amount=money.amount,
        currency=money.currency,
        cause=cause,
        payment_id=payment_id,
        order_id=order_id,
    )
