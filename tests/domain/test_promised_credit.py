"""Credit that an open order was quoted with may be refunded before the order's money comes."""

from __future__ import annotations

from itertools import permutations

import pytest
from sqlalchemy import select

from domain import accounts, clock, credit, orders, rules
from domain.alerts import Alert
from domain.database import Database
from domain.facts import Fact, PaymentSucceeded, RefundReported
from domain.invoices import Invoice
from domain.money import Money
from domain.orders import Order
from domain.work import Work
from tests import lives
from workers.runtime import Runtime

HELD = Money(1_000, "CZK")


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Runtime:
    """An account with credit, from money that came for an order that is dead."""
    runtime = lives.runtime_on(database)
    lives.account(runtime)
    dead = lives.order(runtime)
    with runtime.database.transaction() as session:
        orders.close(session.get_one(Order, dead.id), "failed", clock.now())
    tell(runtime, PaymentSucceeded(payment="pi_credit", amount=HELD, order=dead.id))
    return runtime


def tell(runtime: Runtime, fact: Fact) -> None:
    with runtime.database.transaction() as session:
        account = accounts.lock(session, "acme")
        rules.apply(fact, Work(session, runtime.catalogue, account, provider="stripe"))


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_an_order_is_paid_as_quoted_whether_the_refund_of_its_credit_comes_before_or_after(
    runtime: Runtime, order: tuple[int, ...]
) -> None:
    bought = lives.order(runtime)
    assert bought.due == bought.total - HELD.amount
    facts = (
        RefundReported(refund="re_1", payment="pi_credit", amount=HELD, status="succeeded"),
        PaymentSucceeded(payment="pi_paid", amount=bought.money_due, order=bought.id),
    )
    for number in order:
        tell(runtime, facts[number])
    with runtime.database.transaction() as session:
        assert session.get_one(Order, bought.id).state == "paid"
        assert session.scalars(select(Invoice)).one().total == bought.total
        assert credit.balances(session, bought.account_id) == []
        rule = Alert.rule == "refund_of_spent_credit"
        alert = session.scalars(select(Alert).where(rule)).one()
    assert alert.details["missing"] == str(HELD)
