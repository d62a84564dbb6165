"""What stops a process from starting, and what the command line says of it; no server is needed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from tests.processes import Installation, free_port, wait_until
from tests.stories.town import ENDS, SECRET_KEY, STARTED

EVERYWHERE = "0.0.0.0"  # noqa: S104 - for a moment, in a test


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation on a migrated SQLite file with Stripe switched on."""
    environ = {"STRIPE_API_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRETS": "whsec_1"}
    environ["BILLHOOK_SECRET_KEY"] = SECRET_KEY
    with Installation(tmp_path_factory.mktemp("bare"), environ) as bare:
        assert bare.run("migrate").returncode == 0
        yield bare


REFUSALS = {
    "a pending migration": ({"DATABASE_URL": "sqlite:///empty.db"}, "billhook migrate"),
    "a missing setting": ({"STRIPE_WEBHOOK_SECRETS": ""}, "STRIPE_WEBHOOK_SECRETS"),
    "an unknown setting": ({"BILLHOOK_WORKER_TREADS": "4"}, "BILLHOOK_WORKER_THREADS"),
    "an unknown setting of a provider": ({"STRIPE_KEY": "sk_test_1"}, "STRIPE_API_KEY"),
    "a database that is away": (
        {"DATABASE_URL": "postgresql://u:canary-password@127.0.0.1:1/x"},
        "the database is unavailable",
    ),
    "a database URL that is none": ({"DATABASE_URL": "canary-password"}, "DATABASE_URL"),
    "a key that is missing": ({"BILLHOOK_SECRET_KEY": ""}, "BILLHOOK_SECRET_KEY"),
    "a driver that is missing": ({"DATABASE_URL": "postgresql+asyncpg://h/x"}, "DATABASE_URL"),
    "a queue URL that is none": ({"REDIS_URL": "localhost:6379"}, "REDIS_URL"),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_no_process_starts_with_this_and_each_says_what_to_do(
    bare: Installation, reason: str
) -> None:
    environ, named = REFUSALS[reason]
    # The first three are the contract's: every process is asked. The rest is read by one code.
    names = STARTED if reason in list(REFUSALS)[:3] else STARTED[:1]
    begun = [bare.begin(f"{name}-{reason.replace(' ', '_')}", **environ) for name in names]
    for process in begun:
        assert process.wait() == 1
        message = process.output().strip().splitlines()
        assert len(message) == 1, process.output()
        assert message[0].startswith("billhook: ")
        assert named in message[0]
        assert "canary" not in message[0]


def test_a_port_that_is_taken_is_named(bare: Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = bare.begin("web-taken", PORT=str(taken.getsockname()[1]))
        assert process.wait() == 1
    message = process.output().strip().splitlines()
    assert message[-1].startswith("billhook: cannot start: PORT")
    assert str(taken) not in message


def test_web_starts_again_at_once_on_the_port_of_a_dead_one(bare: Installation) -> None:
    bare.start("web")
    with socket.create_connection(("127.0.0.1", bare.port)):
        bare.restart("web")
    assert bare.processes["web"].stop() == ENDS["web"]


def test_the_port_and_host_are_those_of_the_settings(bare: Installation) -> None:
    process = bare.begin("web-anywhere", PORT="0", HOST=EVERYWHERE)
    wait_until(lambda: process.said('"web_started"'), "web is ready", process.tail)
    assert f'"{EVERYWHERE}:' in process.output()
    assert process.stop() == ENDS["web"]


def test_a_worker_without_a_queue_says_so_and_works_all_the_same(bare: Installation) -> None:
    process = bare.begin("worker-alone")
    wait_until(lambda: process.said('"worker_started"'), "the worker is ready", process.tail)
    assert process.stop() == 0


LISTS = (("doctor",), ("events", "list"), ("token", "list"), ("play",))


def test_every_listing_command_can_answer_in_json(bare: Installation) -> None:
    assert bare.run("token", "create", "--role", "viewer", "--name", "json").returncode == 0
    with ThreadPoolExecutor() as threads:
        answers = list(threads.map(lambda command: bare.run(*command, "--json"), LISTS))
    for done in answers:
        assert done.returncode == 0, done.stdout + done.stderr
        assert isinstance(msgspec.json.decode(done.stdout), list)
        assert done.stderr == ""


def test_the_doctor_reports_what_is_wrong_and_fails(bare: Installation) -> None:
    done = bare.run("doctor", "--json", REDIS_URL="redis://127.0.0.1:1")
    assert done.returncode == 1
    found = {row["check"]: row["result"] for row in msgspec.json.decode(done.stdout)}
    assert {name for name, result in found.items() if result != "ok"} == {"queue"}
    assert found["database"] == found["providers"] == "ok"


def test_the_sandbox_runs_as_a_process_and_prints_the_settings_that_fit(
    bare: Installation,
) -> None:
    port = free_port()
    sandbox = bare.begin("sandbox", "--port", str(port), "--deliver-to", bare.base_url)
    wait_until(lambda: _listens(port), "the sandbox serves", sandbox.tail)
    lines = [line for line in sandbox.output().splitlines() if not line.startswith("#")]
    settings = dict(line.split("=", 1) for line in lines)
    assert settings["BILLHOOK_SANDBOX"] == f"http://127.0.0.1:{port}"
    done = bare.run("doctor", "--json", **settings)
    providers = {row["check"]: row["detail"] for row in msgspec.json.decode(done.stdout)}
    assert "Stripe on" in providers["providers"]
    assert "PayPal on" in providers["providers"]
    assert sandbox.stop() in {0, 143}


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_wrong_usage_has_a_status_of_its_own(bare: Installation) -> None:
    assert bare.run("nonsense").returncode == 2
    assert bare.run("token", "create", "--role", "king").returncode == 2


def test_a_story_is_told_behind_a_proxy_that_reaches_nothing(bare: Installation) -> None:
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    state = str(bare.directory / "behind")
    plain = {"STRIPE_API_KEY": "", "STRIPE_WEBHOOK_SECRETS": "", "BILLHOOK_STATE_DIR": state}
    done = bare.run("play", "first-purchase-card", **nowhere, **plain)
    assert done.returncode == 0, done.stdout + done.stderr
