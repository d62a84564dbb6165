"""The watch turns broken invariants into alerts, and takes them back when they hold again."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from domain import clock
from domain.alerts import Alert
from domain.database import Database
from domain.invariants import INVARIANTS
from domain.invoices import Invoice, NumberSeries
from domain.subscriptions import Subscription
from tests import lives
from workers.clock import DUTIES, Clock
from workers.process_events import drain
from workers.runtime import Runtime
from workers.watch import tell_alerts, watch, watch_work


@pytest.fixture
def runtime(database: Database) -> Runtime:
    runtime = lives.runtime_on(database)
    lives.account(runtime)
    lives.deliver(runtime, *lives.payment_events(lives.order(runtime)))
    drain(runtime)
    return runtime


def forget_the_plan(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        session.execute(update(Subscription).values(next_due_at=None))


def alerts(runtime: Runtime) -> list[Alert]:
    with runtime.database.transaction() as session:
        return list(session.scalars(select(Alert).order_by(Alert.id)))


def test_the_clock_looks_often_at_what_is_cheap_and_every_minute_at_the_rest() -> None:
    assert DUTIES[-3:] == (
        ("tell_alerts", 2.0, tell_alerts),
        ("watch_work", 15.0, watch_work),
        ("watch", 60.0, watch),
    )


def test_nothing_is_raised_while_everything_holds(runtime: Runtime) -> None:
    watch(runtime)
    assert alerts(runtime) == []


def test_a_broken_invariant_is_one_alert_that_says_what_is_wrong(runtime: Runtime) -> None:
    forget_the_plan(runtime)
    watch(runtime)
    watch(runtime)
    [alert] = alerts(runtime)
    assert (alert.rule, alert.subject) == ("invariant_broken", "running_is_planned")
    assert (alert.state, alert.count) == ("open", 1)
    assert alert.details["holds"] == INVARIANTS["running_is_planned"].sentence
    assert alert.details["count"] == "1"
    assert alert.details["violations"][0].startswith("account acme: active until ")


def test_a_hole_made_by_hand_in_a_number_series_is_an_alert_of_the_clock(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        session.execute(update(Invoice).values(position=2, number="2026-000002"))
        session.execute(update(NumberSeries).values(last=2))
    assert Clock(runtime).tick()
    [alert] = alerts(runtime)
    assert (alert.rule, alert.subject) == ("number_series_hole", "numbers_gapless")
    [violation] = alert.details["violations"]
    assert violation.endswith(": 1 papers with the numbers 2 to 2, counter at 2")


def test_the_alert_is_resolved_as_soon_as_the_invariant_holds_again(runtime: Runtime) -> None:
    forget_the_plan(runtime)
    watch(runtime)
    with runtime.database.transaction() as session:
        session.execute(update(Subscription).values(next_due_at=Subscription.period_end))
    watch(runtime)
    assert [alert.state for alert in alerts(runtime)] == ["resolved"]


def test_a_clock_that_is_moved_by_hand_is_not_watched(runtime: Runtime) -> None:
    forget_the_plan(runtime)
    clock.travel(clock.now())
    try:
        watch(runtime)
    finally:
        clock.reset()
    assert alerts(runtime) == []
