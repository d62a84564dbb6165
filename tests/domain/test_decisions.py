"""What operators decide: blocking, lifting a block, ordering a change (BILLING 3, 6)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from domain import accounts, decisions, history, renewals
from domain.database import Database
from domain.errors import Refused
from domain.facts import PaymentSucceeded
from domain.history import HistoryEntry
from domain.orders import Order
from domain.purchasing import Means, Wish, place_order
from domain.subscriptions import Target
from domain.work import Work
from tests import lives
from tests.domain import subscribers as life
from tests.domain.paid_accounts import PROVIDER, closed, credit_of, tell, working
from tests.invariants import assert_invariants
from workers.runtime import Runtime

DAY = timedelta(days=1)


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Iterator[Runtime]:
    runtime = lives.runtime_on(database)
    yield runtime
    life.leave(runtime)
    assert_invariants(database)


@pytest.fixture
def end(runtime: Runtime) -> datetime:
    """A running subscription with a saved card."""
    return life.subscriber(runtime)


def as_olga(work: Work) -> Work:
    work.actor = "operator:olga"
    return work


def blocks(runtime: Runtime, reason: str = "a chargeback elsewhere") -> None:
    working(runtime, lambda work: decisions.block(as_olga(work), reason))


def lifts(runtime: Runtime, reason: str = "settled by phone") -> None:
    working(runtime, lambda work: decisions.unblock(as_olga(work), reason))


def changes(runtime: Runtime, target: Target, key: str | None = None) -> Order:
    idempotency = (key, "hash") if key else None

    def change(work: Work) -> Order:
        return decisions.change(as_olga(work), target, "a promise", idempotency=idempotency)

    order: Order = working(runtime, change)
    return order


def asks(runtime: Runtime, **target: object) -> Order:
    """The app orders for a customer, who will pay by card on a page."""
    wish = Wish(target=lives.target(**target))

    def ask(work: Work) -> Order:
        order, _ = place_order(work, wish, lambda: Means(method="card", provider=PROVIDER))
        return order

    order: Order = working(runtime, ask)
    return order


def money(runtime: Runtime, order: Order) -> None:
    tell(runtime, PaymentSucceeded(payment="late", amount=order.money_due, order=order.id))


def told(runtime: Runtime) -> list[str]:
    """The account's history in sentences, the oldest first, with who decided."""
    with runtime.database.transaction() as session:
        rows = session.scalars(select(HistoryEntry).order_by(HistoryEntry.id))
        return [f"{row.actor}: {history.sentence(row)}" for row in rows if row.actor]


def test_a_block_says_who_and_why_and_is_mailed(runtime: Runtime, end: datetime) -> None:
    blocks(runtime)
    state = life.account(runtime)
    assert state.status == "blocked"
    assert state.blocked is not None
    assert state.blocked.reason == "operator"
    assert "operator:olga: account blocked: a chargeback elsewhere" in told(runtime)
    assert len(life.mails(runtime, "blocked")) == 1
    assert "account.blocked" in life.effects_of(runtime, "tell_app")


def test_an_account_is_blocked_by_operators_once(runtime: Runtime, end: datetime) -> None:
    blocks(runtime)
    with pytest.raises(Refused, match="was blocked by an operator on") as refused:
        blocks(runtime)
    assert refused.value.code == "already_blocked"


def test_what_is_not_blocked_cannot_be_unblocked(runtime: Runtime, end: datetime) -> None:
    with pytest.raises(Refused, match="nothing to lift") as refused:
        lifts(runtime)
    assert refused.value.code == "not_blocked"


def test_a_decision_is_a_persons(runtime: Runtime, end: datetime) -> None:
    with pytest.raises(ValueError, match="actor"):
        working(runtime, lambda work: decisions.block(work, "nobody"))


def test_an_operator_lifts_an_operators_block(runtime: Runtime, end: datetime) -> None:
    blocks(runtime)
    lifts(runtime)
    state = life.account(runtime)
    assert (state.status, state.blocked) == ("active", None)
    assert "operator:olga: account unblocked: settled by phone" in told(runtime)
    assert len(life.mails(runtime, "unblocked")) == 1


def test_an_operator_lifts_a_block_for_expiry_although_nothing_is_paid(
    runtime: Runtime, end: datetime
) -> None:
    life.switches(runtime, on=False)
    life.time_comes(runtime, end)
    lifts(runtime)
    life.time_comes(runtime, end + 30 * DAY)
    state = life.account(runtime)
    assert state.subscription is not None
    assert (state.status, state.subscription.state) == ("active", "expired")


def test_after_a_lost_dispute_an_operator_lets_the_customer_buy_again(
    runtime: Runtime, end: datetime
) -> None:
    order = life.papers(runtime)[0].order_id
    tell(runtime, closed("lost", payment=f"pay_{order}"))
    with pytest.raises(Refused, match=r"dispute_lost.*Contact support") as refused:
        asks(runtime)
    assert refused.value.code == "account_blocked"
    lifts(runtime)
    money(runtime, asks(runtime))
    state = life.account(runtime)
    assert state.subscription is not None
    assert (state.status, state.subscription.state) == ("active", "active")


