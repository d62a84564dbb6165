"""A worker and a clock tell Prometheus their own figures, where a port was named for that."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import urllib3

from domain import telemetry, tokens
from domain.database import Database
from domain.errors import Misconfigured
from tests import lives
from tests.monitoring import samples_of
from tests.processes import Installation, free_port, wait_until
from workers import scraping

HTTP = urllib3.PoolManager(timeout=10, retries=False)
FORWARDED = {"X-Forwarded-For": "192.0.2.7"}


def get(port: int, path: str = "/metrics", **headers: str) -> tuple[int, str]:
    """Status and text; 0 when nobody answers."""
    try:
        answer = HTTP.request("GET", f"http://127.0.0.1:{port}{path}", headers=headers)
    except urllib3.exceptions.HTTPError:
        return 0, ""
    return answer.status, answer.data.decode()


@pytest.fixture
def port(database: Database) -> int:
    """Where this process serves its figures."""
    runtime = lives.runtime_on(database)
    port = free_port()
    runtime.settings = msgspec.structs.replace(runtime.settings, metrics_port=port)
    scraping.serve(runtime)
    wait_until(lambda: get(port)[0] == 200, "the figures are served")
    return port


def test_the_figures_are_those_of_the_process_and_not_of_the_database(port: int) -> None:
    telemetry.effect_performed("send_mail", "done")
    status, text = get(port)
    done = samples_of(text)[
        "billhook_effects_total", frozenset({("kind", "send_mail"), ("outcome", "done")})
    ]
    assert (status, done >= 1) == (200, True)
    assert "billhook_store_up" not in text


def test_nothing_else_is_served(port: int) -> None:
    assert [get(port, path)[0] for path in ("/", "/api/accounts", "/readyz")] == [404] * 3


def test_a_call_from_elsewhere_needs_a_token(port: int, database: Database) -> None:
    assert get(port, **FORWARDED)[0] == 401
    with database.transaction() as session:
        _, token = tokens.create(session, "viewer", "prometheus")
    assert get(port, **FORWARDED, Authorization=f"Bearer {token}")[0] == 200


def test_a_port_that_is_taken_is_told_with_its_setting(database: Database) -> None:
    runtime = lives.runtime_on(database)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        runtime.settings = msgspec.structs.replace(runtime.settings, metrics_port=number)
        with pytest.raises(Misconfigured, match="BILLHOOK_METRICS_PORT: cannot listen"):
            scraping.serve(runtime)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with Installation(tmp_path, lives.ENVIRON) as installation:
        assert installation.run("migrate").returncode == 0
        yield installation


@pytest.mark.parametrize("name", ["worker", "clock"])
def test_the_process_serves_its_figures_and_ends_in_order(
    installation: Installation, name: str
) -> None:
    port = free_port()
    installation.start(name, BILLHOOK_METRICS_PORT=str(port), HOST="127.0.0.1")
    wait_until(lambda: get(port)[0] == 200, "the figures are served", installation.output)
    assert "billhook_effects_total" in get(port)[1]
    process = installation.processes[name]
    assert process.stop() == 0
    assert get(port)[0] == 0


def test_without_a_port_nothing_is_served(installation: Installation) -> None:
    installation.start("clock")
    assert "metrics_served" not in installation.output()
    assert installation.processes["clock"].stop() == 0
