"""Renewals that a dispute holds up: access meanwhile, and how it goes on afterwards (BILLING 7)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import permutations

import pytest

from domain import clock, renewals
from domain.database import Database
from domain.facts import DisputeOutcome, Fact
from domain.timetable import DISPUTE_HOLDS
from tests import lives
from tests.domain import subscribers as life
from tests.domain.paid_accounts import closed, opened, tell, working
from tests.invariants import assert_invariants
from workers.expire_orders import expire_orders
from workers.runtime import Runtime

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Iterator[Runtime]:
    runtime = lives.runtime_on(database)
    yield runtime
    assert_holds(runtime)


@pytest.fixture
def end(runtime: Runtime) -> datetime:
    """The end of a running subscription with a saved card."""
    return life.subscriber(runtime)


def assert_holds(runtime: Runtime) -> None:
    life.leave(runtime)
    assert_invariants(runtime.database)


def payment(runtime: Runtime) -> str:
    return f"pay_{life.papers(runtime)[0].order_id}"


def is_opened(runtime: Runtime, at: datetime, name: str = "dp_1") -> None:
    clock.travel(at)
    tell(runtime, opened(name, payment=payment(runtime)))


def is_closed(
    runtime: Runtime, at: datetime, outcome: DisputeOutcome = "won", name: str = "dp_1"
) -> None:
    clock.travel(at)
    tell(runtime, closed(outcome, name, payment=payment(runtime)))


def charges(runtime: Runtime) -> int:
    return len(life.effects_of(runtime, "charge_order"))


def test_while_a_dispute_is_open_nothing_is_charged_and_access_goes_on_past_the_grace(
    runtime: Runtime, end: datetime
) -> None:
    is_opened(runtime, end - 3 * DAY)
    for days in (-1, 0, 2, 4, 5, 6, 20):
        life.time_comes(runtime, end + days * DAY)
        assert_holds(runtime)
    state = life.account(runtime)
    assert state.subscription is not None
    assert (state.status, state.subscription.state) == ("active", "past_due")
    assert state.next_charge is None
    assert charges(runtime) == 0


@pytest.mark.parametrize("outcome", ["won", "withdrawn"])
@pytest.mark.parametrize("days", [1, 10, 27])
def test_after_a_win_the_renewal_is_charged_at_once_from_the_old_end(
    runtime: Runtime, end: datetime, days: int, outcome: DisputeOutcome
) -> None:
    is_opened(runtime, end - 3 * DAY)
    life.time_comes(runtime, end)
    is_closed(runtime, end + days * DAY, outcome)
    life.tries(runtime, end + days * DAY, "succeeded")
    renewed = life.subscription(runtime)
    assert (renewed.state, renewed.period_start) == ("active", end)
    assert renewed.auto_renew
    assert renewed.retries_from is None


def test_after_a_win_the_retry_list_and_the_grace_begin_where_they_stopped(
    runtime: Runtime, end: datetime
) -> None:
    life.tries(runtime, end - DAY, "soft")
    is_opened(runtime, end - HOUR)
    is_closed(runtime, end + 10 * DAY)
    for days in (10, 12, 14):
        life.tries(runtime, end + days * DAY, "soft")
    exhausted = life.subscription(runtime)
    assert (exhausted.auto_renew, exhausted.auto_renew_off_reason) == (False, "renewal_failed")
    life.time_comes(runtime, end + 15 * DAY - HOUR)
    assert life.account(runtime).status == "active"
    life.time_comes(runtime, end + 15 * DAY)
    assert life.account(runtime).status == "blocked"
    assert charges(runtime) == 4


def test_a_dispute_during_the_retries_shifts_what_is_left_of_them(
    runtime: Runtime, end: datetime
) -> None:
    for days in (-1, 0, 2):
        life.tries(runtime, end + days * DAY, "soft")
    is_opened(runtime, end + 3 * DAY)
    life.time_comes(runtime, end + 9 * DAY)
    is_closed(runtime, end + 9 * DAY)
    life.time_comes(runtime, end + 10 * DAY - HOUR)
    assert charges(runtime) == 3
    life.tries(runtime, end + 10 * DAY, "succeeded")
    assert life.subscription(runtime).period_start == end


def test_a_dispute_that_is_over_before_the_end_changes_nothing(
    runtime: Runtime, end: datetime
) -> None:
    is_opened(runtime, end - 3 * DAY)
    is_closed(runtime, end - 2 * DAY)
    for days in (-1, 0, 2, 4):
        life.tries(runtime, end + days * DAY, "soft")
    assert life.subscription(runtime).auto_renew_off_reason == "renewal_failed"


def test_a_dispute_that_lasts_too_long_blocks_and_a_win_brings_everything_back(
    runtime: Runtime, end: datetime
) -> None:
    is_opened(runtime, end - 3 * DAY)
    life.time_comes(runtime, end + DISPUTE_HOLDS - HOUR)
    assert life.account(runtime).status == "active"
    life.time_comes(runtime, end + DISPUTE_HOLDS)
    expired = life.subscription(runtime)
    assert (expired.state, expired.auto_renew_off_reason) == ("expired", "dispute_open")
    assert life.account(runtime).status == "blocked"
    assert_holds(runtime)
    won = end + 60 * DAY
    is_closed(runtime, won)
    life.tries(runtime, won, "succeeded")
    state = life.account(runtime)
    assert state.subscription is not None
    assert (state.status, state.subscription.state) == ("active", "active")
    assert state.subscription.auto_renew
    assert state.subscription.period_start == won, "the time without access is not charged"
    assert len(life.mails(runtime, "unblocked")) == 1


def test_a_comeback_that_is_not_paid_ends_by_the_list_and_the_grace(
    runtime: Runtime, end: datetime
) -> None:
    is_opened(runtime, end - 3 * DAY)
    life.time_comes(runtime, end + DISPUTE_HOLDS)
    won = end + 40 * DAY
    is_closed(runtime, won)
    for days in (0, 2, 4):
        life.tries(runtime, won + days * DAY, "soft")
    life.time_comes(runtime, won + 5 * DAY)
    assert life.account(runtime).status == "blocked"
    assert life.subscription(runtime).auto_renew_off_reason == "renewal_failed"


def test_a_dispute_lost_after_the_expiry_blocks_for_the_loss_and_brings_nothing_back(
    runtime: Runtime, end: datetime
) -> None:
    is_opened(runtime, end - 3 * DAY)
    life.time_comes(runtime, end + DISPUTE_HOLDS)
    is_closed(runtime, end + 40 * DAY, "lost")
    life.time_comes(runtime, end + 41 * DAY)
    state = life.account(runtime)
    assert state.blocked is not None
    assert state.blocked.reason == "dispute_lost"
    assert life.subscription(runtime).state == "expired"


def test_who_bought_again_meanwhile_is_not_renewed_by_the_win(
    runtime: Runtime, end: datetime
) -> None:
    is_opened(runtime, end - 3 * DAY)
    life.time_comes(runtime, end + DISPUTE_HOLDS)
    bought = end + 30 * DAY
    clock.travel(bought)
    life.pays(runtime)
    is_closed(runtime, end + 40 * DAY)
    life.time_comes(runtime, end + 40 * DAY)
    assert charges(runtime) == 0
    assert life.subscription(runtime).period_start == bought


def test_who_switched_auto_renew_off_ends_at_the_end_whatever_the_dispute_comes_to(
    runtime: Runtime, end: datetime
) -> None:
    is_opened(runtime, end - 3 * DAY)
    life.switches(runtime, on=False)
    life.time_comes(runtime, end)
    assert life.account(runtime).status == "blocked"
    is_closed(runtime, end + DAY)
    life.time_comes(runtime, end + DAY)
    assert life.account(runtime).status == "blocked"
    assert life.subscription(runtime).auto_renew_off_reason == "customer"


def test_a_try_that_was_begun_before_the_dispute_is_taken_back_and_made_after_it(
    runtime: Runtime, end: datetime
) -> None:
    life.time_comes(runtime, end - DAY)
    is_opened(runtime, end - DAY + HOUR)
    assert working(runtime, renewals.take_back), "what the effect does before it charges"
    is_closed(runtime, end + 7 * DAY)
    life.tries(runtime, end + 7 * DAY, "succeeded")
    assert life.subscription(runtime).period_start == end
    assert len(life.renewal_orders(runtime)) == 1


def test_a_renewal_order_that_was_placed_late_stays_open_for_its_answer(
    runtime: Runtime, end: datetime
) -> None:
    is_opened(runtime, end - 3 * DAY)
    is_closed(runtime, end + 27 * DAY)
    life.time_comes(runtime, end + 27 * DAY)
    expire_orders(runtime)
    order = life.open_order(runtime)
    assert order is not None
    assert order.expires_at == end + 32 * DAY


SAMPLE = list(permutations(range(4)))[::4]
"""Six of the orders: each fact comes first and last in some of them."""


@pytest.mark.parametrize("order", SAMPLE)
@pytest.mark.parametrize("days", [-2, 2, 30])
def test_two_disputes_come_to_the_same_in_whatever_order_they_are_told(
    runtime: Runtime, end: datetime, days: int, order: tuple[int, ...]
) -> None:
    about = payment(runtime)
    facts: list[Fact] = [
        opened("dp_1", payment=about),
        closed("won", "dp_1", payment=about),
        opened("dp_2", payment=about),
        closed("withdrawn", "dp_2", payment=about),
    ]
    is_opened(runtime, end - 3 * DAY, "dp_0")
    moment = end + days * DAY
    life.time_comes(runtime, moment)
    for index in order:
        tell(runtime, facts[index])
    life.time_comes(runtime, moment)
    assert life.subscription(runtime).renewals_suspended
    assert charges(runtime) == 0
    is_closed(runtime, moment, "won", "dp_0")
    life.time_comes(runtime, max(end - DAY, moment))
    assert charges(runtime) == 1
