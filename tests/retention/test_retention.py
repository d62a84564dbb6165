"""Retention on both kinds of database: what goes by age, what stays, and what is said of it."""

from __future__ import annotations

import json
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import func, select

from domain import event_view, replays
from domain.audit import AuditEntry, Decider
from domain.database import Database
from domain.dropped_months import DroppedMonth
from domain.effects import Effect
from domain.errors import Misconfigured, Refused
from domain.event_search import Filter
from domain.inbox import Attempt, Delivery, Event, Payload
from domain.keeping import DEFAULT, Keeping, read
from domain.operator_sessions import OperatorSession
from domain.readings import StoredReading
from domain.replaying import step
from domain.replays import Plan, Replay, ReplayItem
from domain.tallies import Tally
from domain.transmissions import Transmission
from domain.trials import Trial
from tests import lives
from workers import process_events, retention
from workers import trials as dry_runs
from workers.cli import main
from workers.retention import BY_THE_CLOCK
from workers.runtime import Runtime

LATER = timedelta(days=500)
SHORT = Keeping(payloads=31, deliveries=31, attempts=31, readings=31, transmissions=31)
BY = Decider(actor="cli:test", reason="a test")


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Runtime:
    return lives.runtime_on(database)


def received(runtime: Runtime, *names: str) -> None:
    """Events about nothing that concerns anybody: worked, and ignored."""
    lives.deliver(runtime, *(lives.incoming(name, "cow.milked", {"id": name}) for name in names))
    process_events.drain(runtime)


def count(runtime: Runtime, table: Any) -> int:
    with runtime.database.transaction() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def drop(runtime: Runtime, keeping: Keeping = SHORT) -> bool:
    return retention.drop_old(runtime.database, keeping, BY_THE_CLOCK)


def test_what_is_old_goes_and_the_event_itself_stays(
    runtime: Runtime, frozen_clock: ModuleType
) -> None:
    received(runtime, "evt_1")
    frozen_clock.advance(LATER)
    received(runtime, "evt_2")
    assert drop(runtime)
    assert [count(runtime, each) for each in (Payload, Delivery, Attempt)] == [1, 1, 1]
    assert count(runtime, Event) == 2
    with runtime.database.transaction() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "drop")).all()
        assert {each.subject.partition(" ")[0] for each in entries} >= {"payloads", "attempts"}
        assert {each.actor for each in entries} == {"clock:retention"}


def test_what_is_kept_for_ever_stays(runtime: Runtime, frozen_clock: ModuleType) -> None:
    received(runtime, "evt_1")
    frozen_clock.advance(LATER)
    forever = Keeping(payloads=None, deliveries=None, attempts=None, readings=None)
    assert drop(runtime, forever)
    assert [count(runtime, each) for each in (Payload, Delivery, Attempt)] == [1, 1, 1]
    assert count(runtime, DroppedMonth) == 0


def test_an_unfinished_event_keeps_what_it_needs(
    runtime: Runtime, frozen_clock: ModuleType
) -> None:
    received(runtime, "evt_1", "evt_2")
    with runtime.database.transaction() as session:
        parked = session.scalars(select(Event).order_by(Event.id)).first()
        assert parked is not None
        parked.status = "parked"
    frozen_clock.advance(LATER)
    assert drop(runtime)
    with runtime.database.transaction() as session:
        kept = session.scalars(select(Payload.event_id)).all()
        assert parked.id in kept
        session.get_one(Event, parked.id).status = "dismissed"
    assert drop(runtime)
    assert count(runtime, Payload) == 0


def test_a_reading_stays_while_an_unfinished_event_asked_for_its_object(
    runtime: Runtime, frozen_clock: ModuleType
) -> None:
    received(runtime, "evt_1")
    now = frozen_clock.now()
    with runtime.database.transaction() as session:
        event = session.scalars(select(Event)).one()
        event.status = "parked"
        for name in ("wanted", "other"):
            session.add(
                StoredReading(provider="stripe", kind="payment", object_id=name, asked_at=now)
            )
        session.add(
            Effect(
                cause="x",
                kind="read_object",
                target="payment:wanted",
                status="done",
                payload={},
                event_id=event.id,
                attempts=1,
                created_at=now,
            )
        )
    frozen_clock.advance(LATER)
    assert drop(runtime)
    with runtime.database.transaction() as session:
        assert session.scalars(select(StoredReading.object_id)).all() == ["wanted"]


def test_transmissions_are_forgotten_by_age(runtime: Runtime, frozen_clock: ModuleType) -> None:
    for name in ("t1", "t2"):
        if name == "t2":
            frozen_clock.advance(LATER)
        row = lives.incoming(f"evt_{name}", "cow.milked", {}, delivery_key=name)
        lives.deliver(runtime, row)
    assert drop(runtime)
    with runtime.database.transaction() as session:
        assert session.scalars(select(Transmission.delivery_key)).all() == ["t2"]


