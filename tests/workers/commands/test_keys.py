"""``billhook keys`` and ``billhook erase``, and what starts without keys and what does not."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, update

from domain import accounts, data_keys, keyring
from domain.audit import AuditEntry
from domain.data_keys import Erased
from domain.database import Database
from domain.effects import Effect
from domain.errors import Misconfigured
from domain.settings import Settings, read
from tests import lives
from tests.workers.sealed_shop import bodies, bought
from workers.cli import main
from workers.embedded import Embedded
from workers.processes import require_keys
from workers.runtime import Runtime, build

OLD, NEW = keyring.make("old"), keyring.make("new")
Run = Callable[..., int]


@pytest.fixture
def runtime(sqlite_url: str) -> Runtime:
    runtime = lives.runtime_on(Database(sqlite_url, ring=keyring.parse(OLD)))
    lives.account(runtime)
    require_keys(runtime.database)
    bought(runtime)
    with runtime.database.transaction() as session:
        session.execute(update(Effect).values(status="done", next_attempt_at=None))
    return runtime


@pytest.fixture
def run(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command with master keys, and with something on its standard input."""
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("BILLHOOK_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("REDIS_URL", raising=False)

    def command(*words: str, keys: str = "", typed: str = "") -> int:
        monkeypatch.setenv("BILLHOOK_DATA_KEYS", keys)
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return main([*words])

    return command


def test_a_key_is_made_as_the_setting_has_it(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("keys", "make", "--name", "2027") == 0
    printed = capsys.readouterr().out.strip()
    assert keyring.parse(printed).names == ("2027",)
    assert run("keys", "make", "--name", "a b") == 1


def test_a_rotation_is_followed_from_the_first_to_the_last_step(
    run: Run, runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("keys", "list", "--json", keys=f"{NEW},{OLD}") == 0
    held = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert [(held[name]["place"], held[name]["accounts"]) for name in held] == [
        ("first", 0),
        ("kept", 1),
    ]
    assert run("keys", "rotate", keys=NEW) == 1
    assert "'old'" in capsys.readouterr().err
    assert run("keys", "rotate", keys=f"{NEW},{OLD}") == 0
    assert "old; take them out" in capsys.readouterr().out
    assert run("keys", "list", keys=NEW) == 0
    printed = capsys.readouterr().out
    assert NEW.partition(":")[2] not in printed
    assert "old" not in printed
    runtime.close()


def test_an_erasure_asks_for_the_account_once_more(
    run: Run, runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    order = ("erase", "acme", "--reason", "asked for in writing", "--end-now")
    assert run(*order, keys=OLD, typed="nobody\n") == 1
    assert not any(isinstance(each, Erased) for each in bodies(runtime).values())
    assert run(*order, keys=OLD, typed="acme\n") == 0
    assert "payloads: 3" in capsys.readouterr().out
    assert all(isinstance(each, Erased) for each in bodies(runtime).values())
    with runtime.database.transaction() as session:
        assert accounts.find(session, "acme").email == ""
        entry = session.scalars(select(AuditEntry)).one()
        assert entry.actor.startswith("cli:")
    assert run("erase", "nobody", "--reason", "x", "--yes", keys=OLD) == 1
    runtime.close()


def test_the_doctor_tells_of_keys_that_are_missing(
    run: Run, runtime: Runtime, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(keys: str) -> tuple[str, str]:
        run("doctor", "--json", keys=keys)
        rows = {row["check"]: row for row in json.loads(capsys.readouterr().out)}
        return rows["data keys"]["result"], rows["data keys"]["detail"]

    result, detail = told(OLD)
    assert (result, detail) == ("ok", "set: old; old seals")
    assert told(NEW)[0] == "wrong"
    assert "'old'" in told("")[1]
    with runtime.database.transaction() as session:
        session.delete(session.get_one(data_keys.MasterKey, "old"))
    assert "NOT SET" in told("")[1]
    monkeypatch.setenv("STRIPE_API_KEY", "sk_live_1")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRETS", "whsec_1")
    assert "keys make" in told("")[1]
    runtime.close()


def test_no_process_starts_with_a_live_key_and_without_data_keys(
    sqlite_url: str, tmp_path: Path
) -> None:
    live = {"STRIPE_API_KEY": "sk_live_1", "STRIPE_WEBHOOK_SECRETS": "whsec_1"}
    given = {**live, "DATABASE_URL": sqlite_url, "BILLHOOK_STATE_DIR": str(tmp_path)}
    with pytest.raises(Misconfigured, match="billhook keys make"):
        build(read(given, dotenv=None))
    build(read({**given, "BILLHOOK_DATA_KEYS": OLD}, dotenv=None)).close()
    test_keys = {**given, "STRIPE_API_KEY": "sk_test_1"}
    build(read(test_keys, dotenv=None)).close()


def test_the_embedded_form_makes_a_key_and_commands_on_its_data_find_it(tmp_path: Path) -> None:
    first = Embedded(Settings(state_dir=tmp_path)).settings.data_keys
    assert first is not None
    assert Embedded(Settings(state_dir=tmp_path)).settings.data_keys == first
    assert (tmp_path / "data_keys").stat().st_mode & 0o777 == 0o600
    assert read({"BILLHOOK_STATE_DIR": str(tmp_path)}, dotenv=None).data_keys == first
    given = {"BILLHOOK_STATE_DIR": str(tmp_path), "BILLHOOK_DATA_KEYS": OLD}
    assert read(given, dotenv=None).data_keys == OLD
