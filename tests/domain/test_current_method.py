"""Which saved method is charged is not decided by which of its events came first (BILLING 4)."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest

from domain import accounts, clock, methods, orders, rules
from domain.database import Database
from domain.facts import Fact, Method, MethodRemoved, MethodSaved, PaymentSucceeded
from domain.money import Money
from domain.work import Work
from tests import lives
from workers.runtime import Runtime


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Runtime:
    runtime = lives.runtime_on(database)
    lives.account(runtime)
    return runtime


def card(token: str) -> Method:
    return Method(kind="card", brand="visa", last4="4242", token=token, customer="cus_1")


def two_orders(runtime: Runtime) -> list[str]:
    """An order that was superseded, and the one that did it a minute later."""
    first = lives.order(runtime)
    with runtime.database.transaction() as session:
        orders.close(session.merge(first), "superseded", clock.now())
    clock.advance(timedelta(minutes=1))
    return [first.id, lives.order(runtime).id]


def tell(runtime: Runtime, *facts: Fact) -> str | None:
    """Apply facts a minute apart; the token that would be charged."""
    for fact in facts:
        clock.advance(timedelta(minutes=1))
        with runtime.database.transaction() as session:
            account = accounts.lock(session, "acme")
            rules.apply(fact, Work(session, runtime.catalogue, account, provider="stripe"))
    with runtime.database.transaction() as session:
        method = methods.current(session, account.id)
        return method.token if method else None


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_method_of_the_newest_order_is_charged_whatever_is_reported_first(
    runtime: Runtime, order: tuple[int, ...]
) -> None:
    older, newer = two_orders(runtime)
    facts = (
        MethodSaved(method=card("pm_older"), order=older),
        MethodSaved(method=card("pm_newer"), customer="cus_1", account="acme"),
        MethodSaved(method=card("pm_newer"), order=newer),
    )
    assert tell(runtime, *(facts[number] for number in order)) == "pm_newer"


def test_the_payment_of_an_older_order_that_comes_late_replaces_no_newer_method(
    runtime: Runtime,
) -> None:
    older, newer = two_orders(runtime)
    paid = Money(100, "CZK")
    late = PaymentSucceeded(payment="pi_1", amount=paid, order=older, method=card("pm_older"))
    saved = MethodSaved(method=card("pm_newer"), order=newer)
    assert tell(runtime, saved, late) == "pm_newer"


def test_the_older_method_is_charged_again_when_the_newer_one_is_removed(runtime: Runtime) -> None:
    older, newer = two_orders(runtime)
    saved = [
        MethodSaved(method=card("pm_newer"), order=newer),
        MethodSaved(method=card("pm_older"), order=older),
    ]
    assert tell(runtime, *saved, MethodRemoved(token="pm_newer")) == "pm_older"
