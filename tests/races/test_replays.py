"""Replays against each other, against duplicates that come by webhook, and against impatience."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from domain import failures, replays
from domain.database import Database
from domain.errors import Refused
from domain.event_search import Filter
from domain.failures import FailureGroup
from domain.inbox import Event
from tests import lives
from tests.invariants import assert_invariants
from tests.stories.outcome import differences, outcome
from tests.workers.breakable import BY, bought, breakable, items, shown, start, work
from workers import process_events
from workers.replay import group_failures, replay
from workers.runtime import Runtime

PATIENCE = 400


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Runtime:
    runtime = lives.runtime_on(database)
    bought(runtime, 6)
    work(runtime)
    return runtime


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Make calls at the same moment; what they return, or the refusal that they raised."""
    barrier = threading.Barrier(len(calls))

    def one(call: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return call()
        except Refused as refused:
            return refused.code

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def test_of_two_who_cancel_one_is_told_that_it_is_over(runtime: Runtime) -> None:
    number = start(runtime, Filter(provider="stripe"))

    def cancel() -> str:
        with runtime.database.transaction() as session:
            return replays.cancel(session, number, BY).state

    assert sorted(at_once(cancel, cancel)) == ["cancelled", "replay_not_running"]


def test_two_clocks_never_begin_an_item_twice(runtime: Runtime) -> None:
    number = start(runtime, Filter(provider="stripe"), canary=4, rate=3)

    def move() -> None:
        for _ in range(PATIENCE):
            replay(runtime)
            process_events.drain(runtime)
            if shown(runtime, number).state == "done":
                return

    at_once(move, move)
    done = shown(runtime, number)
    assert (done.state, done.started, done.passed, done.total) == ("done", 18, 18, 18)
    assert {item.state for item in items(runtime, number)} == {"passed"}
    assert_invariants(runtime.database)


def test_duplicates_that_come_during_a_replay_change_nothing(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        before = outcome(session)
        rows = [event.provider_event_id for event in session.scalars(select(Event))]
    number = start(runtime, Filter(provider="stripe"), canary=0)

    def move() -> None:
        for _ in range(PATIENCE):
            replay(runtime)
            process_events.drain(runtime)
            if shown(runtime, number).state == "done":
                return

    def send_again() -> int:
        again = [lives.incoming(one, "charge.succeeded", {}) for one in rows]
        return sum(lives.deliver(runtime, one)[0].duplicate for one in again)

    assert at_once(move, send_again, process_events_twice(runtime))[1] == len(rows)
    assert (shown(runtime, number).state, shown(runtime, number).passed) == ("done", len(rows))
    with runtime.database.transaction() as session:
        assert differences(before, outcome(session)) == []
        assert session.scalar(select(func.count()).select_from(Event)) == len(rows)
    assert_invariants(runtime.database)


def process_events_twice(runtime: Runtime) -> Callable[[], None]:
    """Another worker."""

    def work_on() -> None:
        for _ in range(20):
            process_events.drain(runtime)

    return work_on


def test_two_clocks_that_count_failures_make_one_group(runtime: Runtime) -> None:
    breakable(runtime).broken = {"charge.succeeded"}
    start(runtime, Filter(type="charge.succeeded"), canary=0)
    replay(runtime)
    process_events.drain(runtime)
    at_once(lambda: group_failures(runtime), lambda: group_failures(runtime))
    with runtime.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(FailureGroup)) == 1
        assert [group.members for group in failures.page(session, 10)] == [6]
