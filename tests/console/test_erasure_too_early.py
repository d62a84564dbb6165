"""An erasure waits for what has to end first, which its page names, and for a subscription."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import clock
from domain.database import Database
from domain.disputes import Dispute
from domain.effects import Effect
from domain.inbox import Event
from domain.orders import Order
from domain.payments import Payment
from domain.refunds import Refund
from domain.subscriptions import Subscription
from domain.unsettled import SENTENCES
from tests.console.conftest import Visitor
from tests.console.erasures import (
    CONFIRMED,
    EMAIL,
    FORM,
    WHY,
    customer,
    decisions,
    email_of,
    entered,
)
from webhooks.console.account_erasure import OBSTACLES


@pytest.fixture
def shop(database: Database) -> int:
    """The account of somebody who wants to be forgotten; its number."""
    return customer(database)


def subscribe(database: Database, owner: int) -> None:
    """It has what it paid for until the end of 2030."""
    with database.transaction() as session:
        session.add(
            Subscription(
                account_id=owner,
                plan="standard",
                interval="year",
                agents=2,
                conversations=100,
                currency="EUR",
                period_start=clock.now(),
                period_end=datetime(2030, 12, 31, 10, tzinfo=UTC),
                period_net=4900,
                anchor_day=31,
                state="active",
                started_at=clock.now(),
            )
        )


def test_a_subscription_that_runs_ends_only_when_that_is_ticked(
    operator: Visitor, database: Database, shop: int
) -> None:
    subscribe(database, shop)
    shown = operator.get(FORM).text
    assert "The subscription runs until 31 Dec 2030, 10:00 and is paid for." in shown
    refused = operator.post(FORM, entered(operator))
    assert refused.status_code == 409
    assert "The subscription of account shop runs until 31 Dec 2030, 10:00" in refused.text
    assert WHY in refused.text
    assert email_of(database) == EMAIL
    assert operator.post(FORM, entered(operator, end_now="true")).status_code == 303
    with database.transaction() as session:
        ended = session.scalars(select(Subscription)).one()
    assert (ended.state, ended.auto_renew_off_reason) == ("ended", "erased")
    assert email_of(database) == ""


def test_without_a_running_subscription_nobody_is_asked_to_end_one(
    operator: Visitor, shop: int
) -> None:
    assert 'name="end_now"' not in operator.get(FORM).text


def _payment(session: Session, owner: int, state: str = "succeeded") -> Payment:
    money = {"amount": 4900, "currency": "EUR"}
    row = Payment(account_id=owner, provider="acme", reference="pay_1", state=state, **money)
    session.add(row)
    session.flush()
    return row


def _order(_: Session, owner: int) -> Any:
    values = {"currency": "EUR", "total": 4900, "due": 4900, "quote": {}, "method": "card"}
    at = clock.now() + timedelta(hours=1)
    return Order(id="ord_1", account_id=owner, expires_at=at, **values)


def _pending(session: Session, owner: int) -> Any:
    return _payment(session, owner, "pending")


def _refund(session: Session, owner: int) -> Any:
    money = {"amount": 4900, "currency": "EUR", "origin": "operator"}
    return Refund(provider="acme", payment_id=_payment(session, owner).id, **money)


def _dispute(session: Session, owner: int) -> Any:
    of = {"provider": "acme", "payment_id": _payment(session, owner).id, "account_id": owner}
    return Dispute(**of, reference="dp_1", amount=4900, currency="EUR")


def _effect(_: Session, owner: int) -> Any:
    values = {"cause": "x", "kind": "refund_payment", "target": "x", "status": "parked"}
    return Effect(account_id=owner, **values)


def _event(_: Session, owner: int) -> Any:
    names = {"provider": "acme", "provider_event_id": "evt_1", "type": "paid", "origin": "webhook"}
    return Event(
        account_id=owner, **names, status="parked", delivery_id="d", received_at=clock.now()
    )


UNSETTLED: dict[str, tuple[Callable[[Session, int], Any], str, str]] = {
    "order": (_order, "Order ord_1 is open", ""),
    "payment": (_pending, "Payment pay_1 is pending", ""),
    "refund": (_refund, "A refund of payment pay_1 is on its way.", ""),
    "dispute": (_dispute, "Dispute dp_1 is open", ""),
    "effect": (_effect, "Effect 1 (refund payment): parked.", "/console/effects/1/retry"),
    "event": (_event, "Event 1: parked.", "/console/events/1"),
}


@pytest.mark.parametrize("kind", UNSETTLED)
def test_what_has_to_end_first_is_named_before_anything_is_typed(
    operator: Visitor, database: Database, shop: int, kind: str
) -> None:
    make, said, leads_to = UNSETTLED[kind]
    with database.transaction() as session:
        session.add(make(session, shop))
    shown = operator.get(FORM).text
    assert said in shown
    assert 'name="confirmation"' not in shown
    assert not leads_to or f'href="{leads_to}"' in shown
    refused = operator.post(FORM, CONFIRMED)
    assert refused.status_code == 409
    assert "Account shop cannot be erased yet" in refused.text
    assert said in refused.text
    assert email_of(database) == EMAIL
    assert decisions(database) == []


def test_of_many_things_that_have_to_end_some_are_named_and_the_rest_counted(
    operator: Visitor, database: Database, shop: int
) -> None:
    with database.transaction() as session:
        for number in range(13):
            row = _event(session, shop)
            row.provider_event_id = f"evt_{number}"
            session.add(row)
    shown = operator.get(FORM).text
    assert len(re.findall(r"Event \d+: parked", shown)) == 10
    assert "and 3 more of this" in shown


def test_everything_that_can_keep_an_erasure_waiting_has_its_sentence() -> None:
    assert set(OBSTACLES) == set(SENTENCES) == set(UNSETTLED)
