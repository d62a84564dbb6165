"""Accounts: the customers of the live-chat service, known by the app's own reference (BILLING 1).

Every rule runs under a lock on the account's row, so that two workers never decide about one
account at once; different accounts never wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ForeignKey, Index, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import batch, clock
from domain.database import Base, BigId, insert_each_once, insert_once
from domain.errors import Refused

LOCALES: Final = ("en", "cs", "fr", "pl")
BLOCKED_FOR_EXPIRY: Final = "subscription_expired"
"""The only block that a payment lifts (BILLING 6)."""
GRAVITY: Final = (BLOCKED_FOR_EXPIRY, "refunded", "dispute_lost")
"""Reasons of a block, the graver the later; any other is an operator's, and the gravest."""
_BLOCKED: Final = text("blocked_reason IS NOT NULL")


class Account(Base):
    """One customer. ``currency`` is fixed while there is a subscription or credit."""

    __tablename__ = "accounts"
    __table_args__ = (
        Index("ix_accounts_status", "status", "id"),
        Index(
            "ix_accounts_reason",
            "blocked_reason",
            "id",
            postgresql_where=_BLOCKED,
            sqlite_where=_BLOCKED,
        ),
        Index("ix_accounts_email", "email"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ref: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str]
    locale: Mapped[str] = mapped_column(default="en")
    currency: Mapped[str]
    billing: Mapped[dict[str, Any]] = mapped_column(default=dict)
    status: Mapped[str] = mapped_column(default="active")
    blocked_reason: Mapped[str | None]
    blocked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)
    erased_at: Mapped[datetime | None]
    """When its personal data were erased on request."""


class ProviderCustomer(Base):
    """A provider's own record of an account."""

    __tablename__ = "provider_customers"
    __table_args__ = (Index("ix_provider_customers_account", "account_id"),)

    provider: Mapped[str] = mapped_column(primary_key=True)
    customer: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))


def find(session: Session, ref: str) -> Account:
    """The account of that reference, unlocked. Raises ``Refused`` (404) when there is none."""
    account = session.scalar(select(Account).where(Account.ref == ref))
    if account is None:
        raise _unknown(ref)
    return account


def lock(session: Session, ref: str) -> Account:
    """The account, locked for this transaction; waits for whoever has it."""
    # FOR NO KEY UPDATE: it excludes other rules and still lets rows that refer to the account be
    # inserted; the full lock would deadlock with a transaction that has one of our rows and
    # inserts such a row.
    statement = select(Account).where(Account.ref == ref).with_for_update(key_share=True)
    account = session.scalar(statement, execution_options={"populate_existing": True})
    if account is None:
        raise _unknown(ref)
    return account


def lock_free(session: Session, ids: Collection[int]) -> dict[int, Account]:
    """Lock those of the accounts that nobody else holds, in id order; the rest are busy."""
    statement = (
        select(Account)
        .where(Account.id.in_(sorted(ids)))
        .order_by(Account.id)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    )
    return {account.id: account for account in session.scalars(statement)} if ids else {}


def block(account: Account, reason: str, at: datetime) -> bool:
    """Block the account; False when it already is, for whatever reason (the first one stays)."""
    if account.status == "blocked":
        return False
    account.status, account.blocked_reason, account.blocked_at = "blocked", reason, at
    return True


def block_firmly(account: Account, reason: str, at: datetime) -> bool:
    """Block the account for a reason that no payment lifts; False when it is blocked for one that
    is as grave. Whatever the order in which several come, the gravest stays."""
    if account.blocked_reason is not None and _gravity(reason) <= _gravity(account.blocked_reason):
        return False
    account.status, account.blocked_reason, account.blocked_at = "blocked", reason, at
    return True


def is_blocked_firmly(account: Account) -> bool:
    """Whether the account is blocked for a reason that no payment lifts (BILLING 6)."""
    return account.blocked_reason not in {None, BLOCKED_FOR_EXPIRY}


def unblock(account: Account, reason: str) -> bool:
    """Lift a block made for ``reason``; other blocks are not lifted by it (BILLING 6)."""
    if account.status != "blocked" or account.blocked_reason != reason:
        return False
    account.status, account.blocked_reason, account.blocked_at = "active", None, None
    return True


def remember_customer(session: Session, provider: str, customer: str, account_id: int) -> None:
    """Note the provider's id of the account; the first owner of an id stays its owner."""
    key = provider, customer
    if batch.known(session, ProviderCustomer, key, lambda: session.get(ProviderCustomer, key)):
        return
    row = {"provider": provider, "customer": customer, "account_id": account_id}
    if not batch.wait(session, _insert_customers, row):
        insert_once(session, ProviderCustomer, **row)


def _insert_customers(session: Session, rows: list[dict[str, Any]]) -> None:
    insert_each_once(session, ProviderCustomer, rows, ("provider", "customer"))


def customer_at(session: Session, provider: str, account_id: int) -> str | None:
    """The provider's id of the account, if one is known."""
    statement = (
        select(ProviderCustomer.customer)
        .where(ProviderCustomer.account_id == account_id, ProviderCustomer.provider == provider)
        .order_by(ProviderCustomer.customer)
        .limit(1)
    )
    return session.scalar(statement)


def owners(session: Session, provider: str, customers: Iterable[str]) -> dict[str, int]:
    """Which of the provider's customers belong to which account."""
    statement = select(ProviderCustomer.customer, ProviderCustomer.account_id).where(
        ProviderCustomer.provider == provider, ProviderCustomer.customer.in_(sorted(customers))
    )
    return dict(session.execute(statement).all())


def _gravity(reason: str) -> int:
    return GRAVITY.index(reason) if reason in GRAVITY else len(GRAVITY)


def _unknown(ref: str) -> Refused:
    return Refused(
        "account_unknown",
        f"There is no account {ref!r}; create it with PUT /api/accounts/{ref}.",
        status=404,
        ref=ref,
    )
