"""Subscriptions that a provider runs: its events start, renew, fail, end and resume them."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType

import pytest
from sqlalchemy import select

from domain import clock, credit, resolution
from domain.accounts import Account
from domain.database import Database
from domain.errors import NotYet, Permanent
from domain.facts import Decline, SubscriptionPaymentFailed
from domain.history import HistoryEntry
from domain.invoices import Invoice
from domain.money import Money
from domain.papers.rows import paper_of
from tests import lives
from tests.domain.paid_accounts import tell
from tests.domain.run_by_provider import (
    PRICE,
    alerts,
    blocked_for,
    broken,
    mails,
    money,
    month,
    outcome,
    read,
    subscription_of,
    time_passes,
)
from workers.runtime import Runtime

A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def runtime(database: Database, frozen_clock: ModuleType) -> Runtime:
    runtime = lives.runtime_on(database)
    lives.account(runtime)
    return runtime


def test_money_and_a_reading_start_a_subscription_that_the_provider_runs(runtime: Runtime) -> None:
    tell(runtime, read(1), money())
    subscription = subscription_of(runtime)
    assert (subscription.managed_by, subscription.managed_reference) == ("stripe", "sub_1")
    assert (subscription.period_start, subscription.period_end) == (month(0).start, month(0).end)
    assert (subscription.agents, subscription.conversations) == (2, 100)
    assert (subscription.period_net, subscription.auto_renew) == (98_000, True)
    assert outcome(runtime).papers == ((98_000, 20_580, PRICE),)
    assert mails(runtime) == ["receipt"]
    assert broken(runtime) == []


def test_the_invoice_says_what_was_bought_for_which_period(runtime: Runtime) -> None:
    tell(runtime, read(1), money(amount=100_001))
    with runtime.database.transaction() as session:
        paper = paper_of(session.scalars(select(Invoice)).one())
    assert paper.total == Money(100_001, "CZK")
    assert sum(line.net.amount for line in paper.lines) == paper.net.amount
    assert [line.name for line in paper.lines] == ["subscription"]
    assert paper.period == (month(0).start, month(0).end)
    assert paper.due == Money(0, "CZK")


def test_money_waits_until_it_is_known_what_it_buys(runtime: Runtime) -> None:
    with pytest.raises(NotYet, match="sub_1"):
        tell(runtime, money())
    assert outcome(runtime).payments == ()


def test_a_reading_older_than_the_one_applied_changes_nothing(runtime: Runtime) -> None:
    tell(runtime, read(5, agents=3), money())
    tell(runtime, read(4, "suspended", None, auto_renew=False))
    assert subscription_of(runtime).agents == 3
    assert subscription_of(runtime).auto_renew


def test_a_change_of_agents_at_the_provider_is_followed(runtime: Runtime) -> None:
    tell(runtime, read(1), money())
    tell(runtime, read(2, agents=None, quantity=7, plan="pro"))
    subscription = subscription_of(runtime)
    assert (subscription.plan, subscription.agents, subscription.conversations) == ("pro", 7, 500)


def test_a_renewal_moves_the_period_on_and_nobody_is_warned_or_charged(runtime: Runtime) -> None:
    tell(runtime, read(1), money())
    clock.travel(month(0).end - timedelta(hours=12))
    time_passes(runtime)
    clock.travel(month(0).end + A_MINUTE)
    time_passes(runtime)
    tell(runtime, read(2, month_=1), money(1))
    assert subscription_of(runtime).period_end == month(1).end
    assert mails(runtime) == ["receipt", "receipt"]
    assert alerts(runtime) == []
    assert broken(runtime) == []


def test_a_failure_is_past_due_with_access_and_the_provider_alone_mails(runtime: Runtime) -> None:
    tell(runtime, read(1), money())
    clock.travel(month(0).end + A_MINUTE)
    decline = Decline(code="insufficient_funds", kind="soft")
    failed = SubscriptionPaymentFailed(subscription="sub_1", decline=decline, attempt=1)
    tell(runtime, read(2, "past_due", None), failed)
    assert subscription_of(runtime).state == "past_due"
    assert blocked_for(runtime) is None
    clock.travel(month(0).end + timedelta(days=3))
    tell(runtime, money(1), read(3, month_=1))
    assert subscription_of(runtime).state == "active"
    assert mails(runtime) == ["receipt", "receipt"]
    with runtime.database.transaction() as session:
        kinds = list(session.scalars(select(HistoryEntry.kind)))
    assert "provider_payment_failed" in kinds


def test_a_provider_that_gives_up_leaves_the_grace_and_then_the_block(runtime: Runtime) -> None:
    tell(runtime, read(1), money())
    clock.travel(month(0).end + A_MINUTE)
    tell(runtime, read(2, "suspended", None, auto_renew=False, given_up=True))
    subscription = subscription_of(runtime)
    assert (subscription.auto_renew_off_reason, subscription.state) == (
        "renewal_failed",
        "past_due",
    )
    assert alerts(runtime) == ["renewal_exhausted"]
    clock.travel(month(0).end + timedelta(days=5))
    time_passes(runtime)
    assert blocked_for(runtime) == "subscription_expired"
    assert subscription_of(runtime).state == "expired"
    assert mails(runtime) == ["blocked", "receipt"]
    assert broken(runtime) == []


def test_one_that_was_cancelled_gives_access_until_its_paid_end(runtime: Runtime) -> None:
    tell(runtime, read(1), money())
    tell(runtime, read(2, "ended", None, auto_renew=False, ended_at=clock.now()))
    subscription = subscription_of(runtime)
    assert subscription.auto_renew_off_reason == "cancelled_at_provider"
    clock.travel(month(0).end - A_MINUTE)
    time_passes(runtime)
    assert (subscription_of(runtime).state, blocked_for(runtime)) == ("active", None)
    clock.travel(month(0).end)
    time_passes(runtime)
    assert subscription_of(runtime).state == "ended"
    assert subscription_of(runtime).ended_at == month(0).end
    assert blocked_for(runtime) == "subscription_expired"
    assert mails(runtime) == ["blocked", "receipt"]


def test_a_cancellation_that_is_taken_back_switches_auto_renew_on(runtime: Runtime) -> None:
    tell(runtime, read(1), money(), read(2, auto_renew=False))
    assert subscription_of(runtime).auto_renew_off_reason == "cancelled_at_provider"
    tell(runtime, read(3))
    subscription = subscription_of(runtime)
    assert (subscription.auto_renew, subscription.auto_renew_off_reason) == (True, None)


def test_a_suspended_one_that_resumes_unblocks_the_account(runtime: Runtime) -> None:
    tell(runtime, read(1), money())
    clock.travel(month(0).end + timedelta(days=6))
    tell(runtime, read(2, "suspended", None, auto_renew=False, given_up=True))
    assert blocked_for(runtime) == "subscription_expired"
    tell(runtime, read(3, month_=1), money(1))
    subscription = subscription_of(runtime)
    assert (subscription.state, subscription.auto_renew, subscription.ended_at) == (
        "active",
        True,
        None,
    )
    assert blocked_for(runtime) is None
    assert broken(runtime) == []


def test_a_provider_that_falls_silent_is_told_to_a_person_after_the_grace(runtime: Runtime) -> None:
    tell(runtime, read(1), money())
    clock.travel(month(0).end + timedelta(days=5) - A_MINUTE)
    time_passes(runtime)
    assert blocked_for(runtime) is None
    clock.travel(month(0).end + timedelta(days=5))
    time_passes(runtime)
    assert blocked_for(runtime) == "subscription_expired"
    assert alerts(runtime) == ["subscription_silent"]


def test_a_trial_starts_without_money_and_an_unpaid_first_month_does_not(runtime: Runtime) -> None:
    tell(runtime, read(1, "incomplete", None))
    assert outcome(runtime).subscription is None
    tell(runtime, read(2))
    assert subscription_of(runtime).period_net == 0
    assert outcome(runtime).papers == ()


def test_money_whose_period_is_not_said_buys_one_interval(runtime: Runtime) -> None:
    tell(runtime, read(1, month_=None), money(period=None, at=month(0).start))
    assert subscription_of(runtime).period_end == month(0).end


def test_a_subscription_that_does_not_say_what_is_bought_is_parked(runtime: Runtime) -> None:
    with pytest.raises(Permanent, match=r"sub_1 at stripe does not say .*\(plan\).*providers\.md"):
        tell(runtime, read(1, plan=None))
    with pytest.raises(Permanent, match="asks for what is not sold: plan 'gold'"):
        tell(runtime, read(1, plan="gold"))
    with pytest.raises(Permanent, match="GBP, which is not sold in"):
        tell(runtime, read(1), money(currency="GBP"))
    assert outcome(runtime).subscription is None


def test_a_reading_that_lost_its_terms_keeps_those_that_were_known(runtime: Runtime) -> None:
    gone = read(2, "ended", None, auto_renew=False, plan=None, interval=None, agents=None)
    tell(runtime, read(1), money(), gone)
    assert subscription_of(runtime).agents == 2
    assert not subscription_of(runtime).auto_renew


def test_the_account_is_found_by_its_subscription_at_the_provider(runtime: Runtime) -> None:
    tell(runtime, read(1))
    with runtime.database.transaction() as session:
        ours = session.scalars(select(Account.id)).one()
        decline = Decline(code="declined", kind="soft")
        fact = SubscriptionPaymentFailed(subscription="sub_1", decline=decline)
        subjects = {1: ("stripe", [fact]), 2: ("paypal", [fact])}
        assert resolution.resolve(session, subjects) == {1: ours}


def test_money_in_another_currency_than_the_accounts_is_invoiced_in_its_own(
    runtime: Runtime,
) -> None:
    tell(runtime, read(1), money(amount=4598, currency="EUR"))
    assert subscription_of(runtime).currency == "EUR"
    assert outcome(runtime).papers == ((3800, 798, 4598),)
    with runtime.database.transaction() as session:
        assert credit.balances(session, session.scalars(select(Account.id)).one()) == []
