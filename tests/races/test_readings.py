"""A reading that arrives while the event that waits for it is being worked."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from types import ModuleType

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from domain import effects, inbox
from domain.database import Database
from domain.effects import Effect
from domain.inbox import Event
from tests import lives
from workers import perform_effects
from workers.runtime import Runtime

PATIENCE_S = 10.0


@pytest.fixture
def runtime(postgres_url: str) -> Iterator[Runtime]:
    database = Database(postgres_url)
    yield lives.runtime_on(database)
    database.dispose()


def asks(session: Session, event_id: int) -> bool:
    cause = f"event:{event_id}:0"
    return effects.want(session, "read_object", "order:1", cause, event_id=event_id)


def waiting_event(runtime: Runtime) -> tuple[int, Effect]:
    """An event that is due while what it wants to be read is being performed."""
    lives.account(runtime, "acme")
    paid, *_ = lives.payment_events(lives.order(runtime, "acme"))
    lives.deliver(runtime, paid)
    with runtime.database.transaction() as session:
        event_id = session.scalars(select(Event.id)).one()
        asks(session, event_id)
    with runtime.database.transaction() as session:
        (reading,) = effects.claim(session, 1, ["read_object"])
    return event_id, reading


def waits_for_a_lock(database: Database) -> bool:
    with database.transaction() as session:
        waiting = text(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(session.scalar(waiting))


def test_an_event_that_asks_again_while_its_answer_is_recorded_is_no_deadlock(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    errand = ModuleType("errand")
    errand.perform = lambda *_: {"sequence": 1}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "errand", errand)
    monkeypatch.setitem(perform_effects.KINDS, "read_object", "errand")
    event_id, reading = waiting_event(runtime)
    recording = threading.Thread(target=perform_effects.perform_one, args=(runtime, reading))
    with runtime.database.transaction() as session:
        (event,) = inbox.claim(session, 1, event_id)
        recording.start()
        deadline = time.monotonic() + PATIENCE_S
        while not waits_for_a_lock(runtime.database):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert not asks(session, event_id)
        inbox.postpone(event, "waiting", timedelta(minutes=5), "waiting for order:1")
    recording.join(PATIENCE_S)
    with runtime.database.transaction() as session:
        assert session.get_one(Effect, reading.id).status == "done"
        assert [each.id for each in inbox.claim(session, 5)] == [event_id]
