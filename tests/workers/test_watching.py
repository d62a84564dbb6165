"""Every rule of the watch opens when it should, says what it must, and closes again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from domain import alert_words, clock, heartbeats
from domain.alert_rules import RULES
from domain.alerts import Alert
from domain.database import Database
from domain.effects import Effect
from tests import lives
from tests.workers.troubles import CASES, HOUR, MINUTE, Change, calls, effect, parked
from workers import process_events
from workers.runtime import Runtime
from workers.watching import LOOKS, SLOW_LOOKS
from workers.watching.looking import look_at

ALL = {**LOOKS, **SLOW_LOOKS}
pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def runtime(database: Database) -> Runtime:
    """An account that has paid by card."""
    runtime = lives.runtime_on(database)
    lives.account(runtime)
    lives.deliver(runtime, *lives.payment_events(lives.order(runtime)))
    process_events.drain(runtime)
    with runtime.database.transaction() as session:
        session.execute(delete(Effect))
    return runtime


def seen(runtime: Runtime, rule: str) -> list[Alert]:
    """The rule's alerts after one look."""
    look_at(runtime, {rule: ALL[rule]})
    with runtime.database.transaction() as session:
        return list(session.scalars(select(Alert).where(Alert.rule == rule)))


def change(runtime: Runtime, how: Change) -> None:
    with runtime.database.transaction() as session:
        how(session)


def test_every_rule_that_the_watch_ends_is_looked_at() -> None:
    assert set(ALL) == {rule.name for rule in RULES.values() if rule.ends == "watch"}
    assert set(CASES) == set(ALL)


@pytest.mark.parametrize("rule", CASES)
def test_the_rule_opens_and_closes(runtime: Runtime, rule: str) -> None:
    case = CASES[rule]
    assert seen(runtime, rule) == []
    change(runtime, case.breaks)
    [opened] = seen(runtime, rule)
    [still] = seen(runtime, rule)
    assert (still.state, still.subject, still.count) == ("open", case.subject, 1)
    said = f"{alert_words.sentence(opened)} {alert_words.whom(opened)}"
    assert case.says in said
    assert "?" not in said
    change(runtime, case.mends)
    clock.advance(case.after)
    [closed] = seen(runtime, rule)
    assert closed.state == "resolved"


@pytest.mark.parametrize("rule", ["parked_events", "secret_trouble", "invariant_broken"])
def test_an_acknowledged_alert_stays_acknowledged_and_closes_all_the_same(
    runtime: Runtime, rule: str
) -> None:
    change(runtime, CASES[rule].breaks)
    seen(runtime, rule)
    change(runtime, lambda s: s.execute(update(Alert).values(state="acknowledged")))
    assert [alert.state for alert in seen(runtime, rule)] == ["acknowledged"]
    change(runtime, CASES[rule].mends)
    clock.advance(CASES[rule].after)
    assert [alert.state for alert in seen(runtime, rule)] == ["resolved"]


def test_a_new_installation_is_not_called_silent(runtime: Runtime) -> None:
    change(runtime, lambda s: calls(s, 30 * HOUR, accepted=500))
    change(runtime, lambda s: calls(s, 26 * HOUR, accepted=500))
    assert seen(runtime, "provider_silent") == []


def test_a_provider_that_is_silent_every_night_is_not_called_silent(runtime: Runtime) -> None:
    for day in range(1, 30):
        change(runtime, lambda s, day=day: calls(s, day * 24 * HOUR + 3 * HOUR, accepted=200))  # type: ignore[misc]
    change(runtime, lambda s: calls(s, 3 * HOUR, accepted=200))
    assert seen(runtime, "provider_silent") == []


def test_a_secret_that_was_mended_is_not_followed_by_an_alert_about_what_it_refused(
    runtime: Runtime,
) -> None:
    change(runtime, lambda s: calls(s, MINUTE, refused=50))
    seen(runtime, "secret_trouble")
    change(runtime, lambda s: calls(s, MINUTE, refused=50, accepted=1))
    assert [alert.state for alert in seen(runtime, "secret_trouble")] == ["resolved"]
    assert seen(runtime, "signature_failures") == []


def test_a_certificate_that_ends_soon_is_told_two_weeks_before(runtime: Runtime) -> None:
    soon, later = clock.now() + timedelta(days=13), clock.now() + timedelta(days=200)
    change(runtime, lambda s: calls(s, HOUR, accepted=1, trusted_until=soon))
    [alert] = seen(runtime, "certificate_trouble")
    assert "ends at 2026-03-15 10:00 UTC" in alert_words.sentence(alert)
    change(runtime, lambda s: calls(s, MINUTE, accepted=1, trusted_until=later))
    assert [alert.state for alert in seen(runtime, "certificate_trouble")] == ["resolved"]


def test_processes_that_start_together_do_not_miss_each_other(runtime: Runtime) -> None:
    change(runtime, lambda s: heartbeats.beat(s, "clock", "young", clock.wall()))
    assert seen(runtime, "worker_not_seen") == []


def test_a_look_that_fails_does_not_keep_the_others_from_looking(runtime: Runtime) -> None:
    def broken(*_: object) -> list[Any]:
        raise ZeroDivisionError

    change(runtime, parked)
    look_at(runtime, {"failure_rate": broken, "parked_events": LOOKS["parked_events"]})
    with runtime.database.transaction() as session:
        assert session.scalars(select(Alert.rule)).all() == ["parked_events"]


def test_messages_about_alerts_are_no_alarm_of_the_effects(runtime: Runtime) -> None:
    change(runtime, lambda s: s.add(effect("parked", 1, kind="send_alert")))
    change(runtime, lambda s: s.add(effect("wanted", 2, kind="send_alert")))
    assert seen(runtime, "effects_parked") == []
    assert seen(runtime, "effects_stuck") == []
