"""Webhook calls are counted in memory and stored seldom, however many come."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from domain import clock, traffic
from domain.database import Database
from domain.traffic import Counts, TrafficSlot
from tests import lives
from webhooks.api.parts import Services
from webhooks.app import create_app
from webhooks.traffic_log import TrafficLog
from workers.runtime import SilentBell

pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def log(database: Database) -> TrafficLog:
    return TrafficLog(database, lives.runtime_on(database).providers)


def slots(database: Database) -> list[tuple[str, int, int, int]]:
    with database.transaction() as session:
        rows = session.scalars(select(TrafficSlot).order_by(TrafficSlot.provider))
        return [(row.provider, row.accepted, row.refused, row.unverified) for row in rows]


def test_any_number_of_calls_is_one_row_for_a_provider_and_five_minutes(
    database: Database, log: TrafficLog
) -> None:
    for status in [200] * 30 + [400] * 500 + [429] * 20 + [202, 413, 503]:
        log.counter.count("stripe", status)
    log.store()
    log.counter.count("stripe", 200)
    log.counter.count("paypal", 200)
    log.store()
    assert slots(database) == [("paypal", 1, 0, 0), ("stripe", 31, 520, 1)]


def test_two_processes_add_up(database: Database, log: TrafficLog) -> None:
    other = TrafficLog(database, lives.runtime_on(database).providers)
    for each in (log, other):
        each.counter.count("stripe", 200)
        each.store()
    assert slots(database) == [("stripe", 2, 0, 0)]


def test_the_last_authentic_call_is_remembered_and_refused_ones_do_not_move_it(
    database: Database, log: TrafficLog
) -> None:
    log.counter.count("stripe", 200)
    log.store()
    came = clock.now()
    clock.advance(traffic.SLOT)
    log.counter.count("stripe", 400)
    log.store()
    with database.transaction() as session:
        assert traffic.last_accepted(session) == {"stripe": came}


def test_what_cannot_be_stored_is_kept_for_the_next_time(
    log: TrafficLog, blank_sqlite_url: str, database: Database
) -> None:
    away = TrafficLog(Database(blank_sqlite_url), lives.runtime_on(database).providers)
    away.counter.count("stripe", 200)
    away.counter.count("stripe", 400)
    away.store()
    away.counter.count("stripe", 200)
    assert away.counter.take() == {"stripe": Counts(accepted=2, refused=1)}


def test_the_web_process_counts_what_it_refuses(database: Database) -> None:
    runtime = lives.runtime_on(database)
    services = Services(
        settings=runtime.settings,
        database=database,
        providers=runtime.providers,
        catalogue=runtime.catalogue,
        bell=SilentBell(),
    )
    with TestClient(create_app(services)) as client:
        for _ in range(3):
            assert client.post("/webhooks/stripe", content=b"{}").status_code == 400
        assert client.post("/webhooks/nobody", content=b"{}").status_code == 404
    assert slots(database) == [("stripe", 0, 3, 0)]
