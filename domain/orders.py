"""Orders: one intended purchase or renewal at a fixed price (BILLING 1, 3, 4).

``open → paid | failed | expired | superseded``; at most one open order per account, which a
partial unique index enforces.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import clock
from domain.accounts import Account
from domain.catalogue import Catalogue
from domain.database import Base
from domain.errors import Refused
from domain.money import Money
from domain.quotes import Quote, as_document, from_document

OPEN: Final = "open"
_ONE_OPEN: Final = text("state = 'open'")
_CHARGE_FAILED: Final = text("charge_failed_at IS NOT NULL")


class Order(Base):
    """One order. ``quote`` is the price as it was quoted; amounts in minor units.

    ``method`` is how it is to be paid (``card``, ``saved``, ``credit``, or a provider's own
    wallet), ``provider`` who takes the money, ``checkout_id`` and ``checkout_url`` the provider's
    page for it.
    """

    __tablename__ = "orders"
    __table_args__ = (
        Index(
            "uq_orders_one_open_per_account",
            "account_id",
            unique=True,
            postgresql_where=_ONE_OPEN,
            sqlite_where=_ONE_OPEN,
        ),
        Index(
            "ix_orders_open_expiry",
            "expires_at",
            postgresql_where=_ONE_OPEN,
            sqlite_where=_ONE_OPEN,
        ),
        Index("ix_orders_account", "account_id", "created_at"),
        Index(
            "ix_orders_charge_failed",
            "charge_failed_at",
            "state",
            postgresql_where=_CHARGE_FAILED,
            sqlite_where=_CHARGE_FAILED,
        ),
        UniqueConstraint("account_id", "idempotency_key"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str] = mapped_column(default="purchase")
    state: Mapped[str] = mapped_column(default=OPEN)
    currency: Mapped[str]
    total: Mapped[int]
    due: Mapped[int]
    quote: Mapped[dict[str, Any]]
    method: Mapped[str]
    provider: Mapped[str | None]
    checkout_id: Mapped[str | None]
    checkout_url: Mapped[str | None]
    return_url: Mapped[str | None]
    cancel_url: Mapped[str | None]
    idempotency_key: Mapped[str | None]
    request_hash: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    failure: Mapped[str | None]
    charge_failed_at: Mapped[datetime | None]
    """When a charge for this renewal failed last, whatever came of the order."""

    @property
    def money_due(self) -> Money:
        """What a provider has to bring."""
        return Money(self.due, self.currency)

    @property
    def taken_by(self) -> str:
        """The provider that takes the money. Raises ValueError for an order paid without one."""
        if self.provider is None:
            raise ValueError(f"order {self.id} is paid without a provider")
        return self.provider

    @property
    def quoted(self) -> Quote:
        """The quote that the order was made at."""
        return from_document(self.quote)


def new_id() -> str:
    """An order id: unguessable, safe in URLs and at the providers (``ord_`` and 24 characters)."""
    return "ord_" + secrets.token_hex(12)


def place(
    session: Session,
    catalogue: Catalogue,
    account: Account,
    quote: Quote,
    *,
    method: str,
    provider: str | None,
    kind: str = "purchase",
    urls: tuple[str | None, str | None] = (None, None),
    idempotency: tuple[str, str] | None = None,
    expires_at: datetime | None = None,
) -> Order:
    """Make an open order for a quote, until ``expires_at`` (default: for as long as the catalogue
    says); the caller has closed the one before it."""
    now = clock.now()
    order = Order(
        id=new_id(),
        account_id=account.id,
        kind=kind,
        state=OPEN,
        currency=quote.currency,
        total=quote.total.amount,
        due=quote.due.amount,
        quote=as_document(quote),
        method=method,
        provider=provider,
        return_url=urls[0],
        cancel_url=urls[1],
        created_at=now,
        expires_at=expires_at or now + timedelta(hours=catalogue.orders.expire_hours),
        idempotency_key=idempotency[0] if idempotency else None,
        request_hash=idempotency[1] if idempotency else None,
    )
    session.add(order)
    session.flush()
    return order


def owners(session: Session, ids: Collection[str]) -> dict[str, int]:
    """The accounts of those of the orders that there are."""
    statement = select(Order.id, Order.account_id).where(Order.id.in_(sorted(ids)))
    return dict(session.execute(statement).all())


def open_of(session: Session, account_id: int) -> Order | None:
    """The open order of the account, if there is one."""
    statement = select(Order).where(Order.account_id == account_id, Order.state == OPEN)
    return session.scalar(statement)


def open_of_each(session: Session, account_ids: Collection[int]) -> dict[int, Order]:
    """The open orders of those accounts that have one, by account."""
    statement = select(Order).where(
        Order.account_id.in_(sorted(account_ids)), Order.state == OPEN, _ONE_OPEN
    )
    return {order.account_id: order for order in session.scalars(statement)}


def lock_row(session: Session, order: Order) -> None:
    """Read the order again and hold its row until the end of the transaction.

    The worker that notes a checkout on an order does so without the account's lock: who closes an
    order must know for sure whether there is a page to close.
    """
    session.refresh(order, with_for_update={"key_share": True})


def find(session: Session, order_id: str) -> Order:
    """The order of that id. Raises ``Refused`` (404)."""
    order = session.get(Order, order_id)
    if order is None:
        raise Refused("order_unknown", f"There is no order {order_id!r}.", status=404)
    return order


def repeated(
    session: Session, account_id: int, idempotency_key: str, request_hash: str
) -> Order | None:
    """The order that an earlier request with this key made.

    Raises ``Refused`` when that request asked for something else.
    """
    statement = select(Order).where(
        Order.account_id == account_id, Order.idempotency_key == idempotency_key
    )
    order = session.scalar(statement)
    if order is not None and order.request_hash != request_hash:
        raise Refused(
            "idempotency_key_reused",
            f"Idempotency-Key {idempotency_key!r} was used for another order ({order.id}); "
            "use a new key for a new order.",
            status=422,
        )
    return order


def close(order: Order, state: str, at: datetime, failure: str | None = None) -> bool:
    """Move an open order to ``paid``, ``failed``, ``expired`` or ``superseded``; False when it is
    closed already: a closed order never changes."""
    if order.state != OPEN:
        return False
    order.state, order.closed_at, order.failure = state, at, failure
    return True