def test_whose_subscription_expired_behind_an_operators_block_must_pay_when_it_is_lifted(
    runtime: Runtime, end: datetime
) -> None:
    life.switches(runtime, on=False)
    blocks(runtime)
    life.time_comes(runtime, end)
    assert life.account(runtime).blocked.reason == "operator"  # type: ignore[union-attr]
    lifts(runtime)
    state = life.account(runtime)
    assert state.blocked is not None
    assert state.blocked.reason == accounts.BLOCKED_FOR_EXPIRY
    assert life.mails(runtime, "unblocked") == []
    money(runtime, asks(runtime))
    assert life.account(runtime).status == "active"


def test_nobody_is_charged_for_an_account_that_is_blocked(runtime: Runtime, end: datetime) -> None:
    blocks(runtime)
    assert life.account(runtime).next_charge is None
    for hours in (24, 12, 0):
        life.time_comes(runtime, end - timedelta(hours=hours))
    assert life.effects_of(runtime, "charge_order") == []
    life.saves(runtime, "pm_2")
    assert life.effects_of(runtime, "charge_order") == []
    lifts(runtime)
    life.time_comes(runtime, end + timedelta(seconds=1))
    life.answers(runtime, "succeeded")
    renewed = life.subscription(runtime)
    assert (renewed.state, renewed.period_start) == ("active", end)


def test_a_blocked_account_expires_after_the_grace_and_stays_blocked_for_its_reason(
    runtime: Runtime, end: datetime
) -> None:
    blocks(runtime)
    for days in (-1, 0, 2, 5):
        life.time_comes(runtime, end + days * DAY)
    state = life.account(runtime)
    assert state.blocked is not None
    assert state.subscription is not None
    assert (state.blocked.reason, state.subscription.state) == ("operator", "expired")


def test_a_block_after_the_renewal_was_begun_takes_it_back(runtime: Runtime, end: datetime) -> None:
    life.time_comes(runtime, end - DAY)
    blocks(runtime)
    assert working(runtime, renewals.take_back)
    assert not life.subscription(runtime).renewal_in_flight
    assert life.open_order(runtime) is not None


def test_a_blocked_account_cannot_order_and_an_expired_one_can(
    runtime: Runtime, end: datetime
) -> None:
    blocks(runtime)
    with pytest.raises(Refused, match=r"blocked \(operator\)"):
        asks(runtime, agents=3)
    lifts(runtime)
    life.switches(runtime, on=False)
    life.time_comes(runtime, end)
    assert asks(runtime, agents=3).state == "open"


def test_a_page_that_was_open_when_the_account_was_blocked_is_withdrawn_and_its_money_is_credit(
    runtime: Runtime, end: datetime
) -> None:
    order = asks(runtime, agents=3)
    blocks(runtime)
    assert life.open_order(runtime) is None
    money(runtime, order)
    state = life.account(runtime)
    assert state.subscription is not None
    assert (state.status, state.subscription.agents) == ("blocked", 2)
    assert credit_of(runtime) == order.due
    assert "misdirected_payment" in life.alerts(runtime)


def test_money_for_an_order_that_stayed_open_buys_and_the_block_stays(
    runtime: Runtime, end: datetime
) -> None:
    life.time_comes(runtime, end - DAY)
    blocks(runtime)
    life.answers(runtime, "succeeded")
    state = life.account(runtime)
    assert state.subscription is not None
    assert (state.status, state.subscription.period_start) == ("blocked", end)
    assert credit_of(runtime) == 0


def test_an_operator_changes_a_year_to_a_month_and_the_rest_is_credit(runtime: Runtime) -> None:
    life.subscriber(runtime, interval="year")
    with pytest.raises(Refused, match="contact support"):
        asks(runtime, interval="month")
    order = changes(runtime, lives.target(interval="month"))
    assert (order.state, order.due) == ("paid", 0)
    assert life.subscription(runtime).interval == "month"
    assert credit_of(runtime) > 0
    assert f"operator:olga: an operator ordered {order.id}: a promise" in told(runtime)
    numbers = life.numbers(runtime)
    assert len(numbers) == 2
    assert None not in numbers


def test_what_is_due_for_an_operators_change_is_charged_to_the_saved_method(
    runtime: Runtime, end: datetime
) -> None:
    order = changes(runtime, lives.target(agents=20))
    assert order.state == "open"
    assert life.effects_of(runtime, "charge_order") == [order.id]


def test_without_a_saved_method_an_operators_change_is_refused_with_the_way_out(
    runtime: Runtime,
) -> None:
    life.subscriber(runtime, token=None)
    with pytest.raises(Refused, match="POST /api/accounts/acme/payment-method") as refused:
        changes(runtime, lives.target(agents=20))
    assert refused.value.code == "method_not_saved"
    assert life.open_order(runtime) is None


def test_an_operator_lifts_the_block_before_ordering(runtime: Runtime, end: datetime) -> None:
    blocks(runtime)
    with pytest.raises(Refused, match="an operator has lifted it"):
        changes(runtime, lives.target(agents=3))


def test_the_same_key_gives_the_same_order(runtime: Runtime, end: datetime) -> None:
    first = changes(runtime, lives.target(agents=3), key="once")
    again = changes(runtime, lives.target(agents=3), key="once")
    assert first.id == again.id
    assert sum("an operator ordered" in line for line in told(runtime)) == 1
