"""Figures for Prometheus: complete, bounded, added up over processes, and not for strangers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from domain import alerts, clock, heartbeats, tokens
from domain.database import Database
from domain.effects import Effect
from tests import lives
from tests.architecture.tree import ROOT
from tests.monitoring import samples_of
from webhooks.api.parts import Services
from webhooks.app import create_app
from webhooks.metrics import Figures
from workers.runtime import SilentBell

HERE = ("127.0.0.1", 50000)
THERE = ("192.0.2.7", 50000)
pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def services(database: Database) -> Services:
    runtime = lives.runtime_on(database)
    return Services(
        settings=runtime.settings,
        database=database,
        providers=runtime.providers,
        catalogue=runtime.catalogue,
        bell=SilentBell(),
    )


@pytest.fixture
def here(services: Services) -> Iterator[TestClient]:
    """The application, called from its own machine."""
    with TestClient(create_app(services), client=HERE) as client:
        yield client


def figure(text: str, name: str, **labels: str) -> float:
    """The value of one figure."""
    return samples_of(text)[name, frozenset(labels.items())]


def test_the_database_tells_what_waits_what_is_open_and_who_runs(
    here: TestClient, database: Database
) -> None:
    late = clock.now() - timedelta(seconds=90)
    with database.transaction() as session:
        times = {"next_attempt_at": late, "attempts": 0}
        session.add(Effect(cause="a", kind="send_mail", target="b", status="wanted", **times))
        alerts.raise_alert(session, "dispute_lost", "a:1")
        heartbeats.beat(session, "worker", "one", clock.wall())
    text = here.get("/metrics").text
    assert figure(text, "billhook_store_up") == 1
    assert figure(text, "billhook_effects_backlog", status="wanted") == 1
    assert figure(text, "billhook_effects_age_seconds") == 90
    assert figure(text, "billhook_backlog", status="parked") == 0
    about = {"severity": "warning", "state": "open"}
    assert figure(text, "billhook_alerts", rule="dispute_lost", **about) == 1
    assert figure(text, "billhook_processes", kind="worker") == 1
    assert figure(text, "billhook_processes", kind="clock") == 0


def test_asking_often_does_not_make_the_database_work(database: Database) -> None:
    figures = Figures(database)
    first = list(figures.collect())
    database.dispose()
    with database.transaction() as session:
        alerts.raise_alert(session, "dispute_lost", "a:1")
    assert list(figures.collect()) == first


def test_without_the_database_the_processes_own_figures_are_told(
    services: Services, blank_sqlite_url: str
) -> None:
    away = Services(
        settings=services.settings,
        database=Database(blank_sqlite_url),
        providers=services.providers,
        catalogue=services.catalogue,
        bell=services.bell,
    )
    with TestClient(create_app(away), client=HERE) as client:
        text = client.get("/metrics").text
    assert figure(text, "billhook_store_up") == 0
    assert "billhook_deliveries_total" in text


def test_from_elsewhere_a_token_is_needed(services: Services, database: Database) -> None:
    with database.transaction() as session:
        secrets = {role: tokens.create(session, role, "tests")[1] for role in ("viewer", "app")}
    with TestClient(create_app(services), client=THERE) as client:
        assert client.get("/metrics").json()["code"] == "not_signed_in"
        for role, status in (("viewer", 200), ("app", 403)):
            headers = {"Authorization": f"Bearer {secrets[role]}"}
            assert client.get("/metrics", headers=headers).status_code == status


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_what_a_proxy_on_this_machine_passes_on_is_from_elsewhere(
    here: TestClient, header: str
) -> None:
    assert here.get("/metrics").status_code == 200
    assert here.get("/metrics", headers={header: "192.0.2.7"}).status_code == 401


def test_labels_have_few_values_whatever_is_called(here: TestClient) -> None:
    for number in range(20):
        here.post(f"/webhooks/nobody{number}", content=b"{}")
        here.get(f"/api/accounts/shop-{number}")
    text = here.get("/metrics").text
    assert "nobody1" not in text
    assert "shop-1" not in text
    assert figure(text, "billhook_deliveries_total", provider="unknown", answer="404") >= 20


def test_readiness_tells_whether_a_clock_was_seen(here: TestClient, database: Database) -> None:
    assert here.get("/readyz").json()["clock"] == "not seen"
    with database.transaction() as session:
        heartbeats.beat(session, "clock", "one", clock.wall())
    assert here.get("/readyz").json()["clock"] == "ok"


COUNT = """
from domain import telemetry
telemetry.effect_performed("send_mail", "done")
telemetry.DELIVERIES.labels("stripe", "200").inc()
telemetry.ANSWER_SECONDS.labels("stripe").observe(0.01)
"""


def run(code: str, directory: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(directory)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_processes_of_a_host_are_added_up_also_those_that_ended(tmp_path: Path) -> None:
    shared = tmp_path / "not made yet"
    for _ in range(2):
        run(COUNT, shared)
    text = run(f"{COUNT}print(telemetry.exposition().decode())", shared)
    assert figure(text, "billhook_effects_total", kind="send_mail", outcome="done") == 3
    assert figure(text, "billhook_answer_seconds_count", provider="stripe") == 3
    assert re.search(r"^# TYPE billhook_deliveries(_total)? counter", text, re.MULTILINE)
