"""Events, failures, replays, accounts, renewals and invoices, with something to show."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain import audit, clock, credit, failures
from domain.accounts import Account
from domain.database import Database
from domain.inbox import Attempt, Event, Payload
from domain.money import Money
from domain.orders import Order
from tests.console.conftest import Visitor

SECRET = "anna@customers.example"


def parked(database: Database) -> int:
    """A parked event about money, with its payload and a try."""
    now = clock.now()
    with database.transaction() as session:
        event = Event(
            provider="acme",
            provider_event_id="acme_event_1",
            type="paid",
            status="parked",
            origin="webhook",
            delivery_id="d1",
            received_at=now - timedelta(minutes=2),
            amount=5700,
            currency="EUR",
            note="KeyError: 'plan'",
            fingerprint="paid: KeyError: 'plan'",
            failed_at=now,
        )
        session.add(event)
        session.flush()
        body = b'{"id":"acme_event_1","type":"paid","data":{"email":"' + SECRET.encode() + b'"}}'
        session.add(Payload(event_id=event.id, received_at=event.received_at, body=body))
        session.add(Attempt(event_id=event.id, outcome="parked", error="KeyError: 'plan'"))
        session.flush()
        failures.refresh(session)
        return event.id


def test_an_event_is_listed_with_its_money_and_shown_with_its_tries(
    operator: Visitor, database: Database
) -> None:
    number = parked(database)
    listed = operator.get("/console/events?status=parked&q=acme_event_1")
    assert listed.status_code == 200
    assert "€57.00" in listed.text
    shown = operator.get(f"/console/events/{number}")
    assert shown.status_code == 200
    assert "KeyError" in shown.text
    assert SECRET in shown.text


def test_a_viewer_sees_the_payload_covered_and_nothing_to_press(
    viewer: Visitor, database: Database
) -> None:
    shown = viewer.get(f"/console/events/{parked(database)}")
    assert shown.status_code == 200
    assert SECRET not in shown.text
    assert "/retry" not in shown.text
    assert viewer.get("/console/replays/new").status_code == 403


def test_an_operator_dismisses_with_a_reason_and_not_without(
    operator: Visitor, database: Database
) -> None:
    number = parked(database)
    assert operator.post(f"/console/events/{number}/dismiss").status_code == 422
    done = operator.post(f"/console/events/{number}/dismiss", {"reason": "a test of theirs"})
    assert done.status_code == 303
    assert "a test of theirs" in operator.get("/console/audit?action=dismiss").text


def test_a_dry_run_is_asked_for_and_waited_for(operator: Visitor, database: Database) -> None:
    number = parked(database)
    assert operator.post(f"/console/events/{number}/dry-run").status_code == 303
    assert "The dry run is under way" in operator.get(f"/console/events/{number}").text


def test_a_group_tells_the_money_and_is_replayed_by_its_failure(
    operator: Visitor, database: Database
) -> None:
    parked(database)
    listed = operator.get("/console/failures")
    assert "€57.00" in listed.text
    group = operator.get("/console/failures/1")
    assert "Replay the group" in group.text
    chosen = {"of": "events", "error": "paid: KeyError: 'plan'"}
    begun = operator.post("/console/replays", {**chosen, "reason": "mended"})
    assert begun.status_code == 303
    replay = operator.get(begun.headers["location"])
    assert "mended" in replay.text


@pytest.mark.parametrize(
    "address",
    ["/console/accounts?q=nobody", "/console/renewals", "/console/invoices", "/console/replays"],
)
def test_a_list_with_nothing_in_it_says_so(operator: Visitor, address: str) -> None:
    answer = operator.get(address)
    assert answer.status_code == 200
    assert 'class="empty"' in answer.text


def test_a_change_of_plan_is_audited_as_the_api_has_it(
    operator: Visitor, database: Database
) -> None:
    with database.transaction() as session:
        session.add(Account(ref="shop-1", email=SECRET, currency="EUR", billing={"country": "AT"}))
    target = {"plan": "standard", "interval": "month", "agents": "1", "conversations": "100"}
    refused = operator.post("/console/accounts/shop-1/order", {**target, "reason": "asked"})
    assert refused.status_code == 422
    assert "no saved payment method" in refused.text
    with database.transaction() as session:
        assert audit.page(session, 5, action="order") == []
        account = session.scalars(select(Account)).one()
        credit.book(session, account.id, "test", Money(10_000_00, "EUR"), cause="test:1")
    done = operator.post("/console/accounts/shop-1/order", {**target, "reason": "asked"})
    assert done.status_code == 303, done.text
    with database.transaction() as session:
        [line] = audit.page(session, 5, action="order")
        order = session.scalars(select(Order)).one()
    assert (line.subject_kind, line.subject, line.reason) == ("order", order.id, "asked")
