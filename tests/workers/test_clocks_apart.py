"""Hosts whose clocks differ: what one received is worked on by the other all the same."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from domain import clock
from domain.inbox import Event
from tests import lives
from tests.workers.conftest import Played
from workers import perform_effects, process_events

AHEAD = timedelta(minutes=4)


def test_an_event_from_a_host_whose_clock_is_ahead_uses_the_reading_that_it_asked_for(
    played: Played,
) -> None:
    runtime = played.runtime
    method = {"id": "pm_gone", "object": "payment_method", "type": "card"}
    ahead = clock.now() + AHEAD
    told = lives.incoming("evt_1", "payment_method.attached", method, received_at=ahead)
    lives.deliver(runtime, told)
    with runtime.database.transaction() as session:
        session.execute(update(Event).values(next_attempt_at=clock.now()))
    process_events.drain(runtime)
    assert perform_effects.drain(runtime) == 1
    process_events.drain(runtime)
    [event] = lives.events(runtime)
    assert event.status == "ignored", event.note
