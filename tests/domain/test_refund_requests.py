"""Who may ask for which refund, and what a refusal says."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType

import pytest
from sqlalchemy import select

from domain import refunds
from domain.database import Database
from domain.effects import Effect
from domain.errors import Refused
from domain.facts import PaymentPending
from domain.money import Money
from domain.payments import find
from domain.refunds import Refund
from domain.work import Work
from tests import lives
from tests.domain.paid_accounts import (
    PRICE,
    PROVIDER,
    closed,
    opened,
    outcome,
    overpaid,
    paid,
    refund,
    tell,
    working,
)
from workers.runtime import Runtime


@pytest.fixture
def runtime(database: Database, frozen_clock: ModuleType) -> Runtime:
    return lives.runtime_on(database)


def of_operator(
    work: Work, amount: int | None = None, reason: str = "goodwill", key: str | None = None
) -> Refund:
    payment = find(work.session, PROVIDER, "pay_1")
    assert payment is not None
    money = None if amount is None else Money(amount, "CZK")
    return refunds.request(work, payment, money, reason, key)


def expect_refusal(runtime: Runtime, code: str, amount: int | None = None) -> str:
    with pytest.raises(Refused) as refusal:
        working(runtime, lambda work: of_operator(work, amount))
    assert refusal.value.code == code
    return str(refusal.value)


def expect_refusal_to_customer(runtime: Runtime, code: str) -> str:
    with pytest.raises(Refused) as refusal:
        working(runtime, refunds.request_full)
    assert refusal.value.code == code
    return str(refusal.value)


def test_the_customer_may_ask_for_the_first_payment_within_the_window(
    runtime: Runtime, frozen_clock: ModuleType
) -> None:
    paid(runtime)
    frozen_clock.advance(timedelta(days=15))
    asked = working(runtime, refunds.request_full)
    assert (asked.state, asked.amount, asked.origin) == ("wanted", PRICE, "customer")
    with runtime.database.transaction() as session:
        effect = session.scalars(select(Effect).where(Effect.kind == "refund_payment")).one()
    assert (effect.cause, effect.target) == (f"refund:{asked.id}", "pay_1")
    assert effect.key == asked.key


def test_asking_again_while_it_is_under_way_gives_the_same_refund(runtime: Runtime) -> None:
    paid(runtime)
    first = working(runtime, refunds.request_full)
    tell(runtime, refund("re_1", PRICE, "pending"))
    assert working(runtime, refunds.request_full).id == first.id


def test_after_the_window_the_rule_is_named(runtime: Runtime, frozen_clock: ModuleType) -> None:
    paid(runtime)
    frozen_clock.advance(timedelta(days=15, seconds=1))
    message = expect_refusal_to_customer(runtime, "refund_window_over")
    assert "15 days" in message
    assert "2026-03-17" in message


def test_a_later_payment_is_not_refunded_instead_of_the_first(
    runtime: Runtime, frozen_clock: ModuleType
) -> None:
    paid(runtime)
    frozen_clock.advance(timedelta(days=20))
    paid(runtime, payment="pay_2", agents=3)
    expect_refusal_to_customer(runtime, "refund_not_first_payment")


def test_an_account_that_paid_nothing_has_nothing_to_refund(runtime: Runtime) -> None:
    overpaid(runtime, 5000)
    expect_refusal_to_customer(runtime, "nothing_to_refund")


def test_a_refunded_payment_is_not_refunded_again(runtime: Runtime) -> None:
    paid(runtime)
    tell(runtime, refund("re_1", PRICE))
    expect_refusal_to_customer(runtime, "already_refunded")
    expect_refusal(runtime, "already_refunded")


def test_what_is_left_after_a_part_can_be_asked_for(runtime: Runtime) -> None:
    paid(runtime)
    tell(runtime, refund("re_1", 580))
    assert working(runtime, refunds.request_full).amount == 118_000


def test_a_refund_that_failed_can_be_asked_for_again(runtime: Runtime) -> None:
    paid(runtime)
    first = working(runtime, refunds.request_full)
    tell(runtime, refund("re_1", PRICE, "failed"))
    assert working(runtime, refunds.request_full).id != first.id


def test_no_refund_is_made_while_a_dispute_is_open(runtime: Runtime) -> None:
    paid(runtime)
    tell(runtime, opened())
    expect_refusal_to_customer(runtime, "dispute_open")
    assert "pay_1" in expect_refusal(runtime, "dispute_open")
    tell(runtime, closed("won"))
    assert working(runtime, refunds.request_full).state == "wanted"


def test_an_operators_refund_ends_nothing(runtime: Runtime) -> None:
    paid(runtime)
    working(runtime, lambda work: of_operator(work, 500))
    tell(runtime, refund("re_1", 500))
    state = outcome(runtime)
    assert (state.refunded, state.subscription, state.alerts) == (500, "active", ())


def test_an_operator_cannot_refund_more_than_is_left(runtime: Runtime) -> None:
    paid(runtime)
    working(runtime, lambda work: of_operator(work, 500))
    tell(runtime, refund("re_9", 80))
    assert "1180.00 CZK" in expect_refusal(runtime, "refund_above_left", 118_001)
    expect_refusal(runtime, "refund_amount", 0)
    working(runtime, of_operator)
    expect_refusal(runtime, "already_refunded")


def test_a_payment_that_did_not_succeed_cannot_be_refunded(runtime: Runtime) -> None:
    lives.account(runtime)
    order = lives.order(runtime)
    tell(runtime, PaymentPending(payment="pay_1", amount=order.money_due, order=order.id))
    expect_refusal(runtime, "payment_not_succeeded")


def test_credit_that_was_spent_cannot_be_refunded_as_well(runtime: Runtime) -> None:
    overpaid(runtime, 5000)
    assert working(runtime, lambda work: of_operator(work, 1)).state == "wanted"
    paid(runtime, payment="pay_2")
    expect_refusal(runtime, "credit_spent", 1000)


def test_one_key_of_an_operator_is_one_refund(runtime: Runtime) -> None:
    paid(runtime)
    first = working(runtime, lambda work: of_operator(work, 500, key="once"))
    assert working(runtime, lambda work: of_operator(work, 500, key="once")).id == first.id
    with pytest.raises(Refused, match="once"):
        working(runtime, lambda work: of_operator(work, 600, key="once"))
    assert working(runtime, lambda work: of_operator(work, 500, key="twice")).id != first.id
