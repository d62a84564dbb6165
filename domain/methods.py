"""Saved means of payment: one current method per account, replaced and removed (BILLING 4)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain import accounts, announcements, batch, clock
from domain.database import Base, BigId
from domain.facts import CustomerRemoved, MandateChanged, Method, MethodRemoved, MethodSaved
from domain.orders import Order
from domain.work import Work


class PaymentMethod(Base):
    """A means of payment that the customer saved; the newest that was not removed is current.

    ``saved_at`` is when the customer chose it: with the order that it paid first, whenever the
    payment's events come; so it does not depend on their order which one is the newest.
    """

    __tablename__ = "payment_methods"
    __table_args__ = (
        UniqueConstraint("provider", "token"),
        Index("ix_payment_methods_account", "account_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    provider: Mapped[str]
    token: Mapped[str]
    customer: Mapped[str | None]
    kind: Mapped[str]
    brand: Mapped[str | None]
    last4: Mapped[str | None]
    expires: Mapped[str | None]
    saved_at: Mapped[datetime] = mapped_column(default=clock.now)
    removed_at: Mapped[datetime | None]

    @property
    def label(self) -> str:
        """For people: ``visa ····4242``."""
        return f"{self.brand or self.kind} ····{self.last4}" if self.last4 else self.kind


ACCEPTED_BRANDS: Final = frozenset({"visa", "mastercard"})
"""Card brands that are taken (BILLING 4); money that came with another counts, with an alert."""
REFUSED_WALLETS: Final = frozenset({"crypto"})
"""Means of payment besides cards that are not taken; every other one may be stored."""
OPEN_ENTRY: Final = "open_method_entry"
"""The effect that makes a page where a new method is entered."""
KEPT: Final = ("brand", "last4", "expires")


def current(session: Session, account_id: int) -> PaymentMethod | None:
    """The method that a renewal is charged to, or None."""
    statement = (
        select(PaymentMethod)
        .where(PaymentMethod.account_id == account_id, PaymentMethod.removed_at.is_(None))
        .order_by(PaymentMethod.saved_at.desc(), PaymentMethod.id.desc())
        .limit(1)
    )
    return session.scalar(statement)


def method_saved(fact: MethodSaved, work: Work) -> None:
    """Keep the method for renewals, unless its brand is one that is not taken."""
    save(work, fact.method, fact.customer, fact.order)


def save(
    work: Work, method: Method, customer: str | None, order_id: str | None
) -> PaymentMethod | None:
    """Keep a method once; a token that was removed stays removed, whatever comes late.

    ``order_id`` names the order with which the customer chose it, if the fact says so.
    """
    owner = customer or method.customer
    if owner is not None:
        accounts.remember_customer(work.session, work.provider, owner, work.account.id)
    if method.token is None or not accepted(method):
        _reject(work, method)
        return None
    saved = _find(work, method.token)
    if saved is None:
        saved = _new(work, method, owner)
        work.note("method_saved", method=saved.label)
    saved.saved_at = min(saved.saved_at, _chosen_at(work, order_id))
    return saved


def _reject(work: Work, method: Method) -> None:
    """Tell the customer once that a card of this brand is not kept; a card whose brand was not
    told yet may still be kept when another event tells it."""
    told = method.kind == "card" and method.brand is not None
    if method.token is not None and told:
        announcements.method_rejected(work, method.brand, f"{work.provider}:{method.token}")


def accepted(method: Method) -> bool:
    """Whether the method may be stored: Visa and Mastercard, or a wallet, but not crypto
    (BILLING 4)."""
    if method.kind == "card":
        return method.brand in ACCEPTED_BRANDS
    return method.brand not in REFUSED_WALLETS


def forget(work: Work) -> PaymentMethod | None:
    """The customer removes the current method: nothing is charged to it any more (BILLING 4)."""
    method = current(work.session, work.account.id)
    if method is not None:
        method.removed_at = work.now
        work.note("method_removed", method=method.label)
        work.want(
            "remove_method",
            method.token,
            f"method:{method.id}",
            provider=method.provider,
        )
    return method


def open_entry(work: Work, provider: str, name: str, return_url: str, cancel_url: str) -> str:
    """Want a page where the customer enters a new method; returns the effect's cause.

    ``name`` tells one request from another.
    """
    cause = f"account:{work.account.id}:method:{name}"
    work.want(OPEN_ENTRY, provider, cause, return_url=return_url, cancel_url=cancel_url)
    return cause


def method_removed(fact: MethodRemoved, work: Work) -> None:
    """Forget the method; remembered as removed, so that a late report cannot bring it back."""
    saved = _find(work, fact.token)
    if saved is None:
        saved = _new(work, Method(kind="unknown", token=fact.token), fact.customer)
    if saved.removed_at is None:
        saved.removed_at = work.now
        work.note("method_removed", method=saved.label)


def mandate_changed(fact: MandateChanged, work: Work) -> None:
    """A withdrawn mandate removes the method that it allowed to charge."""
    if not fact.active:
        method_removed(MethodRemoved(token=fact.token), work)


def customer_removed(fact: CustomerRemoved, work: Work) -> None:
    """The provider forgot the customer, and with it every method saved there."""
    statement = select(PaymentMethod).where(
        PaymentMethod.account_id == work.account.id,
        PaymentMethod.provider == work.provider,
        PaymentMethod.customer == fact.customer,
        PaymentMethod.removed_at.is_(None),
    )
    for saved in work.session.scalars(statement):
        method_removed(MethodRemoved(token=saved.token), work)


def _chosen_at(work: Work, order_id: str | None) -> datetime:
    order = work.session.get(Order, order_id) if order_id else None
    return order.created_at if order is not None else work.now


def _find(work: Work, token: str) -> PaymentMethod | None:
    def ask() -> PaymentMethod | None:
        named = PaymentMethod.provider == work.provider, PaymentMethod.token == token
        return work.session.scalar(select(PaymentMethod).where(*named))

    return batch.known(work.session, PaymentMethod, (work.provider, token), ask)


def _new(work: Work, method: Method, customer: str | None) -> PaymentMethod:
    saved = PaymentMethod(
        account_id=work.account.id,
        provider=work.provider,
        token=method.token,
        customer=customer,
        kind=method.kind,
        saved_at=work.now,
        **{name: getattr(method, name) for name in KEPT},
    )
    work.session.add(saved)
    batch.learn(work.session, PaymentMethod, (work.provider, method.token), saved)
    return saved
