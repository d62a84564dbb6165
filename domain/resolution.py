"""Whose event is it: the account that facts are about, found with one query per kind of key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.accounts import Account, ProviderCustomer
from domain.facts import Fact
from domain.managed_subscriptions import ManagedSubscription
from domain.methods import PaymentMethod
from domain.orders import Order
from domain.payments import Payment

KEYS: Final = ("order", "payment", "subscription", "token", "account", "customer")
"""What can name an account, the surest first."""

Subject = tuple[str, Sequence[Fact]]
"""A provider's name and the facts of one of its events."""


def resolve(session: Session, subjects: Mapping[int, Subject]) -> dict[int, int]:
    """Map each event to the account that its facts name; an event about nobody known is absent."""
    found: dict[int, int] = {}
    for key in KEYS:
        # A surer key that is known leaves nothing to ask by the others.
        left = {event: subject for event, subject in subjects.items() if event not in found}
        wanted = _wanted(key, left.values())
        known = _LOOKUPS[key](session, wanted) if wanted else {}
        for event, (provider, facts) in left.items():
            owners = (known.get((provider, value)) for value in values_of(facts, key))
            account = next((owner for owner in owners if owner is not None), None)
            if account is not None:
                found[event] = account
    return found


def values_of(facts: Iterable[Fact], key: str) -> list[str]:
    """What the facts say under ``key`` (``order``, ``payment``, …), without repeats."""
    values = (getattr(fact, key, None) for fact in facts)
    return list(dict.fromkeys(value for value in values if value))


def _wanted(key: str, subjects: Iterable[Subject]) -> set[tuple[str, str]]:
    return {(provider, value) for provider, facts in subjects for value in values_of(facts, key)}


Found = dict[tuple[str, str], int]


def _by_order(session: Session, keys: set[tuple[str, str]]) -> Found:
    ids = sorted({value for _, value in keys})
    rows = session.execute(select(Order.id, Order.account_id).where(Order.id.in_(ids)))
    owner = dict(rows.all())
    return {key: owner[key[1]] for key in keys if key[1] in owner}


def _by_ref(session: Session, keys: set[tuple[str, str]]) -> Found:
    refs = sorted({value for _, value in keys})
    rows = session.execute(select(Account.ref, Account.id).where(Account.ref.in_(refs)))
    owner = dict(rows.all())
    return {key: owner[key[1]] for key in keys if key[1] in owner}


def _by_payment(session: Session, keys: set[tuple[str, str]]) -> Found:
    references = sorted({value for _, value in keys})
    columns = Payment.provider, Payment.reference, Payment.account_id
    rows = session.execute(select(*columns).where(Payment.reference.in_(references)))
    return {(provider, reference): account for provider, reference, account in rows}


def _by_subscription(session: Session, keys: set[tuple[str, str]]) -> Found:
    references = sorted({value for _, value in keys})
    rows = session.scalars(
        select(ManagedSubscription).where(ManagedSubscription.reference.in_(references))
    )
    return {(row.provider, row.reference): row.account_id for row in rows}


def _by_token(session: Session, keys: set[tuple[str, str]]) -> Found:
    tokens = sorted({value for _, value in keys})
    rows = session.scalars(select(PaymentMethod).where(PaymentMethod.token.in_(tokens)))
    return {(method.provider, method.token): method.account_id for method in rows}


def _by_customer(session: Session, keys: set[tuple[str, str]]) -> Found:
    customers = sorted({value for _, value in keys})
    rows = session.scalars(select(ProviderCustomer).where(ProviderCustomer.customer.in_(customers)))
    return {(row.provider, row.customer): row.account_id for row in rows}


_LOOKUPS: Final[dict[str, Callable[[Session, set[tuple[str, str]]], Found]]] = {
    "order": _by_order,
    "payment": _by_payment,
    "subscription": _by_subscription,
    "token": _by_token,
    "account": _by_ref,
    "customer": _by_customer,
}
