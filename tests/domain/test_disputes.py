"""Disputes: what is suspended while one is open, and what its end means."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import permutations
from types import ModuleType

import pytest
from sqlalchemy import select

from domain import accounts, clock
from domain.accounts import Account
from domain.alerts import Alert
from domain.database import Database
from domain.effects import Effect
from domain.errors import NotYet
from domain.facts import DisputeClosed, DisputeOutcome, Fact
from domain.money import Money
from domain.subscriptions import Subscription
from domain.work import Work
from tests import lives
from tests.domain.paid_accounts import (
    PRICE,
    PROVIDER,
    alerts_of,
    closed,
    opened,
    outcome,
    paid,
    refund,
    tell,
    working,
)
from workers.runtime import Runtime

SUBJECT = f"{PROVIDER}:dp_1"


@pytest.fixture
def runtime(database: Database, frozen_clock: ModuleType) -> Runtime:
    runtime = lives.runtime_on(database)
    paid(runtime)
    return runtime


def subscription(runtime: Runtime) -> Subscription:
    with runtime.database.transaction() as session:
        return session.scalars(select(Subscription)).one()


def test_an_opened_dispute_alerts_and_suspends_renewals(runtime: Runtime) -> None:
    before = subscription(runtime)
    tell(runtime, opened())
    after = subscription(runtime)
    assert after.renewals_suspended
    assert after.state == "active"
    assert before.next_due_at is not None
    assert after.next_due_at is not None
    assert after.next_due_at > before.next_due_at, "the renewal is not tried"
    assert alerts_of(runtime) == [("dispute_opened", SUBJECT)]


@pytest.mark.parametrize("end", ["won", "withdrawn"])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_after_a_dispute_that_was_not_lost_all_is_as_before(
    runtime: Runtime, end: DisputeOutcome, order: tuple[int, ...]
) -> None:
    before, planned = outcome(runtime), subscription(runtime).next_due_at
    facts: list[Fact] = [opened(), opened(), closed(end)]
    for index in order:
        tell(runtime, facts[index])
    assert outcome(runtime) == before._replace(disputes=(("dp_1", end),))
    assert subscription(runtime).next_due_at == planned


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_lost_dispute_ends_the_subscription_and_blocks_whatever_comes_first(
    runtime: Runtime, order: tuple[int, ...]
) -> None:
    facts: list[Fact] = [opened(), closed("lost"), closed("lost")]
    for index in order:
        tell(runtime, facts[index])
    state = outcome(runtime)
    assert (state.subscription, state.blocked) == ("ended", "dispute_lost")
    assert state.credit_notes == ((98_000, 20_580, PRICE),)
    assert state.alerts == (("dispute_lost", SUBJECT),)
    assert not state.suspended
    ended = subscription(runtime)
    assert (ended.auto_renew, ended.auto_renew_off_reason) == (False, "dispute_lost")
    assert ended.next_due_at is None


def test_the_customer_gets_the_credit_note_and_the_app_is_told(runtime: Runtime) -> None:
    tell(runtime, closed("lost"))
    with runtime.database.transaction() as session:
        wanted = select(Effect.kind, Effect.target).where(
            Effect.kind.in_(("send_mail", "tell_app"))
        )
        told = {tuple(row) for row in session.execute(wanted)}
    assert {("send_mail", "credit_note_issued"), ("send_mail", "blocked")} <= told
    assert ("tell_app", "account.blocked") in told


def test_two_open_disputes_suspend_until_both_are_over(runtime: Runtime) -> None:
    tell(runtime, opened("dp_1"), opened("dp_2"))
    tell(runtime, closed("won", "dp_1"))
    assert outcome(runtime).suspended
    tell(runtime, closed("won", "dp_2"))
    assert not outcome(runtime).suspended


@pytest.mark.parametrize("reversal", [True, False], ids=["reversal", "refund"])
@pytest.mark.parametrize("amount", [PRICE, 40_000])
@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_the_same_money_lost_and_reported_as_given_back_counts_once(
    runtime: Runtime, order: tuple[int, ...], amount: int, reversal: bool
) -> None:
    facts: list[Fact] = [closed("lost", amount=amount), refund("re_1", amount, reversal=reversal)]
    for index in order:
        tell(runtime, facts[index])
    state = outcome(runtime)
    assert state.refunded == amount
    assert len(state.credit_notes) == 1


def test_a_refund_before_and_a_lost_dispute_about_the_rest_add_up(runtime: Runtime) -> None:
    tell(runtime, refund("re_1", 18_580), closed("lost", amount=100_000))
    state = outcome(runtime)
    assert state.refunded == PRICE
    assert sorted(note[2] for note in state.credit_notes) == [18_580, 100_000]


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_losing_counts_where_two_ends_were_reported(
    runtime: Runtime, order: tuple[int, ...]
) -> None:
    ends: list[DisputeOutcome] = ["won", "lost"]
    for index in order:
        tell(runtime, closed(ends[index]))
    state = outcome(runtime)
    assert (state.disputes, state.blocked) == ((("dp_1", "lost"),), "dispute_lost")
    assert {rule for rule, _ in state.alerts} == {"dispute_lost", "dispute_outcome_changed"}


def test_a_dispute_waits_for_its_payment(runtime: Runtime) -> None:
    with pytest.raises(NotYet, match="pay_9"):
        tell(runtime, opened(payment="pay_9"))


def test_a_loss_in_another_currency_takes_the_whole_payment(runtime: Runtime) -> None:
    lost = DisputeClosed(
        dispute="dp_1", payment="pay_1", amount=Money(4_700, "EUR"), outcome="lost"
    )
    tell(runtime, lost)
    assert outcome(runtime).refunded == PRICE


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_gravest_block_stays_whatever_comes_first(
    runtime: Runtime, order: tuple[int, ...], frozen_clock: ModuleType
) -> None:
    reasons = ["refunded", "dispute_lost", "operator"]

    def block(work: Work, reason: str) -> None:
        accounts.block_firmly(work.account, reason, work.now)

    for index in order:
        frozen_clock.advance(timedelta(hours=1))
        working(runtime, partial(block, reason=reasons[index]))
    assert outcome(runtime).blocked == "operator"


def test_a_loss_is_graver_than_an_expiry_and_not_lifted_by_a_payment(runtime: Runtime) -> None:
    def expire(account: Account) -> None:
        accounts.block(account, accounts.BLOCKED_FOR_EXPIRY, clock.now())

    working(runtime, lambda work: expire(work.account))
    tell(runtime, closed("lost"))
    assert outcome(runtime).blocked == "dispute_lost"
    paid(runtime, payment="pay_2")
    assert outcome(runtime).blocked == "dispute_lost"


def test_an_alert_that_a_person_acknowledged_is_resolved_with_the_dispute(
    runtime: Runtime,
) -> None:
    tell(runtime, opened())
    with runtime.database.transaction() as session:
        session.scalars(select(Alert)).one().state = "acknowledged"
    tell(runtime, closed("won"))
    with runtime.database.transaction() as session:
        assert session.scalars(select(Alert)).one().state == "resolved"
