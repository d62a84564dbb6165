"""Renewals that fail, sentence by sentence (BILLING 5), with the clock's real duty."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from domain import clock, methods
from domain.database import Database
from domain.effects import Effect
from domain.facts import PaymentFailed
from tests import lives
from tests.domain import subscribers as life
from tests.domain.paid_accounts import tell, working
from tests.invariants import assert_invariants
from workers.passage import pass_time
from workers.runtime import Runtime

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Iterator[Runtime]:
    runtime = lives.runtime_on(database)
    yield runtime
    life.leave(runtime)
    assert_invariants(database)


@pytest.fixture
def end(runtime: Runtime) -> datetime:
    return life.subscriber(runtime)


def test_a_failed_renewal_is_retried_at_the_end_and_two_and_four_days_later(
    runtime: Runtime, end: datetime
) -> None:
    life.tries(runtime, end - DAY, "soft")
    for days in (0, 2, 4):
        due = end + timedelta(days=days)
        life.time_comes(runtime, due - timedelta(microseconds=1))
        assert life.charge(runtime) is None
        life.tries(runtime, due, "soft")
    assert [order.state for order in life.renewal_orders(runtime)] == ["failed"]


def test_each_failure_mails_the_reason_and_when_it_is_tried_next(
    runtime: Runtime, end: datetime
) -> None:
    life.tries(runtime, end - DAY, "soft")
    life.tries(runtime, end, "soft")
    told = [mail.payload["parameters"] for mail in life.mails(runtime, "renewal_failed")]
    assert [each["reason_code"] for each in told] == ["insufficient_funds"] * 2
    tries = [datetime.fromisoformat(each["next_try_at"]) for each in told]
    assert tries == [end, end + 2 * DAY]
    assert datetime.fromisoformat(told[0]["access_until"]) == end + 5 * DAY


def test_a_retry_that_succeeds_leaves_no_gap(runtime: Runtime, end: datetime) -> None:
    life.tries(runtime, end - DAY, "soft")
    life.tries(runtime, end, "soft")
    assert life.subscription(runtime).state == "past_due"
    assert life.account(runtime).status == "active"
    life.tries(runtime, end + 2 * DAY, "succeeded")
    running = life.subscription(runtime)
    assert (running.state, running.period_start) == ("active", end)
    assert running.renewal_failures == 0


def test_a_hard_decline_is_not_charged_again_with_the_same_method(
    runtime: Runtime, end: datetime
) -> None:
    life.tries(runtime, end - DAY, "hard")
    for days in (0, 2, 4):
        life.time_comes(runtime, end + timedelta(days=days))
        assert life.charge(runtime) is None
    assert life.subscription(runtime).auto_renew_off_reason == "renewal_failed"
    codes = [m.payload["parameters"]["reason_code"] for m in life.mails(runtime, "renewal_failed")]
    assert codes == ["lost_card", *["method_declined_before"] * 3]


def test_a_new_method_is_tried_at_once(runtime: Runtime, end: datetime) -> None:
    life.tries(runtime, end - DAY, "hard")
    clock.travel(end - DAY / 2)
    life.saves(runtime, "pm_2")
    wanted = life.answers(runtime, "succeeded")
    assert wanted.payload["token"] == "pm_2"
    assert life.subscription(runtime).period_start == end


def test_a_new_method_that_fails_uses_up_no_try_of_the_list(
    runtime: Runtime, end: datetime
) -> None:
    life.tries(runtime, end - DAY, "soft")
    for token in ("pm_2", "pm_3", "pm_4", "pm_5"):
        life.saves(runtime, token)
        life.answers(runtime, "soft")
    for days in (0, 2):
        life.tries(runtime, end + timedelta(days=days), "soft")
    assert life.subscription(runtime).auto_renew
    life.tries(runtime, end + 4 * DAY, "soft")
    assert not life.subscription(runtime).auto_renew


def test_a_new_method_is_not_charged_while_no_renewal_is_failing(
    runtime: Runtime, end: datetime
) -> None:
    life.saves(runtime, "pm_2")
    assert life.charge(runtime) is None
    life.time_comes(runtime, end - DAY)
    life.saves(runtime, "pm_3")
    assert life.answers(runtime, "succeeded").payload["token"] == "pm_2"
    assert life.charge(runtime) is None


def test_no_saved_method_counts_as_a_failure(runtime: Runtime, end: datetime) -> None:
    working(runtime, methods.forget)
    for moment in (end - DAY, end, end + 2 * DAY, end + 4 * DAY):
        life.time_comes(runtime, moment)
    codes = [m.payload["parameters"]["reason_code"] for m in life.mails(runtime, "renewal_failed")]
    assert codes == ["no_saved_method"] * 4
    assert life.subscription(runtime).auto_renew_off_reason == "renewal_failed"


def test_an_exhausted_list_switches_auto_renew_off_with_mail_and_alert(
    runtime: Runtime, end: datetime
) -> None:
    exhaust(runtime, end)
    running = life.subscription(runtime)
    assert (running.auto_renew, running.auto_renew_off_reason) == (False, "renewal_failed")
    [mail] = life.mails(runtime, "auto_renew_off")
    assert mail.payload["parameters"]["reason"] == "renewal_failed"
    assert life.alerts(runtime) == ["renewal_exhausted"]
    assert life.account(runtime).status == "active"


def test_access_during_the_retries_lasts_until_the_end_of_the_grace(
    runtime: Runtime, end: datetime
) -> None:
    exhaust(runtime, end)
    life.time_comes(runtime, end + 5 * DAY - timedelta(microseconds=1))
    assert life.account(runtime).status == "active"
    life.time_comes(runtime, end + 5 * DAY)
    account = life.account(runtime)
    assert account.blocked is not None
    assert account.blocked.reason == "subscription_expired"
    assert life.subscription(runtime).state == "expired"


def test_switching_on_again_during_the_grace_asks_for_one_more_try(
    runtime: Runtime, end: datetime
) -> None:
    exhaust(runtime, end)
    clock.travel(end + 4 * DAY + HOUR)
    life.switches(runtime, on=True)
    life.tries(runtime, end + 4 * DAY + 2 * HOUR, "soft")
    assert life.subscription(runtime).auto_renew_off_reason == "renewal_failed"
    life.switches(runtime, on=True)
    life.saves(runtime, "pm_2")
    life.answers(runtime, "succeeded")
    assert life.subscription(runtime).period_start == end


def test_a_payment_during_the_grace_begins_a_new_period_and_renews_again(
    runtime: Runtime, end: datetime
) -> None:
    exhaust(runtime, end)
    clock.travel(end + 4 * DAY + timedelta(hours=1))
    life.pays(runtime, token="pm_2")
    running = life.subscription(runtime)
    assert running.auto_renew
    assert running.period_start == clock.now()
    life.tries(runtime, running.period_end - DAY, "succeeded")
    assert life.subscription(runtime).period_start == running.period_end


def test_a_renewal_that_is_pending_goes_on_nowhere_until_the_money_is_there(
    runtime: Runtime, end: datetime
) -> None:
    life.tries(runtime, end - DAY, "pending")
    life.time_comes(runtime, end)
    assert life.charge(runtime) is None
    assert life.subscription(runtime).state == "past_due"
    assert len(life.papers(runtime)) == 1


def test_a_pending_renewal_that_fails_later_is_retried(runtime: Runtime, end: datetime) -> None:
    charged = left_pending(runtime, end)
    failure = PaymentFailed(
        payment=f"pay_{charged.id}", decline=life.DECLINES["soft"], order=charged.target
    )
    tell(runtime, failure, failure)
    assert len(life.mails(runtime, "renewal_failed")) == 1
    life.tries(runtime, end, "succeeded")
    assert life.subscription(runtime).period_start == end


def test_a_downtime_over_several_tries_is_made_up_for_once(runtime: Runtime, end: datetime) -> None:
    life.tries(runtime, end + 2 * DAY + MINUTE, "soft")
    for _ in range(3):
        clock.advance(timedelta(hours=1, minutes=1))
        pass_time(runtime)
        assert life.charge(runtime) is None
    assert len(life.mails(runtime, "renewal_failed")) == 1
    life.tries(runtime, end + 4 * DAY, "succeeded")
    assert life.subscription(runtime).period_start == end


def test_a_downtime_beyond_the_grace_still_tries_once_before_anything_ends(
    runtime: Runtime, end: datetime
) -> None:
    life.tries(runtime, end + 9 * DAY, "succeeded")
    assert life.subscription(runtime).period_start == end
    assert life.account(runtime).status == "active"
    assert life.mails(runtime, "blocked") == []


def test_switching_off_has_no_grace(runtime: Runtime, end: datetime) -> None:
    life.tries(runtime, end - DAY, "soft")
    life.switches(runtime, on=False)
    life.time_comes(runtime, end)
    assert life.account(runtime).status == "blocked"


def exhaust(runtime: Runtime, end: datetime) -> None:
    for moment in (end - DAY, end, end + 2 * DAY, end + 4 * DAY):
        life.tries(runtime, moment, "soft")


def left_pending(runtime: Runtime, end: datetime) -> Effect:
    life.time_comes(runtime, end - DAY)
    return life.answers(runtime, "pending")
