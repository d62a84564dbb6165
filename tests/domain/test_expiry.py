"""The end of a subscription, sentence by sentence (BILLING 6), with the clock's real duty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from domain import accounts, clock, decisions, expiry, history, refunds
from domain.database import Database
from domain.refunds import Refund
from domain.work import Work
from tests import lives
from tests.domain import subscribers as life
from tests.domain.paid_accounts import closed, refund, tell, working
from tests.invariants import assert_invariants
from workers.clock import DUTIES, TICK_S
from workers.passage import pass_time
from workers.runtime import Runtime

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Iterator[Runtime]:
    runtime = lives.runtime_on(database)
    yield runtime
    life.leave(runtime)
    assert_invariants(database)


@pytest.fixture
def end(runtime: Runtime) -> datetime:
    end = life.subscriber(runtime)
    life.switches(runtime, on=False)
    return end


def warned(runtime: Runtime) -> list[int]:
    return [mail.payload["parameters"]["days"] for mail in life.mails(runtime, "expiry_warning")]


def shown(runtime: Runtime) -> list[int]:
    return [warning.days_left for warning in life.account(runtime).warnings]


def test_the_customer_is_warned_seven_three_and_one_day_before_the_end(
    runtime: Runtime, end: datetime
) -> None:
    for days, before in ((7, []), (3, [7]), (1, [7, 3])):
        life.time_comes(runtime, end - days * DAY - INSTANT)
        assert warned(runtime) == before
        life.time_comes(runtime, end - days * DAY)
        assert warned(runtime) == [*before, days]
        assert shown(runtime) == [days]


def test_the_dashboard_shows_the_end_from_the_first_warning_to_the_end(
    runtime: Runtime, end: datetime
) -> None:
    life.time_comes(runtime, end - 7 * DAY - INSTANT)
    assert shown(runtime) == []
    life.time_comes(runtime, end - 7 * DAY)
    [warning] = life.account(runtime).warnings
    assert (warning.kind, warning.ends_at) == ("subscription_ends", end)
    life.time_comes(runtime, end - INSTANT)
    assert shown(runtime) == [1]
    life.time_comes(runtime, end)
    assert shown(runtime) == []


def test_nobody_is_warned_while_auto_renew_is_on(runtime: Runtime, end: datetime) -> None:
    life.switches(runtime, on=True)
    for days in (7, 3):
        life.time_comes(runtime, end - days * DAY)
    assert warned(runtime) == []
    assert shown(runtime) == []


@pytest.mark.parametrize("days, urgent", [(6, 7), (2, 3), (1, 1), (0.5, 1)])
def test_after_a_downtime_only_the_most_urgent_warning_is_sent(
    runtime: Runtime, end: datetime, days: float, urgent: int
) -> None:
    life.time_comes(runtime, end - days * DAY)
    assert life.subscription(runtime).warned_days == urgent
    assert warned(runtime) == [expiry.days_left(life.subscription(runtime), clock.now())]
    pass_time(runtime)
    assert len(warned(runtime)) == 1


def test_a_warning_that_is_overtaken_by_the_expiry_is_not_made(
    runtime: Runtime, end: datetime
) -> None:
    life.time_comes(runtime, end + 3 * DAY)
    assert warned(runtime) == []
    assert len(life.mails(runtime, "blocked")) == 1


def test_a_warning_whose_mail_was_held_up_until_the_expiry_is_not_sent(
    runtime: Runtime, end: datetime
) -> None:
    life.time_comes(runtime, end - DAY)
    assert warned(runtime) == [1]
    life.time_comes(runtime, end)
    assert warned(runtime) == []


def test_a_warning_whose_mail_was_held_up_until_a_payment_is_not_sent(
    runtime: Runtime, end: datetime
) -> None:
    life.time_comes(runtime, end - DAY)
    life.pays(runtime)
    assert warned(runtime) == []


def test_the_account_is_blocked_at_the_end_and_not_an_instant_before(
    runtime: Runtime, end: datetime
) -> None:
    life.time_comes(runtime, end - INSTANT)
    assert life.account(runtime).status == "active"
    assert life.subscription(runtime).state == "active"
    life.time_comes(runtime, end)
    account = life.account(runtime)
    assert account.blocked is not None
    assert (account.blocked.reason, account.blocked.at) == ("subscription_expired", end)
    running = life.subscription(runtime)
    assert (running.state, running.ended_at) == ("expired", end)


def test_the_clock_looks_well_within_a_minute() -> None:
    every = {name: seconds for name, seconds, _ in DUTIES}
    assert every["pass_time"] + TICK_S < 30


def test_the_block_is_mailed_and_the_app_is_told_once(runtime: Runtime, end: datetime) -> None:
    for _ in range(3):
        life.time_comes(runtime, end + HOUR)
    assert len(life.mails(runtime, "blocked")) == 1
    assert told(runtime).count("account.blocked") == 1


def test_a_payment_unblocks_at_once(runtime: Runtime, end: datetime) -> None:
    life.time_comes(runtime, end)
    clock.advance(20 * DAY)
    life.pays(runtime)
    account = life.account(runtime)
    assert (account.status, account.blocked) == ("active", None)
    assert life.subscription(runtime).period_start == clock.now()
    assert len(life.mails(runtime, "unblocked")) == 1
    assert told(runtime).count("account.unblocked") == 1


def blocked_by_an_operator(runtime: Runtime) -> None:
    def decide(work: Work) -> None:
        work.actor = "operator:olga"
        decisions.block(work, "suspected fraud")

    working(runtime, decide)


def blocked_for_a_lost_dispute(runtime: Runtime) -> None:
    tell(runtime, closed("lost", payment=f"pay_{life.papers(runtime)[0].order_id}"))


def blocked_for_a_refund(runtime: Runtime) -> None:
    asked: Refund = working(runtime, refunds.request_full)
    paid = f"pay_{life.papers(runtime)[0].order_id}"
    tell(runtime, refund("re_1", asked.amount, payment=paid))


BLOCKS: dict[str, Callable[[Runtime], None]] = {
    "refunded": blocked_for_a_refund,
    "dispute_lost": blocked_for_a_lost_dispute,
    "operator": blocked_by_an_operator,
}


@pytest.mark.parametrize("reason", BLOCKS)
def test_a_block_for_another_reason_is_not_lifted_by_a_payment(
    runtime: Runtime, end: datetime, reason: str
) -> None:
    BLOCKS[reason](runtime)
    life.pays(runtime)
    account = life.account(runtime)
    assert account.blocked is not None
    assert account.blocked.reason == reason
    assert life.mails(runtime, "unblocked") == []


def test_a_graver_block_stays_when_time_runs_out(runtime: Runtime, end: datetime) -> None:
    blocked_by_an_operator(runtime)
    life.switches(runtime, on=False)
    life.time_comes(runtime, end)
    account = life.account(runtime)
    assert account.blocked is not None
    assert account.blocked.reason == "operator"
    assert life.subscription(runtime).state == "expired"


def test_what_was_due_during_a_long_downtime_is_done_once_on_return(
    runtime: Runtime, end: datetime
) -> None:
    life.time_comes(runtime, end + 400 * DAY)
    pass_time(runtime)
    assert kinds(runtime).count("subscription_expired") == 1
    assert kinds(runtime).count("account_blocked") == 1
    assert life.subscription(runtime).next_due_at is None


def told(runtime: Runtime) -> list[str]:
    return life.effects_of(runtime, "tell_app")


def kinds(runtime: Runtime) -> list[str]:
    with runtime.database.transaction() as session:
        page = history.page(session, accounts.find(session, "acme").id, 100)
        return [entry.kind for entry in page]
