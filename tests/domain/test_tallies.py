"""Sums over time: exact, final, and caught up with however late they are made."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import delete

from domain import tallies
from domain.database import Database
from domain.inbox import Attempt, Event
from domain.marks import Mark


def receive(database: Database, clock: ModuleType, count: int, provider: str = "acme") -> list[int]:
    """Store events as if they came now; returns their numbers."""
    at = clock.now()
    with database.transaction() as session:
        events = [
            Event(
                provider=provider,
                provider_event_id=f"{provider} {at} {number}",
                type="paid",
                status="received",
                origin="webhook",
                delivery_id="d",
                received_at=at,
            )
            for number in range(count)
        ]
        session.add_all(events)
        session.flush()
        return [event.id for event in events]


def attempt(database: Database, clock: ModuleType, event_id: int, **values: Any) -> None:
    """Note a try at an event."""
    with database.transaction() as session:
        session.add(Attempt(event_id=event_id, at=clock.now(), **values))


def count(database: Database) -> None:
    """Count until nothing is left."""
    for counting in (tallies.count_events, tallies.count_attempts):
        more = True
        while more:
            with database.transaction() as session:
                more = counting(session)


def sums(database: Database, clock: ModuleType, unit: str) -> dict[str, list[int]]:
    """The counts of every series, in the order of time."""
    with database.transaction() as session:
        found = tallies.since(session, unit, clock.now() - timedelta(days=60))
    return {series: [each[at] for at in sorted(each)] for series, each in found.items()}


def test_what_comes_in_is_counted_once_in_every_unit(
    database: Database, frozen_clock: ModuleType
) -> None:
    receive(database, frozen_clock, 3)
    frozen_clock.advance(timedelta(minutes=7))
    receive(database, frozen_clock, 2, "other")
    frozen_clock.advance(timedelta(minutes=2))
    count(database)
    count(database)
    assert sums(database, frozen_clock, "minutes")["received"] == [3, 2]
    assert sums(database, frozen_clock, "hours")["received"] == [5]
    assert sums(database, frozen_clock, "days")["received"] == [5]


def test_an_event_is_counted_only_when_no_earlier_number_can_still_be_committed(
    database: Database, frozen_clock: ModuleType
) -> None:
    receive(database, frozen_clock, 1)
    frozen_clock.advance(tallies.SETTLED - timedelta(seconds=1))
    count(database)
    assert sums(database, frozen_clock, "days") == {}
    receive(database, frozen_clock, 4)
    frozen_clock.advance(timedelta(seconds=2))
    count(database)
    assert sums(database, frozen_clock, "days")["received"] == [1]
    frozen_clock.advance(tallies.SETTLED)
    count(database)
    assert sums(database, frozen_clock, "days")["received"] == [5]


def test_a_store_that_was_never_counted_is_caught_up_with_in_pieces(
    database: Database, frozen_clock: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "STEP", 7)
    for _ in range(5):
        receive(database, frozen_clock, 5)
        frozen_clock.advance(timedelta(days=1))
    with database.transaction() as session:
        assert tallies.count_events(session)
        assert session.get_one(Mark, "events").counted_to == 7
    count(database)
    assert sums(database, frozen_clock, "days")["received"] == [5] * 5


def test_attempts_are_counted_by_what_became_of_them(
    database: Database, frozen_clock: ModuleType
) -> None:
    first, second, third = receive(database, frozen_clock, 3)
    attempt(database, frozen_clock, first, outcome="processed")
    attempt(database, frozen_clock, second, outcome="waiting", error="boom")
    attempt(database, frozen_clock, second, outcome="parked", error="boom")
    attempt(database, frozen_clock, third, outcome="ignored")
    attempt(database, frozen_clock, third, outcome="retry asked for")
    frozen_clock.advance(timedelta(minutes=2))
    count(database)
    found = sums(database, frozen_clock, "days")
    assert (found["finished"], found["failed"]) == ([2], [2])
    with database.transaction() as session:
        by_provider = tallies.totals(session, "minutes", frozen_clock.now() - timedelta(hours=1))
    assert by_provider["failed", "acme"] == 2


def test_levels_are_those_of_the_last_look(database: Database, frozen_clock: ModuleType) -> None:
    for waiting in (5, 3):
        with database.transaction() as session:
            tallies.note_levels(session, {"waiting": waiting, "parked": 1})
    frozen_clock.advance(timedelta(minutes=5))
    with database.transaction() as session:
        tallies.note_levels(session, {"waiting": 0, "parked": 2})
    found = sums(database, frozen_clock, "minutes")
    assert (found["waiting"], found["parked"]) == ([3, 0], [1, 2])


def test_the_last_event_of_a_silent_provider_is_found(
    database: Database, frozen_clock: ModuleType
) -> None:
    at = frozen_clock.now()
    receive(database, frozen_clock, 1, "silent")
    frozen_clock.advance(timedelta(days=30))
    receive(database, frozen_clock, 3)
    frozen_clock.advance(timedelta(minutes=2))
    count(database)
    with database.transaction() as session:
        assert tallies.last_received(session, "silent") == (at, "paid")
        assert tallies.last_received(session, "nobody") is None


def test_a_number_that_a_running_transaction_has_taken_is_not_passed_over(
    database: Database, frozen_clock: ModuleType
) -> None:
    [first] = receive(database, frozen_clock, 1)
    frozen_clock.advance(tallies.SETTLED * 2)
    taken, later, _ = receive(database, frozen_clock, 3)
    with database.transaction() as session:
        # As others see it before the transactions with these numbers end.
        session.execute(delete(Event).where(Event.id.in_([taken, later])))
    count(database)
    with database.transaction() as session:
        assert session.get_one(Mark, "events").counted_to == first


def test_what_becomes_ready_while_it_counts_is_left_to_the_next_run(
    database: Database, frozen_clock: ModuleType
) -> None:
    receive(database, frozen_clock, 2)
    frozen_clock.advance(tallies.SETTLED * 2)
    receive(database, frozen_clock, 2)
    with database.transaction() as session:
        assert not tallies.count_events(session)
        assert session.get_one(Mark, "events").counted_to == 2
