"""Auto-renew, sentence by sentence (BILLING 5), with the clock's real duty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select

from domain import credit, periods
from domain.accounts import find
from domain.database import Database
from domain.effects import Effect
from domain.money import Money
from domain.purchasing import Means, Wish, place_order
from domain.work import Work
from tests import lives
from tests.domain import subscribers as life
from tests.domain.paid_accounts import working
from tests.invariants import assert_invariants
from workers.passage import pass_time
from workers.runtime import Runtime

DAY = timedelta(days=1)
PRICE = 118_580
"""Standard for two agents by the month in Czechia, with tax."""


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Iterator[Runtime]:
    runtime = lives.runtime_on(database)
    yield runtime
    life.leave(runtime)
    assert_invariants(database)


@pytest.fixture
def end(runtime: Runtime) -> datetime:
    return life.subscriber(runtime)


def test_auto_renew_is_on_after_every_payment(runtime: Runtime, end: datetime) -> None:
    assert life.subscription(runtime).auto_renew
    life.switches(runtime, on=False)
    life.pays(runtime, agents=5)
    running = life.subscription(runtime)
    assert running.auto_renew
    assert running.auto_renew_off_reason is None


def test_a_renewal_is_charged_24_hours_ahead_and_not_before(
    runtime: Runtime, end: datetime
) -> None:
    life.time_comes(runtime, end - DAY - timedelta(microseconds=1))
    assert life.charge(runtime) is None
    life.time_comes(runtime, end - DAY)
    wanted = life.charge(runtime)
    assert wanted is not None
    assert wanted.payload["token"] == "pm_1"
    [order] = life.renewal_orders(runtime)
    assert (order.state, order.due) == ("open", PRICE)


def test_a_renewal_that_succeeds_goes_on_from_the_old_end_with_an_invoice(
    runtime: Runtime, end: datetime
) -> None:
    life.tries(runtime, end - DAY, "succeeded")
    running = life.subscription(runtime)
    assert running.period_start == end
    assert running.period_end == periods.next_end(end, "month", running.anchor_day)
    assert running.state == "active"
    assert life.numbers(runtime) == ["2026-000001", "2026-000002"]
    assert len(life.mails(runtime, "receipt")) == 2


def test_a_renewal_costs_what_the_catalogue_says_today(runtime: Runtime, end: datetime) -> None:
    standard = runtime.catalogue.plans["standard"]
    dearer = msgspec.structs.replace(standard, month={**standard.month, "CZK": "600.00"})
    plans = {**runtime.catalogue.plans, "standard": dearer}
    catalogue = msgspec.structs.replace(runtime.catalogue, plans=plans)
    life.time_comes(replace(runtime, catalogue=catalogue), end - DAY)
    [order] = life.renewal_orders(runtime)
    assert order.due == 145_200


def test_credit_is_used_before_the_method_is_charged(runtime: Runtime, end: datetime) -> None:
    gain(runtime, 20_000)
    life.time_comes(runtime, end - DAY)
    [order] = life.renewal_orders(runtime)
    assert (order.total, order.due) == (PRICE, PRICE - 20_000)
    life.answers(runtime, "succeeded")
    assert life.account(runtime).credit == Money(0, "CZK")


def test_a_renewal_that_credit_covers_is_paid_without_a_charge(
    runtime: Runtime, end: datetime
) -> None:
    gain(runtime, 200_000)
    life.time_comes(runtime, end - DAY)
    assert life.charge(runtime) is None
    assert life.subscription(runtime).period_start == end
    assert life.account(runtime).credit == Money(200_000 - PRICE, "CZK")
    assert len(life.papers(runtime)) == 2


def test_passing_the_same_time_again_changes_nothing(runtime: Runtime, end: datetime) -> None:
    life.time_comes(runtime, end - DAY)
    for _ in range(3):
        pass_time(runtime)
    assert len(life.renewal_orders(runtime)) == 1
    assert len(charges_wanted(runtime)) == 1


def test_switching_off_while_a_charge_is_under_way_and_on_again_still_renews(
    runtime: Runtime, end: datetime
) -> None:
    life.time_comes(runtime, end - DAY)
    life.switches(runtime, on=False)
    assert life.open_order(runtime) is None
    drop_charge(runtime)
    life.switches(runtime, on=True)
    life.tries(runtime, end, "succeeded")
    assert life.subscription(runtime).period_start == end


def test_a_purchase_that_is_abandoned_does_not_cost_the_renewal(
    runtime: Runtime, end: datetime
) -> None:
    life.time_comes(runtime, end - DAY)
    bigger = supersede(runtime)
    drop_charge(runtime)
    life.time_comes(runtime, end)
    wanted = life.charge(runtime)
    assert wanted is not None
    assert wanted.target != bigger
    life.answers(runtime, "succeeded")
    assert life.subscription(runtime).period_start == end


def test_every_mail_has_a_cause_of_its_own(runtime: Runtime, end: datetime) -> None:
    exhaust(runtime, end)
    life.time_comes(runtime, end + 5 * DAY)
    with runtime.database.transaction() as session:
        sent = session.scalars(select(Effect).where(Effect.kind == "send_mail")).all()
    assert len({mail.key for mail in sent}) == len(sent)
    kinds = sorted(mail.target for mail in sent)
    assert kinds == ["auto_renew_off", "blocked", "receipt", *["renewal_failed"] * 4]


def exhaust(runtime: Runtime, end: datetime) -> None:
    for moment in (end - DAY, end, end + 2 * DAY, end + 4 * DAY):
        life.tries(runtime, moment, "soft")


def gain(runtime: Runtime, amount: int) -> None:
    with runtime.database.transaction() as session:
        owner = find(session, "acme").id
        credit.book(session, owner, "operator", Money(amount, "CZK"), cause="test")


def charges_wanted(runtime: Runtime) -> list[Effect]:
    with runtime.database.transaction() as session:
        return list(session.scalars(select(Effect).where(Effect.kind == "charge_order")))


def drop_charge(runtime: Runtime) -> None:
    """The worker finds that the order of the charge is closed, and leaves it."""
    with runtime.database.transaction() as session:
        for effect in session.scalars(select(Effect).where(Effect.kind == "charge_order")):
            effect.status, effect.next_attempt_at = "skipped", None


def supersede(runtime: Runtime) -> str:
    """The customer begins to buy more agents, on a page."""

    def place(work: Work) -> str:
        wish = Wish(target=lives.target(agents=5))
        order, _ = place_order(work, wish, lambda: Means(method="card", provider="stripe"))
        return order.id

    return str(working(runtime, place))
