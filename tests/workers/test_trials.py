"""Dry runs show what working an event would change, and change nothing."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, inspect, select, text

from domain import trials
from domain.database import Database
from domain.errors import Refused
from domain.trials import Trial
from tests import lives
from tests.workers.breakable import BY, Breakable, breakable
from workers import process_events
from workers import trials as job
from workers.runtime import Runtime
from workers.sweep import sweep


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Runtime:
    runtime = lives.runtime_on(database)
    lives.account(runtime)
    return runtime


def purchase(runtime: Runtime) -> int:
    """A paid order whose events are not worked yet; the number of its first event."""
    lives.deliver(runtime, lives.payment_events(lives.order(runtime))[1])
    return lives.events(runtime)[0].id


def everything(runtime: Runtime) -> dict[str, list[Any]]:
    """All rows of all tables but those of trials and the audit log."""
    with runtime.database.transaction() as session:
        names = inspect(session.connection()).get_table_names()
        kept = [name for name in sorted(names) if name not in {"trials", "audit"}]
        return {
            name: sorted(map(str, session.execute(text(f'SELECT * FROM "{name}"'))))  # noqa: S608
            for name in kept
        }


def tried(runtime: Runtime, event_id: int) -> dict[str, Any]:
    """The result of a dry run, as it is stored."""
    with runtime.database.transaction() as session:
        number = trials.want(session, event_id, BY).id
    assert job.drain(runtime) == 1
    with runtime.database.transaction() as session:
        trial = trials.find(session, number)
    assert trial.state == "done"
    assert trial.result is not None
    return trial.result


def test_a_purchase_is_shown_and_nothing_is_changed(runtime: Runtime) -> None:
    event_id = purchase(runtime)
    before = everything(runtime)
    worked = REGISTRY.get_sample_value(
        "billhook_events_total", {"provider": "stripe", "outcome": "processed"}
    )
    seen = tried(runtime, event_id)
    assert (seen["outcome"], seen["account"], seen["error"]) == ("processed", "acme", None)
    assert [fact["type"] for fact in seen["facts"]] == ["PaymentSucceeded"]
    changed = {(change["table"], change["action"]) for change in seen["changes"]}
    assert {("orders", "update"), ("payments", "insert"), ("subscriptions", "insert")} <= changed
    order = next(change for change in seen["changes"] if change["table"] == "orders")
    assert (order["before"]["state"], order["after"]["state"]) == ("open", "paid")
    assert {"send_mail", "tell_app"} <= {effect["kind"] for effect in seen["effects"]}
    assert any(" paid by " in line for line in seen["history"]), seen["history"]
    assert [paper["kind"] for paper in seen["invoices"]] == ["invoice"]
    assert everything(runtime) == before
    assert worked == REGISTRY.get_sample_value(
        "billhook_events_total", {"provider": "stripe", "outcome": "processed"}
    )


def test_the_customer_that_would_be_remembered_is_shown(runtime: Runtime) -> None:
    saved = {"customer": "cus_1", "payment_method": "pm_1", "setup_future_usage": "off_session"}
    lives.deliver(runtime, lives.payment_events(lives.order(runtime), **saved)[1])
    seen = tried(runtime, lives.events(runtime)[0].id)
    made = {each["table"]: each["after"] for each in seen["changes"] if each["action"] == "insert"}
    assert made["provider_customers"] == {
        "provider": "stripe",
        "customer": "cus_1",
        "account_id": 1,
    }


def test_what_was_tried_can_be_worked_for_good_afterwards(runtime: Runtime) -> None:
    event_id = purchase(runtime)
    tried(runtime, event_id)
    process_events.drain(runtime)
    assert [event.status for event in lives.events(runtime)] == ["processed"]
    again = tried(runtime, event_id)
    assert again["outcome"] == "processed"
    assert again["invoices"] == []
    assert {change["table"] for change in again["changes"]} <= {"payments"}


def test_an_error_is_shown_with_its_traceback(runtime: Runtime) -> None:
    translator: Breakable = breakable(runtime)
    translator.broken = {"payment_intent.succeeded"}
    seen = tried(runtime, purchase(runtime))
    assert seen["outcome"] == "waiting"
    assert seen["error"]["error"] == "KeyError: 'plan'"
    assert "breakable.py" in seen["error"]["traceback"]


def test_an_event_about_nobody_known_is_shown_as_unmatched(runtime: Runtime) -> None:
    order = lives.order(runtime)
    order.id = "ord_unknown"
    lives.deliver(runtime, lives.payment_events(order)[1])
    seen = tried(runtime, lives.events(runtime)[0].id)
    assert seen["outcome"] == "unmatched"
    assert "ord_unknown" in seen["note"]


def test_what_must_be_read_first_is_named_and_not_read(runtime: Runtime) -> None:
    lives.deliver(
        runtime,
        lives.incoming(
            "evt_1",
            "customer.subscription.updated",
            {"id": "sub_1", "object": "subscription", "customer": "cus_1"},
        ),
    )
    before = everything(runtime)
    seen = tried(runtime, lives.events(runtime)[0].id)
    assert (seen["outcome"], seen["needs"]) == ("waiting", ["subscription:sub_1"])
    assert everything(runtime) == before


def test_an_event_of_no_interest_is_shown_as_ignored(runtime: Runtime) -> None:
    lives.deliver(runtime, lives.incoming("evt_1", "cow.milked", {}))
    assert tried(runtime, lives.events(runtime)[0].id)["outcome"] == "ignored"


def test_an_event_without_its_payload_says_so(runtime: Runtime) -> None:
    event_id = purchase(runtime)
    with runtime.database.transaction() as session:
        session.execute(text("DELETE FROM payloads"))
    assert "dropped by age" in tried(runtime, event_id)["note"]


def test_quarantined_and_unknown_events_are_refused(runtime: Runtime) -> None:
    lives.deliver(runtime, lives.incoming("evt_1", "cow.milked", {}, status="quarantined"))
    number = lives.events(runtime)[0].id
    for event_id, status in ((number, 409), (99, 404)):
        with runtime.database.transaction() as session, pytest.raises(Refused) as caught:
            trials.want(session, event_id, BY)
        assert caught.value.status == status
    with runtime.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Trial)) == 0


def test_the_sweeper_rings_for_a_trial_whose_ring_was_lost(runtime: Runtime) -> None:
    class Bell:
        def __init__(self) -> None:
            self.rung: list[str] = []

        def ring(self, name: str) -> None:
            self.rung.append(name)

    bell = Bell()
    runtime.bell = bell
    event_id = purchase(runtime)
    with runtime.database.transaction() as session:
        trials.want(session, event_id, BY)
    sweep(runtime)
    assert trials.JOB in bell.rung
