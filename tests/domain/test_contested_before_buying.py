"""A payment that became credit may be contested before anything was bought (BILLING 7)."""

from __future__ import annotations

from itertools import permutations

import pytest

from domain import accounts, rules, subscriptions
from domain.database import Database
from domain.facts import DisputeOpened, Fact, PaymentSucceeded
from domain.money import Money
from domain.subscriptions import Subscription
from domain.work import Work
from tests import lives
from workers.runtime import Runtime


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Runtime:
    runtime = lives.runtime_on(database)
    lives.account(runtime)
    return runtime


def tell(runtime: Runtime, fact: Fact) -> Subscription | None:
    with runtime.database.transaction() as session:
        account = accounts.lock(session, "acme")
        rules.apply(fact, Work(session, runtime.catalogue, account, provider="stripe"))
        session.flush()
        return subscriptions.of(session, account.id)


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_renewals_rest_also_when_the_dispute_was_there_before_the_subscription(
    runtime: Runtime, order: tuple[int, ...]
) -> None:
    bought = lives.order(runtime)
    contested = Money(100, "CZK")
    tell(runtime, PaymentSucceeded(payment="pi_credit", amount=contested, order=bought.id))
    facts = (
        DisputeOpened(dispute="dp_1", payment="pi_credit", amount=contested),
        PaymentSucceeded(payment="pi_paid", amount=bought.money_due, order=bought.id),
    )
    after = [tell(runtime, facts[number]) for number in order][-1]
    assert after is not None
    assert after.renewals_suspended
    assert after.next_due_at == after.period_end
