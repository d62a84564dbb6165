"""Processes say that they are alive; the others miss the clock, and the clock the workers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import select, update

from domain import clock, heartbeats
from domain.alerts import Alert
from domain.database import Database
from domain.effects import Effect
from domain.heartbeats import Heartbeat
from tests import lives
from workers.clock import Clock
from workers.heart import Heart
from workers.runtime import Runtime
from workers.watch import watch_work


@pytest.fixture
def runtime(database: Database) -> Runtime:
    return lives.runtime_on(database)


@pytest.fixture
def heart(runtime: Runtime) -> Iterator[Heart]:
    heart = Heart(runtime, "worker")
    yield heart
    if heart._thread.is_alive():
        heart.stop()


def an_hour_ago(runtime: Runtime) -> None:
    """Every process that is alive has been for an hour."""
    with runtime.database.transaction() as session:
        back = clock.wall() - timedelta(hours=1)
        session.execute(update(Heartbeat).values(since=back))


def processes(runtime: Runtime) -> list[str]:
    with runtime.database.transaction() as session:
        return sorted(session.scalars(select(Heartbeat.kind)))


def missed(runtime: Runtime) -> list[tuple[str, str]]:
    with runtime.database.transaction() as session:
        rows = session.scalars(select(Alert).order_by(Alert.id))
        return [(alert.rule, alert.state) for alert in rows]


def test_a_process_is_seen_while_it_lives_and_says_good_bye(runtime: Runtime, heart: Heart) -> None:
    beaten = threading.Event()
    beat = heart.beat

    def and_tell() -> None:
        beat()
        beaten.set()

    heart.beat = and_tell  # type: ignore[method-assign]
    heart.start()
    assert beaten.wait(10)
    assert processes(runtime) == ["worker"]
    heart.stop()
    assert processes(runtime) == []


def test_a_clock_says_that_it_is_alive_also_as_a_standby(runtime: Runtime) -> None:
    first, second = Clock(runtime, ()), Clock(runtime, ())
    assert first.tick()
    assert not second.tick()
    assert processes(runtime) == ["clock", "clock"]


def test_a_missing_clock_is_an_alert_of_the_others_and_closed_by_the_clock(
    runtime: Runtime, heart: Heart
) -> None:
    heart.beat()
    assert missed(runtime) == []
    an_hour_ago(runtime)
    heart.beat()
    heart.beat()
    assert missed(runtime) == [("clock_not_seen", "open")]
    Clock(runtime).tick()
    assert missed(runtime) == [("clock_not_seen", "resolved")]


def test_without_a_clock_a_worker_tells_of_it(runtime: Runtime, heart: Heart) -> None:
    webhook = {"alert_webhook_url": "http://127.0.0.1:9", "alert_webhook_secret": "s"}
    runtime.settings = msgspec.structs.replace(runtime.settings, **webhook)
    heart.beat()
    an_hour_ago(runtime)
    heart.beat()
    heart.beat()
    with runtime.database.transaction() as session:
        wanted = session.scalars(select(Effect)).all()
    assert [(each.kind, each.target) for each in wanted] == [("send_alert", "webhook")]


def test_a_missing_worker_is_an_alert_of_the_clock(runtime: Runtime, heart: Heart) -> None:
    Clock(runtime, ()).tick()
    watch_work(runtime)
    assert missed(runtime) == []
    an_hour_ago(runtime)
    watch_work(runtime)
    assert missed(runtime) == [("worker_not_seen", "open")]
    heart.beat()
    watch_work(runtime)
    assert missed(runtime) == [("worker_not_seen", "resolved")]


def test_what_ended_long_ago_is_forgotten(runtime: Runtime, heart: Heart) -> None:
    heart.beat()
    with runtime.database.transaction() as session:
        heartbeats.forget(session, clock.wall() + timedelta(hours=23))
        assert heartbeats.last_seen(session, "worker") is not None
        heartbeats.forget(session, clock.wall() + timedelta(hours=25))
        assert heartbeats.last_seen(session, "worker") is None
