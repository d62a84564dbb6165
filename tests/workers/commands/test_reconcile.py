"""``billhook reconcile``: on demand, from any instant of the last month, told to whoever asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from domain import clock
from domain.alerts import Alert
from domain.payments import Payment
from domain.positions import LAG, REACH
from tests.workers.conftest import Played
from tests.workers.missing_webhooks import announce, buy, deliver, listed, position, run
from webhooks.sandbox.paypal_events import announce as announce_at_paypal
from workers.cli import main
from workers.commands import instants, reconcile

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(
    played: Played,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Ask:
    """Run the command on the played runtime's settings: status, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reconcile, "PAUSES_S", (0.0, 0.0))
    given = {"DATABASE_URL": database_url, "BILLHOOK_SANDBOX": played.world.base_url}
    for name, value in {**given, **played.world.environment(), "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(["reconcile", *arguments])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def test_what_is_missing_since_an_instant_is_found_and_told(played: Played, ask: Ask) -> None:
    announce(played)
    announce_at_paypal(played.world, "CHECKOUT.ORDER.APPROVED", {"id": "ORDER1"})
    announce(played, "cow.milked")
    clock.advance(timedelta(days=6))
    deliver(played.runtime, played, announce(played))
    clock.advance(timedelta(hours=1))
    status, out, err = ask("--since", "7d", "--json")
    assert (status, err) == (0, "")
    rows = {row["provider"]: row for row in json.loads(out)}
    assert rows["stripe"] | {"since": 0, "until": 0} == {
        "provider": "stripe",
        "since": 0,
        "until": 0,
        "listed": 3,
        "known": 1,
        "found": 1,
        "foreign": 1,
        "error": None,
    }
    assert rows["paypal"]["found"] == 1
    assert datetime.fromisoformat(rows["stripe"]["since"]) == clock.now() - timedelta(days=7)
    assert datetime.fromisoformat(rows["stripe"]["until"]) == clock.now() - LAG
    assert sorted(event.origin for event in listed(played.runtime)) == [
        "backfill",
        "backfill",
        "webhook",
    ]
    assert json.loads(ask("--since", "7d", "--json")[1])[0]["found"] == 0


def test_without_since_it_goes_on_from_the_stored_position(begun: Played, ask: Ask) -> None:
    announce(begun)
    clock.advance(timedelta(hours=2))
    reached = position(begun.runtime).reached
    status, out, _ = ask("--provider", "stripe", "--json")
    [row] = json.loads(out)
    assert (status, row["found"]) == (0, 1)
    assert datetime.fromisoformat(row["since"]) == reached - timedelta(minutes=15)
    assert position(begun.runtime).reached == clock.now() - LAG


def test_the_first_walk_goes_back_as_far_as_the_providers_try_to_deliver(
    played: Played, ask: Ask
) -> None:
    announce(played)
    clock.advance(timedelta(days=2))
    assert json.loads(ask("--json")[1])[0]["found"] == 1


def test_a_walk_that_leaves_a_hole_does_not_move_the_position(begun: Played, ask: Ask) -> None:
    reached = position(begun.runtime).reached
    missed = announce(begun)
    clock.advance(timedelta(days=2))
    announce(begun)
    clock.advance(timedelta(hours=1))
    assert json.loads(ask("--since", "1d", "--json")[1])[0]["found"] == 1
    assert position(begun.runtime).reached == reached
    run(begun)
    assert missed in {event.provider_event_id for event in listed(begun.runtime)}


def test_lines_tell_what_was_found_where_nobody_watches(played: Played, ask: Ask) -> None:
    at = clock.now()
    announce(played)
    clock.advance(timedelta(hours=3))
    status, out, err = ask("--since", "5h", "--provider", "stripe")
    assert (status, err) == (0, "")
    found = [line for line in out.splitlines() if line.startswith("stripe: 1 found from ")]
    assert len(found) == 1
    since, until = (datetime.fromisoformat(part + "Z") for part in found[0][21:].split(" to "))
    assert since <= at <= until
    assert "provider" in out.splitlines()[1]


def test_a_bar_moves_on_a_terminal(
    played: Played, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    announce(played)
    clock.advance(timedelta(hours=3))
    status, out, err = ask("--since", "5h")
    assert status == 0
    assert "━" in err
    assert f"stripe until {clock.now() - LAG:%Y-%m-%d %H:%M}, 1 found" in err
    assert "found from" not in out


def test_a_provider_that_stutters_is_asked_again(played: Played, ask: Ask) -> None:
    for kind in ("error", "rate_limit"):
        played.world.faults.add(
            {"kind": kind, "provider": "paypal", "path": "*webhooks-events", "count": 1}
        )
    announce_at_paypal(played.world, "CHECKOUT.ORDER.APPROVED", {"id": "ORDER1"})
    clock.advance(timedelta(hours=1))
    status, out, _ = ask("--since", "2h", "--provider", "paypal", "--json")
    assert (status, json.loads(out)[0]["found"]) == (0, 1)


def test_a_provider_that_is_down_fails_and_the_other_is_walked(played: Played, ask: Ask) -> None:
    played.world.faults.add({"kind": "error", "provider": "stripe", "path": "/v1/events"})
    announce_at_paypal(played.world, "CHECKOUT.ORDER.APPROVED", {"id": "ORDER1"})
    clock.advance(timedelta(hours=1))
    status, out, _ = ask("--since", "2h", "--json")
    stripe, paypal = json.loads(out)
    assert status == 1
    assert "500" in stripe["error"]
    assert (paypal["found"], paypal["error"]) == (1, None)


@pytest.mark.parametrize(
    "wrong, said",
    [
        ("soon", "is no instant"),
        ("7 d", "is no instant"),
        ("2026-13-01", "is no instant"),
        ("31d", "the last 30 days only"),
        ("1999-01-01", "the last 30 days only"),
        ("1m", "left to the webhooks"),
        ("2099-01-01T00:00:00Z", "left to the webhooks"),
    ],
)
def test_nonsense_is_wrong_usage(
    wrong: str, said: str, capsys: pytest.CaptureFixture[str], frozen_clock: object
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["reconcile", "--since", wrong])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_an_instant_may_be_written_in_several_ways(frozen_clock: object) -> None:
    now = clock.now()
    day = (now - timedelta(days=3)).date()
    assert instants.since(f"{day}").isoformat() == f"{day}T00:00:00+00:00"
    assert instants.since(f"{day}T10:00+02:00").isoformat() == f"{day}T08:00:00+00:00"
    assert instants.since("12h") == now - timedelta(hours=12)
    assert instants.since("30d") == now - REACH


def test_a_provider_that_is_off_is_refused_with_those_that_are_on(
    played: Played, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, _, err = ask("--provider", "acme")
    assert status == 1
    assert "there is stripe, paypal" in err
    for name in played.world.environment():
        monkeypatch.delenv(name)
    status, _, err = ask()
    assert status == 1
    assert "No provider is switched on" in err


@pytest.fixture
def paid(begun: Played, client: TestClient) -> Payment:
    """One payment by card, a day old."""
    buy(begun, client, "acme")
    for _ in range(3):
        run(begun)
    clock.advance(timedelta(hours=20))
    with begun.runtime.database.transaction() as session:
        return session.scalars(select(Payment)).one()


def test_money_is_compared_on_demand_and_what_differs_is_told(
    begun: Played, ask: Ask, paid: Payment
) -> None:
    status, out, _ = ask("--money", "--provider", "stripe", "--json")
    [row] = json.loads(out)
    # Ours, and the same as the provider lists it.
    assert (status, row["compared"], row["differ"]) == (0, 2, 0)
    with begun.runtime.database.transaction() as session:
        session.execute(update(Payment).values(amount=4200))
    status, out, _ = ask("--money")
    assert status == 1
    assert paid.reference in out
    assert "42.00 CZK succeeded" in out
    assert f"{paid.money} succeeded" in out
    with begun.runtime.database.transaction() as session:
        [alert] = session.scalars(select(Alert).where(Alert.rule == "money_differs"))
    assert (alert.subject, alert.state) == (f"stripe:{paid.reference}", "open")


def test_a_bar_tells_how_many_objects_were_compared(
    begun: Played, ask: Ask, paid: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    status, _, err = ask("--money", "--since", "7d")
    assert status == 0
    assert "stripe: 2 objects compared, 0 differ" in err


def test_a_comparison_that_breaks_off_fails(begun: Played, ask: Ask, paid: Payment) -> None:
    begun.world.faults.add({"kind": "rate_limit", "path": "/v1/payment_intents/*"})
    status, out, _ = ask("--money", "--provider", "stripe", "--json")
    [row] = json.loads(out)
    assert (status, row["compared"]) == (1, 0)
    assert "Stripe could not read" in row["error"]
