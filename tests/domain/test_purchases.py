"""Buying, changing and paying, sentence by sentence (BILLING 3 and 4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from domain import accounts, clock, credit, methods, orders, periods, quotes, registration
from domain.database import Database
from domain.errors import Refused
from domain.facts import Method, MethodSaved, PaymentPending, PaymentSucceeded
from domain.money import Money
from domain.orders import Order
from domain.purchasing import Means, Wish, place_order
from domain.work import Work
from tests import lives
from tests.domain import subscribers as life
from tests.domain.paid_accounts import alerts_of, tell, working
from tests.invariants import assert_invariants
from workers import expire_orders
from workers.runtime import Runtime

DAY = timedelta(days=1)
CARD_PAGE = Means(method="card", provider="stripe")


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Iterator[Runtime]:
    runtime = lives.runtime_on(database)
    lives.account(runtime)
    yield runtime
    life.leave(runtime)
    assert_invariants(database)


def places(runtime: Runtime, **target: object) -> Order:
    """The customer orders, to pay on a page."""

    def place(work: Work) -> Order:
        return place_order(work, Wish(target=lives.target(**target)), lambda: CARD_PAGE)[0]

    order = working(runtime, place)
    assert isinstance(order, Order)
    return order


def stored(runtime: Runtime, order: Order) -> Order:
    with runtime.database.transaction() as session:
        return session.get_one(Order, order.id)


def money_for(order: Order, payment: str = "pay_1", **changes: object) -> PaymentSucceeded:
    values = {"payment": payment, "amount": order.money_due, "order": order.id, **changes}
    return PaymentSucceeded(**values)  # type: ignore[arg-type]


def test_a_quote_leaves_no_document_behind(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        quotes.make(session, runtime.catalogue, accounts.find(session, "acme"), lives.target())
    assert life.papers(runtime) == []
    assert life.open_order(runtime) is None


def test_a_period_begins_at_the_moment_of_payment_and_not_of_the_order(runtime: Runtime) -> None:
    order = places(runtime)
    clock.advance(timedelta(hours=20))
    tell(runtime, money_for(order))
    running = life.subscription(runtime)
    assert running.period_start == clock.now()
    assert running.period_end == periods.next_end(clock.now(), "month", clock.now().day)


def test_unused_time_of_the_running_period_comes_off_the_next_one(runtime: Runtime) -> None:
    life.pays(runtime)
    running = life.subscription(runtime)
    clock.travel(running.period_start + (running.period_end - running.period_start) / 4)
    quote = places(runtime, agents=5).quoted
    assert quote.discount == Money(98_000 * 3 // 4, "CZK")
    assert quote.net == quote.price - quote.discount


def test_when_nothing_is_due_the_order_is_paid_at_once_and_the_rest_is_credit(
    runtime: Runtime,
) -> None:
    life.pays(runtime, plan="pro", agents=10, conversations=500)
    order = places(runtime, agents=1)
    assert stored(runtime, order).state == "paid"
    assert stored(runtime, order).provider is None
    assert life.account(runtime).credit == order.quoted.credit_earned
    assert order.quoted.credit_earned.amount > 0
    assert life.subscription(runtime).agents == 1
    assert len(life.papers(runtime)) == 2


def test_credit_is_used_first(runtime: Runtime) -> None:
    gain(runtime, 30_000)
    order = places(runtime)
    assert order.due == order.total - 30_000
    tell(runtime, money_for(order))
    assert life.account(runtime).credit == Money(0, "CZK")


def test_year_to_month_is_refused_with_the_way_out_and_support_can_do_it(
    runtime: Runtime,
) -> None:
    life.pays(runtime, interval="year")
    with pytest.raises(Refused, match="contact support"):
        places(runtime)
    with runtime.database.transaction() as session:
        owner = accounts.find(session, "acme")
        quote = quotes.make(session, runtime.catalogue, owner, lives.target(), by_us=True)
    assert quote.target.interval == "month"


def test_month_to_year_is_a_purchase_like_any_other(runtime: Runtime) -> None:
    life.pays(runtime)
    life.pays(runtime, interval="year")
    running = life.subscription(runtime)
    assert running.period_end == periods.next_end(clock.now(), "year", clock.now().day)


def test_the_day_of_the_month_comes_back_after_a_short_month(runtime: Runtime) -> None:
    clock.travel(datetime(2027, 1, 31, 12, tzinfo=UTC))
    life.pays(runtime)
    ends = [life.subscription(runtime).period_end]
    for _ in range(2):
        life.tries(runtime, ends[-1] - DAY, "succeeded")
        ends.append(life.subscription(runtime).period_end)
    assert [f"{end:%d.%m.}" for end in ends] == ["28.02.", "31.03.", "30.04."]


def test_the_currency_changes_only_without_a_running_subscription_and_credit(
    runtime: Runtime,
) -> None:
    life.pays(runtime)
    with pytest.raises(Refused, match="subscription runs"):
        takes_currency(runtime, "EUR")
    life.switches(runtime, on=False)
    life.time_comes(runtime, life.subscription(runtime).period_end)
    gain(runtime, 100)
    with pytest.raises(Refused, match="holds a credit"):
        takes_currency(runtime, "EUR")
    gain(runtime, -100)
    takes_currency(runtime, "EUR")
    assert life.account(runtime).currency == "EUR"


def test_a_new_order_supersedes_the_open_one_and_closes_its_page(runtime: Runtime) -> None:
    first = places(runtime)
    with runtime.database.transaction() as session:
        session.get_one(Order, first.id).checkout_id = "page_1"
    second = places(runtime, agents=3)
    assert (stored(runtime, first).state, stored(runtime, second).state) == ("superseded", "open")
    assert life.effects_of(runtime, "expire_checkout") == [first.id]


def test_the_database_holds_at_most_one_open_order_of_an_account(runtime: Runtime) -> None:
    order = places(runtime)
    with pytest.raises(IntegrityError):
        working(runtime, lambda work: again(work, order))
    with runtime.database.transaction() as session:
        assert len(session.scalars(select(Order)).all()) == 1


@pytest.mark.parametrize("state", ["superseded", "expired", "failed"])
def test_money_for_a_closed_order_becomes_credit_with_an_alert(
    runtime: Runtime, state: str
) -> None:
    order = places(runtime)
    with runtime.database.transaction() as session:
        orders.close(session.get_one(Order, order.id), state, clock.now())
    tell(runtime, money_for(order), money_for(order))
    assert life.account(runtime).subscription is None
    assert life.account(runtime).credit == order.money_due
    assert alerts_of(runtime) == [("misdirected_payment", "stripe:pay_1")]


def test_an_order_that_waited_too_long_expires_and_its_money_is_credit(runtime: Runtime) -> None:
    order = places(runtime)
    clock.travel(order.expires_at + expire_orders.MARGIN)
    expire_orders.expire_orders(runtime)
    assert stored(runtime, order).state == "expired"
    tell(runtime, money_for(order))
    assert life.account(runtime).credit == order.money_due


@pytest.mark.parametrize(
    "wrong", [Money(118_579, "CZK"), Money(118_581, "CZK"), Money(118_580, "EUR")]
)
def test_the_wrong_amount_or_currency_activates_nothing_and_is_credit_in_its_currency(
    runtime: Runtime, wrong: Money
) -> None:
    order = places(runtime)
    tell(runtime, money_for(order, amount=wrong))
    assert life.account(runtime).subscription is None
    assert stored(runtime, order).state == "open"
    with runtime.database.transaction() as session:
        owner = accounts.find(session, "acme").id
        assert credit.balances(session, owner) == [wrong]
    assert alerts_of(runtime) == [("misdirected_payment", "stripe:pay_1")]


def test_a_payment_for_an_order_that_is_paid_already_is_credit(runtime: Runtime) -> None:
    order = places(runtime)
    tell(runtime, money_for(order), money_for(order, "pay_2"))
    assert life.account(runtime).credit == order.money_due
    assert len(life.papers(runtime)) == 1


def test_a_payment_sets_the_target_issues_the_invoice_and_mails_the_receipt_together(
    runtime: Runtime,
) -> None:
    order = places(runtime, agents=7, plan="pro", conversations=1500)
    tell(runtime, money_for(order))
    assert life.subscription(runtime).target == order.quoted.target
    assert life.subscription(runtime).auto_renew
    [paper] = life.papers(runtime)
    assert (paper.number, paper.order_id, paper.total) == ("2026-000001", order.id, order.total)
    [mail] = life.mails(runtime, "receipt")
    assert mail.payload["attach"] == {"invoice": paper.id}


def test_pending_money_is_shown_and_activates_nothing(runtime: Runtime) -> None:
    order = places(runtime)
    tell(runtime, PaymentPending(payment="pay_1", amount=order.money_due, order=order.id))
    assert life.account(runtime).subscription is None
    assert stored(runtime, order).state == "open"
    tell(runtime, money_for(order))
    assert life.subscription(runtime).state == "active"


@pytest.mark.parametrize("brand", ["amex", "discover", "jcb", "unionpay", None])
def test_a_card_of_another_brand_is_never_stored(runtime: Runtime, brand: str | None) -> None:
    method = Method(kind="card", brand=brand, last4="0005", token="pm_x", customer="cus_1")
    tell(runtime, MethodSaved(method=method, account="acme"))
    assert life.account(runtime).payment_method is None


@pytest.mark.parametrize(
    "kind, brand, rule",
    [("card", "amex", "card_brand_not_accepted"), ("wallet", "crypto", "means_not_accepted")],
)
def test_money_by_means_that_are_not_taken_counts_and_operators_are_alerted(
    runtime: Runtime, kind: str, brand: str, rule: str
) -> None:
    order = places(runtime)
    unwanted = Method(kind=kind, brand=brand, token="pm_x", customer="cus_1")
    tell(runtime, MethodSaved(method=unwanted, account="acme"))
    tell(runtime, money_for(order, method=unwanted))
    assert life.subscription(runtime).state == "active"
    assert life.account(runtime).payment_method is None
    assert alerts_of(runtime) == [(rule, "stripe:pay_1")]


def test_the_method_used_is_saved_replaced_and_removed(runtime: Runtime) -> None:
    life.pays(runtime)
    clock.advance(DAY)
    life.saves(runtime, "pm_2", brand="mastercard")
    saved = life.account(runtime).payment_method
    assert saved is not None
    assert saved.brand == "mastercard"
    working(runtime, methods.forget)
    working(runtime, methods.forget)
    assert life.account(runtime).payment_method is None
    life.saves(runtime, "pm_2", brand="mastercard")
    assert life.account(runtime).payment_method is None


def again(work: Work, order: Order) -> Order:
    """Place an order without closing the one before it."""
    return orders.place(
        work.session, work.catalogue, work.account, order.quoted, method="card", provider="stripe"
    )


def gain(runtime: Runtime, amount: int) -> None:
    with runtime.database.transaction() as session:
        owner = accounts.find(session, "acme").id
        money = Money(amount, "CZK")
        credit.book(session, owner, "operator", money, cause=f"test:{amount}")


def takes_currency(runtime: Runtime, currency: str) -> None:
    details = registration.Details(
        email="acme@customers.example", locale="en", currency=currency, billing={"country": "CZ"}
    )
    with runtime.database.transaction() as session:
        registration.register(session, runtime.catalogue, "acme", details, "test")