def test_what_is_of_no_use_after_a_while_is_forgotten(
    runtime: Runtime, frozen_clock: ModuleType
) -> None:
    now = frozen_clock.now()
    with runtime.database.transaction() as session:
        session.add(Trial(event_id=1, state="done", actor="x", wanted_at=now, due_at=now))
        for unit in ("minutes", "days"):
            session.add(Tally(unit=unit, start=now, series="received", provider="x", count=1))
        old = frozen_clock.wall() - timedelta(days=98)
        session.add(
            OperatorSession(operator_id=1, digest=b"x", created_at=old, last_seen_at=old, agent="x")
        )
    frozen_clock.advance(timedelta(days=36))
    drop(runtime)
    assert [count(runtime, each) for each in (Trial, OperatorSession, Tally)] == [0, 0, 1]


def test_the_duty_drops_once_a_day(runtime: Runtime, frozen_clock: ModuleType) -> None:
    received(runtime, "evt_1")
    retention.keep(runtime)
    frozen_clock.advance(LATER)
    retention.keep(runtime)
    assert count(runtime, Payload) == 1


def test_the_duty_goes_on_where_its_patience_ended(
    runtime: Runtime, frozen_clock: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    received(runtime, "evt_1")
    frozen_clock.advance(LATER)
    monkeypatch.setattr(retention, "PATIENCE_S", -1.0)
    retention.keep(runtime)
    assert count(runtime, Payload) == 1
    monkeypatch.setattr(retention, "PATIENCE_S", 60.0)
    retention.keep(runtime)
    assert count(runtime, Payload) == 0


def test_the_view_says_when_a_payload_was_dropped(
    runtime: Runtime, frozen_clock: ModuleType
) -> None:
    received(runtime, "evt_1")
    frozen_clock.advance(LATER)
    drop(runtime)
    with runtime.database.transaction() as session:
        seen = event_view.view(session, session.scalars(select(Event.id)).one())
    assert (seen.payload, seen.body, seen.deliveries) == (None, None, [])
    assert seen.dropped_at == frozen_clock.now()


def test_a_replay_without_payload_is_refused_and_the_setting_named(
    runtime: Runtime, frozen_clock: ModuleType
) -> None:
    received(runtime, "evt_1")
    frozen_clock.advance(LATER)
    drop(runtime)
    plan = Plan(filter=Filter(type="cow.milked"))
    with (
        pytest.raises(Refused, match="BILLHOOK_KEEP_PAYLOADS_DAYS") as refused,
        runtime.database.transaction() as session,
    ):
        replays.create(session, plan, BY)
    assert refused.value.code == "payload_dropped"
    assert count(runtime, Replay) == 0


def test_a_replay_of_several_leaves_out_what_has_no_payload(
    runtime: Runtime, frozen_clock: ModuleType
) -> None:
    received(runtime, "evt_1")
    frozen_clock.advance(LATER)
    drop(runtime)
    received(runtime, "evt_2")
    with runtime.database.transaction() as session:
        number = replays.create(session, Plan(filter=Filter(type="cow.milked")), BY).id
    with runtime.database.transaction() as session:
        step(session, number)
    with runtime.database.transaction() as session:
        items = session.scalars(select(ReplayItem).order_by(ReplayItem.position)).all()
        assert [each.state for each in items] == ["skipped", "started"]
        assert "BILLHOOK_KEEP_PAYLOADS_DAYS" in (items[0].note or "")
        statuses = session.scalars(select(Event.status).order_by(Event.id)).all()
        assert statuses == ["ignored", "received"]


def test_a_dry_run_says_that_the_payload_is_gone(
    runtime: Runtime, frozen_clock: ModuleType
) -> None:
    received(runtime, "evt_1")
    frozen_clock.advance(LATER)
    drop(runtime)
    told = dry_runs.attempt(runtime, lives.events(runtime)[0].id)
    assert told["note"] == "its payload was dropped by age"


def test_the_command_shows_what_will_go_and_drops_it(
    runtime: Runtime,
    frozen_clock: ModuleType,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("BILLHOOK_KEEP_PAYLOADS_DAYS", "31")
    received(runtime, "evt_1", "evt_2")
    with runtime.database.transaction() as session:
        session.scalars(select(Event).order_by(Event.id).limit(1)).one().status = "parked"
    frozen_clock.advance(LATER)
    assert main(["retention", "--dry-run", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)
    assert {line["store"] for line in lines} >= {"payloads", "deliveries", "attempts"}
    assert count(runtime, Payload) == 2
    assert main(["retention"]) == 0
    assert "payloads" in capsys.readouterr().out
    assert count(runtime, Payload) == 1


def test_settings_of_retention_are_days_or_forever() -> None:
    told = {"BILLHOOK_KEEP_PAYLOADS_DAYS": "90", "BILLHOOK_KEEP_ATTEMPTS_DAYS": "Forever"}
    assert read(told) == Keeping(payloads=90, attempts=None)
    assert read({}).payloads == DEFAULT
    for wrong in ("30", "0", "-5", "a year"):
        with pytest.raises(Misconfigured, match="BILLHOOK_KEEP_READINGS_DAYS"):
            read({"BILLHOOK_KEEP_READINGS_DAYS": wrong})
