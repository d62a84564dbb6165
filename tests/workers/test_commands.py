"""The command line: exit status, JSON, and one plain line when something cannot be done."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from domain import clock, effects
from domain.database import Database
from domain.effects import Effect
from tests import lives
from tests.keys import DATA_KEYS
from workers.cli import main


@pytest.fixture
def store(database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("BILLHOOK_DATA_KEYS", DATA_KEYS)
    monkeypatch.delenv("REDIS_URL", raising=False)
    return database


def test_a_token_is_made_listed_and_revoked(
    store: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", "create", "--role", "viewer", "--name", "dashboard"]) == 0
    secret = capsys.readouterr().out.strip()
    assert main(["token", "list", "--json"]) == 0
    listed = capsys.readouterr().out
    assert [row["name"] for row in json.loads(listed)] == ["dashboard"]
    assert secret not in listed
    assert main(["token", "revoke", str(json.loads(listed)[0]["id"])]) == 0
    assert main(["token", "revoke", "999"]) == 1
    assert "There is no token 999" in capsys.readouterr().err


def test_events_are_listed_shown_and_dismissed_with_a_reason(
    store: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime = lives.runtime_on(store)
    lives.account(runtime)
    lives.deliver(runtime, lives.incoming("evt_1", "cow.milked", {"id": "cow_1"}))
    assert main(["events", "list", "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)
    assert (row["type"], row["status"]) == ("cow.milked", "received")
    assert main(["events", "show", str(row["id"])]) == 0
    assert json.loads(capsys.readouterr().out)["payload"]["data"]["object"] == {"id": "cow_1"}
    assert main(["events", "dismiss", str(row["id"]), "--reason", "not ours"]) == 0
    assert main(["events", "retry", str(row["id"])]) == 1
    assert "replay" in capsys.readouterr().err


def test_a_parked_effect_is_tried_again_and_a_finished_one_is_not(
    store: Database, capsys: pytest.CaptureFixture[str], frozen_clock: object
) -> None:
    with store.transaction() as session:
        effects.want(session, "send_mail", "receipt", "test")
    with store.transaction() as session:
        effect = session.get_one(Effect, 1)
        effects.park(effect, "no such mailbox")
    clock.advance(timedelta(hours=1))
    assert main(["effects", "list", "--status", "parked", "--json"]) == 0
    assert [row["note"] for row in json.loads(capsys.readouterr().out)] == ["no such mailbox"]
    assert main(["effects", "retry", "1", "--reason", "address mended"]) == 0
    with store.transaction() as session:
        effect = session.get_one(Effect, 1)
        assert (effect.status, effect.next_attempt_at) == ("waiting", clock.now())
        effects.done(effect)
    assert main(["effects", "retry", "1"]) == 1


def test_before_a_migration_the_commands_say_what_to_do(
    blank_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", blank_database_url)
    for command in (["events", "list"], ["token", "list"], ["audit"], ["effects", "list"]):
        assert main(command) == 1
        assert "billhook migrate" in capsys.readouterr().err
    assert main(["migrate"]) == 0
    assert main(["events", "list"]) == 0


def test_a_database_that_is_away_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("BILLHOOK_SECRET_KEY", "0123456789abcdef0123456789abcdef")
    for command in ("web", "worker", "clock", "migrate"):
        assert main([command]) == 1
        error = capsys.readouterr().err.strip()
        assert "database is unavailable" in error.splitlines()[-1]


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("BILLHOOK_SANDBOKS", "http://127.0.0.1:8001", "BILLHOOK_SANDBOX"),
        ("PORT", "eighty", "PORT"),
        ("REDIS_URL", "http://127.0.0.1", "REDIS_URL"),
        ("BILLHOOK_APP_WEBHOOK_URL", "https://app.example/hook", "BILLHOOK_APP_WEBHOOK_SECRET"),
        ("STRIPE_API_KEY", "sk_test_alone", "STRIPE_WEBHOOK_SECRETS"),
        ("BILLHOOK_CATALOGUE", "nowhere.toml", "BILLHOOK_CATALOGUE"),
    ],
)
def test_a_wrong_setting_stops_a_process_and_is_named(
    store: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv(name, value)
    assert main(["clock"]) == 1
    assert said in capsys.readouterr().err


def test_wrong_usage_is_status_2() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["token", "create", "--role", "king"])
    assert caught.value.code == 2
