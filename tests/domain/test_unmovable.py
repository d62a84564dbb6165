"""A subscription that cannot be moved on, because something about it is wrong, holds up nobody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import structlog
from sqlalchemy import select

from domain import clock
from domain.alerts import Alert
from domain.database import Database
from domain.work import Work
from tests import lives
from tests.domain import subscribers as life
from tests.domain.paid_accounts import working
from tests.invariants import assert_invariants
from workers.passage import pass_time
from workers.runtime import Runtime

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Iterator[Runtime]:
    runtime = lives.runtime_on(database)
    # Tracebacks are not printed: that takes seconds.
    with structlog.testing.capture_logs():
        yield runtime
    become(runtime, "standard")
    clock.advance(timedelta(hours=2))
    pass_time(runtime)
    life.leave(runtime)
    assert_invariants(database)


@pytest.fixture
def end(runtime: Runtime) -> datetime:
    """Two subscriptions that end at the same moment; the plan of the first one is not sold."""
    end = life.subscriber(runtime)
    assert life.subscriber(runtime, "other", token="pm_2") == end
    become(runtime, "no longer sold")
    return end


def become(runtime: Runtime, plan: str) -> None:
    def change(work: Work) -> None:
        assert work.subscription is not None
        work.subscription.plan = plan

    working(runtime, change)


def told(runtime: Runtime) -> list[tuple[str, str, int]]:
    """Every alert about what cannot be moved: whom, its state, how often it was seen."""
    with runtime.database.transaction() as session:
        rows = session.scalars(select(Alert).where(Alert.rule == "subscription_not_moved"))
        return [(alert.subject, alert.state, alert.count) for alert in rows]


def test_it_does_not_hold_up_the_others(runtime: Runtime, end: datetime) -> None:
    life.time_comes(runtime, end - DAY)
    assert life.charge(runtime, "other") is not None
    assert life.charge(runtime) is None
    assert life.subscription(runtime).renewal_charges == 0


def test_a_person_is_told_once_and_why(runtime: Runtime, end: datetime) -> None:
    with structlog.testing.capture_logs() as lines:
        life.time_comes(runtime, end - DAY)
        for _ in range(30):
            clock.advance(timedelta(seconds=1))
            pass_time(runtime)
    failures = [line for line in lines if line["event"] == "subscription_not_moved"]
    assert [(line["account"], line["log_level"]) for line in failures] == [("acme", "error")]
    assert told(runtime) == [("acme", "open", 1)]
    with runtime.database.transaction() as session:
        reason = session.scalars(select(Alert.details)).one()["reason"]
    assert "no longer sold" in reason


def test_the_pauses_grow_to_an_hour(runtime: Runtime, end: datetime) -> None:
    life.time_comes(runtime, end - DAY)
    pauses = []
    for _ in range(6):
        due = life.subscription(runtime).next_due_at
        assert due is not None
        pauses.append((due - clock.now()) // MINUTE)
        life.time_comes(runtime, due)
    assert pauses == [1, 5, 15, 60, 60, 60]


def test_as_soon_as_it_can_be_moved_it_is_and_the_alert_is_over(
    runtime: Runtime, end: datetime
) -> None:
    life.time_comes(runtime, end - DAY)
    become(runtime, "standard")
    life.time_comes(runtime, end - DAY + MINUTE)
    assert life.charge(runtime) is not None
    assert told(runtime) == [("acme", "resolved", 1)]


def test_when_it_fails_again_later_the_pauses_begin_anew(runtime: Runtime, end: datetime) -> None:
    for hours in (24, 20, 16):
        life.time_comes(runtime, end - timedelta(hours=hours))
    become(runtime, "standard")
    life.time_comes(runtime, end - timedelta(hours=12))
    life.answers(runtime, "soft")
    become(runtime, "no longer sold")
    # The order of the first try is still open: it is charged whatever the catalogue says by now.
    life.tries(runtime, end, "succeeded")
    life.time_comes(runtime, life.subscription(runtime).period_end - DAY)
    assert told(runtime) == [("acme", "resolved", 3), ("acme", "open", 1)]
