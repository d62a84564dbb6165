"""Whose event is it: the account that facts are about, found with one query per kind of key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

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
    return _owners(session, Payment, Payment.reference, keys)


def _by_subscription(session: Session, keys: set[tuple[str, str]]) -> Found:
    return _owners(session, ManagedSubscription, ManagedSubscription.reference, keys)


def _by_token(session: Session, keys: set[tuple[str, str]]) -> Found:
    return _owners(session, PaymentMethod, PaymentMethod.token, keys)


def _by_customer(session: Session, keys: set[tuple[str, str]]) -> Found:
    return _owners(session, ProviderCustomer, ProviderCustomer.customer, keys)


def _owners(session: Session, table: Any, name: Any, keys: set[tuple[str, str]]) -> Found:
    statement = select(table.provider, name, table.account_id)
    rows = session.execute(statement.where(*named(table.provider, name, keys)))
    return {(provider, value): account for provider, value, account in rows}


def named(provider: Any, name: Any, keys: Iterable[tuple[str, str]]) -> tuple[Any, Any]:
    """The condition that a row has one of the keys, each a provider and one of its names.

    Without the provider the index over both columns is of no use, and the whole table is read.
    """
    keys = list(keys)
    providers, names = sorted({each for each, _ in keys}), sorted({each for _, each in keys})
    return provider.in_(providers), name.in_(names)


_LOOKUPS: Final[dict[str, Callable[[Session, set[tuple[str, str]]], Found]]] = {
    "order": _by_order,
    "payment": _by_payment,
    "subscription": _by_subscription,
    "token": _by_token,
    "account": _by_ref,
    "customer": _by_customer,
}
