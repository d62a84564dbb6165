"""``billhook replay``: count, replay, follow; and what the terminal leaves in the audit log."""

from __future__ import annotations

import getpass
import json

import pytest

from domain import audit
from domain.audit import AuditEntry
from domain.database import Database
from tests import lives
from tests.workers.breakable import bought, breakable, go_on, park_all, work
from workers.cli import main
from workers.commands.replay import follow
from workers.runtime import Runtime


@pytest.fixture
def runtime(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, frozen_clock: object
) -> Runtime:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.delenv("REDIS_URL", raising=False)
    runtime = lives.runtime_on(database)
    bought(runtime, 2)
    work(runtime)
    return runtime


def lines(runtime: Runtime) -> list[AuditEntry]:
    with runtime.database.transaction() as session:
        return audit.page(session, 10)


def test_a_dry_run_counts_and_replays_nothing(
    runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", "--type", "charge.succeeded", "--dry-run"]) == 0
    assert "2 found: 2 processed" in capsys.readouterr().out
    assert main(["replay", "--from", "1h", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["count"] == 6
    assert main(["replay", "--status", "parked", "--dry-run"]) == 0
    assert "0 found" in capsys.readouterr().out
    assert lines(runtime) == []


def test_a_replay_is_followed_to_its_end(
    runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["replay", "--provider", "stripe", "--reason", "after the repair", "--no-wait"]
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "planned"
    ended = follow(runtime.database, 1, pause=lambda _seconds: go_on(runtime, 3))
    assert (ended.state, ended.passed) == ("done", 6)
    [line] = lines(runtime)
    assert (line.actor, line.action, line.reason, line.source) == (
        f"cli:{getpass.getuser()}",
        "replay",
        "after the repair",
        None,
    )


def test_a_replay_without_reason_filter_or_find_is_refused(
    runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, said in (
        (["--type", "charge.succeeded"], "reason"),
        (["--reason", "all of it"], "filter"),
        (["--type", "cow.milked", "--reason", "none"], "nothing that could be replayed"),
        (["--effects", "--q", "x", "--reason", "none"], "cannot choose effects"),
    ):
        assert main(["replay", *words]) == 1
        assert said in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        main(["replay", "--max-errors", "many"])
    assert caught.value.code == 2


def test_a_replay_that_stopped_itself_is_a_failure(
    runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    breakable(runtime).broken = {"charge.succeeded"}
    command = ["replay", "--type", "charge.succeeded", "--reason", "again", "--max-errors", "10%"]
    assert main([*command, "--no-wait"]) == 0
    go_on(runtime, 4)
    ended = follow(runtime.database, 1)
    assert (ended.state, ended.failed) == ("stopped", 2)
    assert "replay 1 is planned" in capsys.readouterr().out


def test_events_are_listed_by_any_filter_and_decisions_are_in_the_audit_log(
    runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["events", "list", "--account", "shop-1", "--type", "charge.succeeded", "--json"]) == 0
    )
    [row] = json.loads(capsys.readouterr().out)
    assert (row["account"], row["status"]) == ("shop-1", "processed")
    breakable(runtime).broken = {"charge.succeeded"}
    number = str(row["id"])
    assert main(["replay", "--q", number, "--reason", "once more", "--no-wait"]) == 0
    go_on(runtime, 2)
    park_all(runtime)
    assert main(["events", "retry", number, "--reason", "mended"]) == 0
    assert main(["events", "dismiss", number, "--reason", "not ours"]) == 0
    assert [(line.action, line.reason) for line in lines(runtime)] == [
        ("dismiss", "not ours"),
        ("retry", "mended"),
        ("replay", "once more"),
    ]
