"""A subscription that a provider runs beside one of ours, an order of ours, or another one."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select

from domain import clock, credit, orders, renewals, terminations
from domain.accounts import Account
from domain.database import Database
from domain.errors import Refused
from domain.facts import PaymentSucceeded
from domain.money import Money
from domain.orders import Order
from domain.work import Work
from tests import lives
from tests.domain.paid_accounts import paid, tell, working
from tests.domain.run_by_provider import (
    PRICE,
    alerts,
    blocked_for,
    broken,
    money,
    month,
    outcome,
    read,
    subscription_of,
    time_passes,
)
from workers.runtime import Runtime


@pytest.fixture
def runtime(database: Database, frozen_clock: ModuleType) -> Runtime:
    runtime = lives.runtime_on(database)
    lives.account(runtime)
    return runtime


def credit_of(runtime: Runtime) -> list[Money]:
    with runtime.database.transaction() as session:
        return credit.balances(session, session.scalars(select(Account.id)).one())


def state_of(runtime: Runtime, order: Order) -> str:
    with runtime.database.transaction() as session:
        return session.get_one(Order, order.id).state


def _switch_off(work: Work) -> None:
    assert work.subscription is not None
    renewals.switch(work, work.subscription, on=False)


def test_beside_ours_its_money_becomes_credit_and_people_are_told(runtime: Runtime) -> None:
    paid(runtime)
    ours = outcome(runtime).subscription
    tell(runtime, read(1), money())
    assert outcome(runtime).subscription == ours
    assert credit_of(runtime) == [Money(PRICE, "CZK")]
    assert alerts(runtime) == ["two_subscriptions", "two_subscriptions"]
    assert broken(runtime) == []


def test_when_ours_is_over_it_takes_over_with_its_next_money_only(runtime: Runtime) -> None:
    paid(runtime)
    clock.travel(month(0).start + timedelta(days=20))
    tell(runtime, read(1), money())
    working(runtime, _switch_off)
    clock.travel(month(0).end)
    time_passes(runtime)
    assert subscription_of(runtime).managed_by == "us"
    tell(runtime, read(2, month_=1), money(1))
    assert subscription_of(runtime).managed_by == "stripe"
    assert blocked_for(runtime) is None
    assert credit_of(runtime) == [Money(PRICE, "CZK")]
    assert broken(runtime) == []


def test_ours_that_is_past_due_gives_way_and_is_not_renewed_any_more(runtime: Runtime) -> None:
    paid(runtime)
    clock.travel(month(0).end)
    time_passes(runtime)
    assert subscription_of(runtime).state == "past_due"
    tell(runtime, read(1, month_=1), money(1))
    subscription = subscription_of(runtime)
    assert (subscription.managed_by, subscription.state) == ("stripe", "active")
    with runtime.database.transaction() as session:
        renewal = session.scalars(select(Order).where(Order.kind == "renewal")).one()
        assert renewal.state == "superseded"
    assert credit_of(runtime) == []
    assert broken(runtime) == []


def test_one_that_ended_long_ago_does_not_bury_ours(runtime: Runtime) -> None:
    tell(runtime, read(1), money())
    tell(runtime, read(2, "ended", None, auto_renew=False))
    clock.travel(month(0).end)
    time_passes(runtime)
    paid(runtime)
    tell(runtime, read(3, "ended", None, auto_renew=False))
    assert subscription_of(runtime).managed_by == "us"
    clock.travel(month(1).end + timedelta(days=6))
    time_passes(runtime)
    tell(runtime, read(4, "ended", None, auto_renew=False))
    assert subscription_of(runtime).managed_by == "us"


def test_an_order_that_is_paid_while_a_provider_runs_it_becomes_credit(runtime: Runtime) -> None:
    order = lives.order(runtime)
    tell(runtime, read(1), money())
    tell(runtime, PaymentSucceeded(payment="pay_x", amount=order.money_due, order=order.id))
    assert subscription_of(runtime).managed_by == "stripe"
    assert credit_of(runtime) == [order.money_due]
    assert alerts(runtime) == ["misdirected_payment"]


def test_who_cancelled_at_the_provider_may_buy_from_us_before_the_end(runtime: Runtime) -> None:
    tell(runtime, read(1), money())
    with pytest.raises(Refused, match="run by stripe"):
        lives.order(runtime, agents=3)
    tell(runtime, read(2, "ended", None, auto_renew=False))
    order = lives.order(runtime, agents=3)
    assert order.quoted.discount.amount == 98_000
    tell(runtime, PaymentSucceeded(payment="pay_x", amount=order.money_due, order=order.id))
    tell(runtime, read(3, "ended", None, auto_renew=False))
    subscription = subscription_of(runtime)
    assert (subscription.managed_by, subscription.agents) == ("us", 3)
    assert credit_of(runtime) == []
    assert broken(runtime) == []


def test_of_two_that_providers_run_the_one_that_goes_on_counts(runtime: Runtime) -> None:
    tell(runtime, read(1), money())
    tell(runtime, read(2, subscription="sub_2", agents=5), money(0, subscription="sub_2"))
    assert alerts(runtime)[0] == "two_subscriptions"
    tell(runtime, read(3, "ended", 0, subscription="sub_2", auto_renew=False))
    assert subscription_of(runtime).managed_reference == "sub_1"
    assert credit_of(runtime) == []
    assert len(outcome(runtime).papers) == 2


def test_a_customer_who_comes_back_gets_the_new_subscription(runtime: Runtime) -> None:
    tell(runtime, read(1), money())
    tell(runtime, read(2, "ended", None, auto_renew=False))
    clock.travel(month(0).end + timedelta(days=1))
    time_passes(runtime)
    assert blocked_for(runtime) == "subscription_expired"
    tell(runtime, read(3, month_=1, subscription="sub_2"), money(1, subscription="sub_2"))
    tell(runtime, read(4, "ended", None, auto_renew=False))
    subscription = subscription_of(runtime)
    assert (subscription.managed_reference, subscription.state) == ("sub_2", "active")
    assert blocked_for(runtime) is None


@pytest.mark.parametrize("named_by_money", [True, False])
def test_the_first_money_of_one_that_an_order_started_pays_the_order(
    runtime: Runtime, named_by_money: bool
) -> None:
    order = lives.order(runtime, agents=3)
    untold: dict[str, Any] = {"plan": None, "agents": None, "order": order.id}
    tell(runtime, read(1, **untold))
    assert outcome(runtime).subscription is None
    tell(runtime, money(0, order.due, order=order.id if named_by_money else None))
    assert state_of(runtime, order) == "paid"
    subscription = subscription_of(runtime)
    assert (subscription.managed_by, subscription.agents) == ("stripe", 3)
    assert subscription.period_end == month(0).end
    tell(runtime, read(2, month_=1, **untold), money(1, order.due))
    assert [use for _, _, use in outcome(runtime).payments] == ["order", "period"]
    assert subscription_of(runtime).period_end == month(1).end
    assert broken(runtime) == []


def test_the_first_money_for_a_dead_order_is_credit_and_the_next_buys_its_month(
    runtime: Runtime,
) -> None:
    order = lives.order(runtime)
    tell(runtime, read(1, order=order.id))
    with runtime.database.transaction() as session:
        orders.close(session.get_one(Order, order.id), "superseded", clock.now())
    tell(runtime, money())
    assert outcome(runtime).subscription is None
    assert credit_of(runtime) == [Money(PRICE, "CZK")]
    tell(runtime, read(2, month_=1, order=order.id), money(1))
    assert subscription_of(runtime).period_end == month(1).end
    assert alerts(runtime) == ["misdirected_payment"]


def test_one_whose_money_went_back_is_not_revived_by_its_provider(runtime: Runtime) -> None:
    tell(runtime, read(1), money())

    working(runtime, lambda work: terminations.terminate(work, "refunded", "refund:1"))
    tell(runtime, read(2, month_=1), money(1))
    subscription = subscription_of(runtime)
    assert (subscription.state, subscription.auto_renew_off_reason) == ("ended", "refunded")
    assert blocked_for(runtime) == "refunded"
