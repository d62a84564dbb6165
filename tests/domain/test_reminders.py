"""A renewal ahead is told of in time, once a period, and not when it is overtaken."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from domain import clock, credit, effects
from domain.database import Database
from domain.effects import Effect
from domain.money import Money
from domain.work import Work
from tests import lives
from tests.domain import subscribers as life
from tests.domain.paid_accounts import closed, opened, tell, working
from tests.invariants import assert_invariants
from workers.passage import pass_time
from workers.runtime import Runtime

DAY = timedelta(days=1)
AHEAD = 14 * DAY
CHARGE = DAY
INSTANT = timedelta(microseconds=1)
PRICE = Money(1_185_800, "CZK")
"""Standard for two agents by the year in Czechia, with tax."""


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Iterator[Runtime]:
    runtime = lives.runtime_on(database)
    yield runtime
    life.leave(runtime)
    assert_invariants(database)


@pytest.fixture
def end(runtime: Runtime) -> datetime:
    """The end of a year that renews itself."""
    return life.subscriber(runtime, interval="year")


def told(runtime: Runtime) -> list[Effect]:
    """The reminders that are sent or to be sent."""
    return life.mails(runtime, "renewal_ahead")


def parameters(runtime: Runtime) -> dict[str, Any]:
    (mail,) = told(runtime)
    return dict(mail.payload["parameters"])


def test_two_weeks_before_the_end_of_a_year_amount_day_and_means_are_told(
    runtime: Runtime, end: datetime
) -> None:
    life.time_comes(runtime, end - AHEAD - INSTANT)
    assert told(runtime) == []
    assert life.subscription(runtime).next_due_at == end - AHEAD
    life.time_comes(runtime, end - AHEAD)
    said = parameters(runtime)
    assert said["amount"] == msgspec.to_builtins(PRICE)
    assert datetime.fromisoformat(said["on"]) == end - CHARGE
    assert said["plan"] == "Standard"
    assert said["method"] == {"kind": "card", "brand": "visa", "last4": "4242"}


def test_it_is_told_once_a_period_and_again_in_the_next(runtime: Runtime, end: datetime) -> None:
    for moment in (end - AHEAD, end - 10 * DAY, end - 2 * DAY):
        life.time_comes(runtime, moment)
        pass_time(runtime)
    assert len(told(runtime)) == 1
    life.leave(runtime)
    clock.travel(end - CHARGE)
    pass_time(runtime)
    life.answers(runtime, "succeeded")
    life.time_comes(runtime, life.subscription(runtime).period_end - AHEAD)
    assert len({mail.key for mail in told(runtime)}) == 2


def test_what_is_charged_is_what_was_told(runtime: Runtime, end: datetime) -> None:
    life.time_comes(runtime, end - AHEAD)
    said = parameters(runtime)["amount"]["amount"]
    life.time_comes(runtime, end - CHARGE)
    [order] = life.renewal_orders(runtime)
    assert said == order.due


def test_a_renewal_that_credit_covers_costs_nothing(runtime: Runtime, end: datetime) -> None:
    def gain(work: Work) -> None:
        credit.book(work.session, work.account.id, "gift", PRICE, cause="test")

    working(runtime, gain)
    life.time_comes(runtime, end - AHEAD)
    assert parameters(runtime)["amount"]["amount"] == 0


def test_who_has_no_saved_method_is_told_so(runtime: Runtime) -> None:
    end = life.subscriber(runtime, token=None, interval="year")
    life.time_comes(runtime, end - AHEAD)
    assert parameters(runtime)["method"] is None


def test_who_pays_monthly_is_not_told(runtime: Runtime) -> None:
    end = life.subscriber(runtime)
    life.time_comes(runtime, end - 2 * DAY)
    assert told(runtime) == []


def test_a_seller_may_tell_of_every_month(runtime: Runtime) -> None:
    days = msgspec.structs.replace(runtime.catalogue.renewal, reminder_days={"month": 3})
    runtime.catalogue = msgspec.structs.replace(runtime.catalogue, renewal=days)
    end = life.subscriber(runtime)
    life.time_comes(runtime, end - 3 * DAY)
    assert len(told(runtime)) == 1


def test_without_auto_renew_nothing_is_told(runtime: Runtime, end: datetime) -> None:
    life.switches(runtime, on=False)
    life.time_comes(runtime, end - AHEAD)
    assert told(runtime) == []


def test_who_switches_auto_renew_on_in_the_last_days_is_told_at_once(
    runtime: Runtime, end: datetime
) -> None:
    life.switches(runtime, on=False)
    life.time_comes(runtime, end - 5 * DAY)
    life.switches(runtime, on=True)
    pass_time(runtime)
    assert datetime.fromisoformat(parameters(runtime)["on"]) == end - CHARGE


def test_after_a_downtime_it_is_told_late_but_not_when_the_charge_is_due(
    runtime: Runtime, end: datetime
) -> None:
    life.time_comes(runtime, end - 2 * DAY)
    assert len(told(runtime)) == 1


def test_a_reminder_that_the_charge_overtakes_is_not_made(runtime: Runtime, end: datetime) -> None:
    life.time_comes(runtime, end - CHARGE)
    assert told(runtime) == []
    assert life.charge(runtime) is not None


def test_a_mail_that_was_held_up_until_the_charge_is_not_sent(
    runtime: Runtime, end: datetime
) -> None:
    life.time_comes(runtime, end - AHEAD)
    assert len(told(runtime)) == 1
    life.time_comes(runtime, end - CHARGE)
    assert told(runtime) == []


def test_a_mail_that_was_held_up_is_not_sent_after_auto_renew_went_off(
    runtime: Runtime, end: datetime
) -> None:
    life.time_comes(runtime, end - AHEAD)
    life.switches(runtime, on=False)
    assert told(runtime) == []


def test_a_mail_that_was_held_up_is_not_sent_after_something_else_was_bought(
    runtime: Runtime, end: datetime
) -> None:
    life.time_comes(runtime, end - AHEAD)
    life.pays(runtime, interval="year", agents=5)
    assert told(runtime) == []
    assert not life.subscription(runtime).renewal_told


def test_while_a_dispute_is_open_nothing_is_told_and_afterwards_at_once(
    runtime: Runtime, end: datetime
) -> None:
    payment = life.papers(runtime)[0].content["paid"]["reference"]
    life.time_comes(runtime, end - AHEAD - DAY)
    tell(runtime, opened(payment=payment, amount=PRICE.amount))
    life.time_comes(runtime, end - AHEAD)
    assert told(runtime) == []
    clock.travel(end - 10 * DAY)
    tell(runtime, closed("won", payment=payment, amount=PRICE.amount))
    pass_time(runtime)
    assert len(told(runtime)) == 1


def test_the_cause_of_the_mail_is_the_period(runtime: Runtime, end: datetime) -> None:
    life.time_comes(runtime, end - AHEAD)
    (mail,) = told(runtime)
    number = life.subscription(runtime).account_id
    assert mail.cause == f"period:{number}:{end.isoformat()}"
    assert mail.key == effects.key_of(mail.cause, "send_mail", "renewal_ahead")
