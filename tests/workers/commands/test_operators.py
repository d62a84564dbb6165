"""``billhook operator``: who may sign in, with which password, and where they are signed in."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest

from domain import audit, operator_sessions, operators, sign_in
from domain.audit import AuditEntry
from domain.database import Database
from workers.cli import main

PASSWORD = "correct horse battery"


@pytest.fixture
def database(sqlite_url: str) -> Database:
    """A store; each password takes its time, so once is enough."""
    return Database(sqlite_url)


@pytest.fixture
def run(database: Database, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs ``billhook operator …`` with something on its standard input."""
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.delenv("REDIS_URL", raising=False)

    def command(*words: str, typed: str = "") -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return main(["operator", *words])

    return command


def enters(database: Database, name: str, password: str) -> bool:
    """Whether that name and password are let in."""
    return sign_in.sign_in(database, name, password, "192.0.2.1", "tests") is not None


def decisions(database: Database) -> list[AuditEntry]:
    """The audit log, oldest first."""
    with database.transaction() as session:
        return audit.page(session, 50)[::-1]


def test_a_password_is_read_or_made_and_shown_once(
    run: Callable[..., int], database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ("add", "Anna", "--role", "operator", "--password-stdin")
    assert run(*chosen, typed=f"{PASSWORD}\n") == 0
    assert PASSWORD not in capsys.readouterr().out
    assert enters(database, "anna", PASSWORD)
    assert run("add", "vera", "--role", "viewer") == 0
    made = capsys.readouterr().out.strip().rpartition(" ")[2]
    assert enters(database, "vera", made)
    assert run("list", "--json") == 0
    listed = capsys.readouterr().out
    assert [(row["name"], row["role"], row["sessions"]) for row in json.loads(listed)] == [
        ("anna", "operator", 1),
        ("vera", "viewer", 1),
    ]
    assert "argon2" not in listed
    by = [(entry.action, entry.actor[:4]) for entry in decisions(database)]
    assert by[0] == ("add", "cli:")


@pytest.mark.parametrize(
    "words, typed, said",
    [
        (("add", "anna", "--role", "viewer", "--password-stdin"), "short\n", "12 to 200"),
        (("add", "no body", "--role", "viewer"), "", "1 to 64 letters"),
        (("disable", "nobody"), "", "There is no operator nobody"),
        (("sign-out", "nobody"), "", "There is no operator nobody"),
    ],
)
def test_what_cannot_be_is_refused_with_the_rule(
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    typed: str,
    said: str,
) -> None:
    assert run(*words, typed=typed) == 1
    assert said in capsys.readouterr().err


def test_nobody_is_added_twice(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("add", "anna", "--role", "viewer") == 0
    assert run("add", "ANNA", "--role", "operator") == 1
    assert "There is an operator anna already" in capsys.readouterr().err


def test_a_new_password_a_sign_out_and_a_ban_end_sessions_at_once(
    run: Callable[..., int], database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    run("add", "anna", "--role", "operator", "--password-stdin", typed=PASSWORD)

    def running() -> int:
        with database.transaction() as session:
            anna = operators.find(session, "anna")
            return len(operator_sessions.running(session, anna.id))

    assert enters(database, "anna", PASSWORD)
    assert run("sessions", "anna", "--json") == 0
    assert '"source": "192.0.2.1"' in capsys.readouterr().out
    assert run("sign-out", "anna") == 0
    assert running() == 0
    assert run("sign-out", "anna") == 1
    assert enters(database, "anna", PASSWORD)
    assert run("password", "anna", "--password-stdin", typed="a sentence is fine") == 0
    assert running() == 0
    assert not enters(database, "anna", PASSWORD)
    assert enters(database, "anna", "a sentence is fine")
    assert run("disable", "anna") == 0
    assert running() == 0
    assert not enters(database, "anna", "a sentence is fine")
    assert run("enable", "anna") == 0
    assert enters(database, "anna", "a sentence is fine")
