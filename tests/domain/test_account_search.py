"""Looking for accounts: every filter alone and with others, page by page, on both databases."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import account_search, clock
from domain.account_search import AccountFilter
from domain.accounts import Account, ProviderCustomer
from domain.database import Database
from domain.subscriptions import Subscription

VALUES: dict[str, tuple[str, ...]] = {
    "status": ("active", "blocked", "gone"),
    "reason": ("subscription_expired", "operator", ""),
    "state": ("active", "expired"),
    "plan": ("pro", "free"),
    "managed_by": ("us", "acme"),
    "q": ("shop-1", "shop-07", "Boss@shops.example", "cus_5", "sh%p"),
}


@pytest.fixture
def store(database: Database, frozen_clock: object) -> Database:
    with database.transaction() as session:
        for number in range(1, 121):
            session.add_all(account(number))
            session.flush()
            if number % 10 == 5:
                known = {"provider": "acme", "customer": f"cus_{number}", "account_id": number}
                session.add(ProviderCustomer(**known))
            if number % 4:
                session.add(subscription(number))
    return database


def reason_of(number: int) -> str | None:
    """Every third is blocked, mostly since it expired."""
    if number % 3:
        return None
    return "operator" if number % 9 == 0 else "subscription_expired"


def account(number: int) -> list[Account]:
    reason = reason_of(number)
    return [
        Account(
            id=number,
            ref=f"shop-{number:03}",
            email="boss@shops.example" if number % 50 == 1 else f"{number}@shops.example",
            currency="EUR",
            status="blocked" if reason else "active",
            blocked_reason=reason,
            blocked_at=clock.now() if reason else None,
        )
    ]


def subscription(number: int) -> Subscription:
    return Subscription(
        account_id=number,
        plan="pro" if number % 5 else "standard",
        interval="month",
        agents=1,
        conversations=100,
        currency="EUR",
        period_start=clock.now(),
        period_end=clock.now(),
        period_net=1,
        anchor_day=1,
        state="expired" if reason_of(number) == "subscription_expired" else "active",
        started_at=clock.now(),
        managed_by="acme" if number % 7 == 0 else "us",
        managed_reference=f"sub_{number}",
        account_blocked=reason_of(number) or "",
    )


def expected(session: Session, given: dict[str, str]) -> set[int]:
    """What a plain look at every row finds."""
    both = select(Account, Subscription).outerjoin(
        Subscription, Subscription.account_id == Account.id
    )
    rows = session.execute(both).all()

    def fits(has: Account, subscription: Subscription | None, name: str, value: str) -> bool:
        if name == "q":
            customer = f"cus_{has.id}" if has.id % 10 == 5 else None
            named = {has.email, customer}
            return has.ref.startswith(value) or value in named or value.lower() in named
        if name in {"status", "reason"}:
            return {"status": has.status, "reason": has.blocked_reason}[name] == value
        return subscription is not None and getattr(subscription, name) == value

    return {row[0].id for row in rows if all(fits(row[0], row[1], k, v) for k, v in given.items())}


def found(session: Session, given: dict[str, Any], limit: int, before: int | None = None) -> Any:
    rows = account_search.page(session, AccountFilter(**given), limit, before)
    assert all(has is None or has.account_id == account.id for account, has in rows)
    return [account.id for account, _ in rows]


def test_every_pair_of_filters_finds_what_a_plain_look_finds(store: Database) -> None:
    single = [{name: value} for name, some in VALUES.items() for value in some]
    pairs = [a | b for a, b in combinations(single, 2) if a.keys() != b.keys()]
    met = 0
    with store.transaction() as session:
        for given in ({}, *single, *pairs):
            ids = found(session, given, 1000)
            assert len(ids) == len(set(ids))
            assert set(ids) == expected(session, given), given
            met += bool(ids)
    assert met > 50


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"status": "blocked"},
        {"reason": "subscription_expired"},
        {"status": "blocked", "state": "active"},
        {"plan": "pro", "managed_by": "us"},
        {"q": "shop-0"},
        {"q": "shop", "state": "active"},
    ],
)
def test_pages_neither_skip_nor_repeat(store: Database, given: dict[str, Any]) -> None:
    with store.transaction() as session:
        seen: list[int] = []
        while page := found(session, given, 4, seen[-1] if seen else None):
            seen += page
        assert sorted(seen) == sorted(expected(session, given))
    assert len(seen) > 4
    # The newest first; what is searched for by reference.
    assert seen == sorted(seen, reverse="q" not in given)
