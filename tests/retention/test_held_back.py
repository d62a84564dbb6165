"""A month that stays though it was to go is told by an alert, which closes by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import ModuleType

import msgspec
import pytest
from sqlalchemy import select

from domain import alert_words, clock
from domain.alerts import Alert
from domain.database import Database
from domain.inbox import Event, Payload
from domain.keeping import Keeping
from domain.months import month_of
from tests import lives
from workers import retention
from workers.retention import BY_THE_CLOCK
from workers.runtime import Runtime
from workers.watching import SLOW_LOOKS
from workers.watching.looking import look_at

RULE = "month_held_back"
DAY = timedelta(days=1)
KEEPING = Keeping(payloads=31, deliveries=31, attempts=31)


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Runtime:
    return keeping(lives.runtime_on(database), KEEPING)


def keeping(runtime: Runtime, days: Keeping) -> Runtime:
    return replace(runtime, settings=msgspec.structs.replace(runtime.settings, keeping=days))


def received(runtime: Runtime, name: str, status: str) -> int:
    """An event that came now and is in that state; returns its number."""
    lives.deliver(runtime, lives.incoming(name, "cow.milked", {"id": name}))
    with runtime.database.transaction() as session:
        event = session.scalars(select(Event).where(Event.provider_event_id == name)).one()
        event.status = status
        return event.id


def become(runtime: Runtime, number: int, status: str) -> None:
    with runtime.database.transaction() as session:
        session.get_one(Event, number).status = status


def alerts(runtime: Runtime) -> list[Alert]:
    """The alerts that are open after one look, by subject."""
    look_at(runtime, {RULE: SLOW_LOOKS[RULE]})
    with runtime.database.transaction() as session:
        rows = select(Alert).where(Alert.rule == RULE, Alert.state != "resolved")
        return list(session.scalars(rows.order_by(Alert.subject)))


def test_a_month_is_told_a_week_after_it_was_to_go_and_not_before(
    runtime: Runtime, frozen_clock: ModuleType
) -> None:
    received(runtime, "evt_1", "parked")
    due = month_of(clock.now()).end + 31 * DAY
    frozen_clock.travel(due + 7 * DAY - timedelta(seconds=1))
    assert alerts(runtime) == []
    frozen_clock.travel(due + 7 * DAY)
    [alert] = alerts(runtime)
    assert alert.subject == "payloads 2026-03"
    assert alert_words.sentence(alert) == (
        "What the table payloads has of 2026-03 was to go on 2026-05-02 00:00 UTC "
        "(BILLHOOK_KEEP_PAYLOADS_DAYS). Unfinished events still need it: 1 parked. Have them "
        "worked, or dismiss them: then it goes within a day."
    )


@pytest.mark.parametrize("end", ["processed", "ignored", "dismissed"])
def test_the_alert_closes_when_the_month_can_go_and_then_it_goes(
    runtime: Runtime, frozen_clock: ModuleType, end: str
) -> None:
    number = received(runtime, "evt_1", "parked")
    frozen_clock.advance(100 * DAY)
    retention.drop_old(runtime.database, KEEPING, BY_THE_CLOCK)
    assert len(alerts(runtime)) == 1
    become(runtime, number, end)
    assert alerts(runtime) == []
    retention.drop_old(runtime.database, KEEPING, BY_THE_CLOCK)
    with runtime.database.transaction() as session:
        assert session.scalars(select(Payload)).all() == []


def test_each_month_and_table_has_an_alert_of_its_own_with_all_that_holds_it(
    runtime: Runtime, frozen_clock: ModuleType
) -> None:
    for name, status in (("a", "parked"), ("b", "parked"), ("c", "waiting"), ("d", "processed")):
        received(runtime, name, status)
    frozen_clock.advance(31 * DAY)
    received(runtime, "e", "quarantined")
    frozen_clock.advance(100 * DAY)
    told = {each.subject: each.details["held"] for each in alerts(runtime)}
    assert told == {
        "deliveries 2026-04": {"quarantined": 1},
        "payloads 2026-03": {"parked": 2, "waiting": 1},
        "payloads 2026-04": {"quarantined": 1},
    }


def test_an_event_whose_payload_is_gone_holds_nothing(
    runtime: Runtime, frozen_clock: ModuleType
) -> None:
    number = received(runtime, "evt_1", "processed")
    frozen_clock.advance(100 * DAY)
    retention.drop_old(runtime.database, KEEPING, BY_THE_CLOCK)
    become(runtime, number, "parked")
    assert alerts(runtime) == []


def test_what_is_kept_for_ever_is_not_held_back(runtime: Runtime, frozen_clock: ModuleType) -> None:
    received(runtime, "evt_1", "parked")
    frozen_clock.advance(1000 * DAY)
    assert len(alerts(runtime)) == 1
    assert alerts(keeping(runtime, Keeping(payloads=None, deliveries=None))) == []
