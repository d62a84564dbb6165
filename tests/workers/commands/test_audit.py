"""``billhook audit`` proves the invariants and the number series, and fails when one is broken."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from domain.database import Database
from domain.invariants import INVARIANTS
from domain.invoices import Invoice, NumberSeries
from tests import lives
from workers.commands import COMMANDS, audit
from workers.process_events import drain
from workers.runtime import Runtime

Billhook = Callable[..., tuple[int, str]]


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Runtime:
    runtime = lives.runtime_on(database)
    lives.account(runtime)
    for name in ("pi_1", "pi_2"):
        lives.deliver(runtime, *lives.payment_events(lives.order(runtime), name))
        drain(runtime)
    return runtime


@pytest.fixture
def billhook(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Billhook:
    """Run the command; its exit status and what it printed."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> tuple[int, str]:
        parser = argparse.ArgumentParser()
        audit.add_to(parser.add_subparsers())
        chosen = parser.parse_args(["audit", *arguments])
        return chosen.run(chosen), capsys.readouterr().out

    return run


def make_a_hole(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        last = Invoice.position == 2
        session.execute(update(Invoice).where(last).values(position=3, number="2026-000003"))
        session.execute(update(NumberSeries).values(last=3))


def test_the_audit_is_one_of_the_commands() -> None:
    assert COMMANDS["audit"] == audit.__name__.rpartition(".")[2]


def test_an_audit_of_a_sound_database_prints_every_invariant_and_succeeds(
    runtime: Runtime, billhook: Billhook
) -> None:
    status, printed = billhook()
    assert status == 0
    assert all(invariant.sentence in printed for invariant in INVARIANTS.values())
    assert "broken" not in printed
    [proof] = [line.split() for line in printed.splitlines() if line.startswith("2026 ")]
    assert proof == ["2026", "2", "1", "2", "True"]


def test_a_hole_in_a_series_is_named_and_makes_the_audit_fail(
    runtime: Runtime, billhook: Billhook
) -> None:
    make_a_hole(runtime)
    status, printed = billhook()
    assert status == 1
    assert "series 2026: 2 papers with the numbers 1 to 3, counter at 3" in printed
    assert printed.count("broken") == 1


def test_the_audit_in_json_has_every_violation_and_the_proof_of_each_series(
    runtime: Runtime, billhook: Billhook
) -> None:
    make_a_hole(runtime)
    status, printed = billhook("--json")
    told: dict[str, Any] = json.loads(printed)
    wrong = [row for row in told["invariants"] if not row["holds"]]
    assert (status, told["holds"]) == (1, False)
    assert [(row["number"], row["invariant"]) for row in wrong] == [(7, "numbers_gapless")]
    assert [each["subject"] for each in wrong[0]["violations"]] == ["series 2026"]
    proof = {"series": "2026", "papers": 2, "first": 1, "last": 3, "gapless": False}
    assert told["series"] == [proof]


def test_the_audit_of_a_database_without_papers_has_no_series(
    database: Database, billhook: Billhook
) -> None:
    status, printed = billhook("--json")
    assert status == 0
    assert json.loads(printed)["series"] == []
