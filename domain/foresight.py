"""Reads what the rules will ask about a batch of events, with one query a table.

To be called under the accounts' locks: what is read then stays so until the commit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from domain.accounts import ProviderCustomer
from domain.batch import Batch
from domain.credit import CreditEntry
from domain.disputes import OPEN, Dispute
from domain.facts import DisputeClosed, DisputeOpened, Fact
from domain.methods import PaymentMethod
from domain.orders import Order
from domain.payments import Payment
from domain.resolution import named
from domain.subscriptions import Subscription

Subject = tuple[str, Sequence[Fact]]
"""A provider's name and the facts of one of its events."""

Keys = set[tuple[str, str]]
_CONTESTED: Final = (DisputeOpened, DisputeClosed)


def foresee(
    session: Session, batch: Batch, accounts: Collection[int], subjects: Sequence[Subject]
) -> None:
    """Read what is there of the accounts and of what the facts name, and what is not."""
    if not accounts:
        return
    facts = [(provider, fact) for provider, said in subjects for fact in said]
    _subscriptions(session, batch, accounts)
    _orders(session, batch, _said(facts, "order"))
    _payments(session, batch, _said(facts, "payment"))
    _customers(session, batch, _said(facts, "customer") | _of_methods(facts, "customer"))
    _methods(session, batch, _of_methods(facts, "token"))
    _credit(session, batch, accounts)
    if not any(isinstance(fact, _CONTESTED) for _, fact in facts):
        _disputes(session, batch, accounts)


def _said(facts: Iterable[tuple[str, Fact]], name: str) -> Keys:
    pairs = ((provider, getattr(fact, name, None)) for provider, fact in facts)
    return {(provider, value) for provider, value in pairs if value}


def _of_methods(facts: Iterable[tuple[str, Fact]], name: str) -> Keys:
    methods = ((provider, getattr(fact, "method", None)) for provider, fact in facts)
    pairs = ((provider, getattr(method, name, None)) for provider, method in methods)
    return {(provider, value) for provider, value in pairs if value}


def _subscriptions(session: Session, batch: Batch, accounts: Collection[int]) -> None:
    found = _rows(session, select(Subscription).where(Subscription.account_id.in_(accounts)))
    there = {row.account_id: row for row in found}
    for account in accounts:
        batch.learn(Subscription, account, there.get(account))


def _orders(session: Session, batch: Batch, keys: Keys) -> None:
    ids = {order for _, order in keys}
    if ids:
        # Kept known, so that the session does not forget them.
        for row in _rows(session, select(Order).where(Order.id.in_(ids))):
            batch.learn(Order, row.id, row)


def _payments(session: Session, batch: Batch, keys: Keys) -> None:
    statement = select(Payment).where(*named(Payment.provider, Payment.reference, keys))
    found = _rows(session, statement) if keys else []
    there = {(row.provider, row.reference): row for row in found}
    for key in keys:
        batch.learn(Payment, key, there.get(key))


def _customers(session: Session, batch: Batch, keys: Keys) -> None:
    both = ProviderCustomer.provider, ProviderCustomer.customer
    statement = select(ProviderCustomer).where(*named(*both, keys))
    found = _rows(session, statement) if keys else []
    there = {(row.provider, row.customer): row for row in found}
    for key in keys:
        batch.learn(ProviderCustomer, key, there.get(key))


def _methods(session: Session, batch: Batch, keys: Keys) -> None:
    statement = select(PaymentMethod).where(
        *named(PaymentMethod.provider, PaymentMethod.token, keys)
    )
    found = _rows(session, statement) if keys else []
    there = {(row.provider, row.token): row for row in found}
    for key in keys:
        batch.learn(PaymentMethod, key, there.get(key))


def _credit(session: Session, batch: Batch, accounts: Collection[int]) -> None:
    """Of whoever has no entries it is known that nothing is held."""
    statement = select(CreditEntry.account_id, func.count()).where(
        CreditEntry.account_id.in_(accounts)
    )
    booked = {account for account, _ in session.execute(statement.group_by(CreditEntry.account_id))}
    for account in set(accounts) - booked:
        batch.learn(CreditEntry, account, 0)


def _disputes(session: Session, batch: Batch, accounts: Collection[int]) -> None:
    statement = select(Dispute.account_id).where(
        Dispute.account_id.in_(accounts), Dispute.state == OPEN
    )
    contested = set(session.scalars(statement))
    for account in accounts:
        batch.learn(Dispute, account, account in contested)


def _rows(session: Session, statement: Select[Any]) -> list[Any]:
    """As they are now: an object that the session has may have been read before the lock."""
    return list(session.scalars(statement.execution_options(populate_existing=True)))
