"""Time, money and customers at the same moment, over several connections."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from domain import clock
from domain.database import Database
from domain.facts import PaymentSucceeded
from domain.orders import Order
from tests import lives
from tests.domain import subscribers as life
from tests.domain.paid_accounts import PROVIDER, tell
from tests.invariants import assert_invariants
from workers.passage import pass_time
from workers.runtime import Runtime

DAY = timedelta(days=1)
REFS = [f"racer-{number}" for number in range(8)]
CLOCKS = 4


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Iterator[Runtime]:
    runtime = lives.runtime_on(database)
    yield runtime
    life.leave(runtime)
    assert_invariants(database)


@pytest.fixture
def end(runtime: Runtime) -> datetime:
    """Several accounts whose periods end at one moment."""
    ends = {life.subscriber(runtime, ref, token=f"pm_{ref}") for ref in REFS}
    assert len(ends) == 1
    return ends.pop()


def at_once(*calls: Callable[[], object]) -> None:
    """Make the calls at the same moment; their errors are raised."""
    barrier = threading.Barrier(len(calls))

    def one(call: Callable[[], object]) -> None:
        barrier.wait()
        call()

    with ThreadPoolExecutor(len(calls)) as pool:
        list(pool.map(one, calls))


def every_clock(runtime: Runtime) -> None:
    """Several clocks that all believe to be the only one, and one more run for the busy ones."""
    at_once(*[lambda: pass_time(runtime)] * CLOCKS)
    pass_time(runtime)


def test_several_clocks_at_once_renew_each_account_once(runtime: Runtime, end: datetime) -> None:
    clock.travel(end - DAY)
    every_clock(runtime)
    assert len(life.renewal_orders(runtime)) == len(REFS)
    for ref in REFS:
        assert len(life.effects_of(runtime, "charge_order", ref)) == 1
        assert life.subscription(runtime, ref).renewal_charges == 1


def test_several_clocks_at_once_expire_each_account_once(runtime: Runtime, end: datetime) -> None:
    for ref in REFS:
        life.switches(runtime, on=False, ref=ref)
    for moment in (end - 7 * DAY, end):
        clock.travel(moment)
        every_clock(runtime)
    for ref in REFS:
        assert life.account(runtime, ref).status == "blocked"
        assert len(life.mails(runtime, "blocked", ref)) == 1
        assert life.effects_of(runtime, "send_mail", ref).count("expiry_warning") == 1


def test_a_payment_at_the_moment_of_the_expiry_always_wins(runtime: Runtime, end: datetime) -> None:
    orders = {}
    for ref in REFS:
        life.switches(runtime, on=False, ref=ref)
    clock.travel(end - DAY)
    for ref in REFS:
        orders[ref] = lives.order(runtime, ref, PROVIDER, agents=3)
    clock.travel(end)
    calls = [lambda ref=ref: tell(runtime, money(orders[ref]), ref=ref) for ref in REFS]
    at_once(*calls, lambda: pass_time(runtime), lambda: pass_time(runtime))
    pass_time(runtime)
    for ref in REFS:
        account = life.account(runtime, ref)
        assert account.status == "active"
        assert account.subscription is not None
        assert (account.subscription.agents, account.subscription.period_start) == (3, end)
    assert len(life.papers(runtime)) == 2 * len(REFS)


def test_a_charge_that_succeeds_while_auto_renew_is_switched_off_renews_or_is_credit(
    runtime: Runtime, end: datetime
) -> None:
    clock.travel(end - DAY)
    pass_time(runtime)
    answers = [lambda ref=ref: life.answers(runtime, "succeeded", ref) for ref in REFS]
    switches = [lambda ref=ref: life.switches(runtime, on=False, ref=ref) for ref in REFS]
    at_once(*answers, *switches)
    for ref in REFS:
        renewed = life.subscription(runtime, ref).period_start == end
        kept = life.account(runtime, ref).credit.amount > 0
        assert renewed != kept


def test_one_payment_told_by_several_workers_at_once_counts_once(
    runtime: Runtime, end: datetime
) -> None:
    order = lives.order(runtime, REFS[0], PROVIDER, agents=9)
    at_once(*[lambda: tell(runtime, money(order), ref=REFS[0])] * 4)
    assert life.subscription(runtime, REFS[0]).agents == 9
    assert life.account(runtime, REFS[0]).credit.amount == 0
    assert len(life.papers(runtime)) == len(REFS) + 1


def money(order: Order) -> PaymentSucceeded:
    return PaymentSucceeded(payment=f"pay_{order.id}", amount=order.money_due, order=order.id)
