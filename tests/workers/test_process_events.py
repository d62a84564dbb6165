"""Events become billing: once, in any order, each in a savepoint of its own."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from domain import accounts, clock, credit, orders
from domain.accounts import Account
from domain.alerts import Alert
from domain.database import Database
from domain.inbox import Attempt, Event
from domain.invoices import Invoice
from domain.methods import PaymentMethod
from domain.money import Money
from domain.orders import Order
from domain.payments import Payment
from domain.subscriptions import Subscription
from tests import lives
from workers.process_events import drain
from workers.runtime import Runtime


@pytest.fixture
def runtime(database: Database) -> Runtime:
    runtime = lives.runtime_on(database)
    lives.account(runtime)
    return runtime


def state(runtime: Runtime) -> tuple[list[str], list[str], list[str | None], int]:
    with runtime.database.transaction() as session:
        return (
            [s.state for s in session.scalars(select(Subscription))],
            [p.state for p in session.scalars(select(Payment))],
            [i.number for i in session.scalars(select(Invoice).order_by(Invoice.id))],
            session.scalar(select(func.count()).select_from(Alert)) or 0,
        )


@pytest.mark.parametrize("sequence", list(permutations(range(3))))
def test_one_purchase_in_any_order_of_its_events_is_one_payment_one_activation_one_invoice(
    runtime: Runtime, sequence: tuple[int, ...]
) -> None:
    order = lives.order(runtime)
    events = lives.payment_events(order)
    for index in sequence:
        lives.deliver(runtime, events[index])
        drain(runtime)
        lives.deliver(runtime, events[index])
        drain(runtime)
    year = clock.now().year
    assert state(runtime) == (["active"], ["succeeded"], [f"{year}-000001"], 0)
    assert {event.status for event in lives.events(runtime)} == {"processed"}


def test_a_payment_activates_its_order_and_switches_auto_renew_on(runtime: Runtime) -> None:
    order = lives.order(runtime, agents=3)
    lives.deliver(runtime, *lives.payment_events(order))
    drain(runtime)
    with runtime.database.transaction() as session:
        subscription = session.scalars(select(Subscription)).one()
        invoice = session.scalars(select(Invoice)).one()
        paid = session.get_one(Order, order.id)
    assert (subscription.agents, subscription.plan, subscription.auto_renew) == (
        3,
        "standard",
        True,
    )
    assert (invoice.total, invoice.currency, invoice.order_id) == (order.due, "CZK", order.id)
    assert paid.state == "paid"


def test_a_payment_unblocks_an_account_that_was_blocked_for_expiry(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        accounts.block(accounts.lock(session, "acme"), "subscription_expired", clock.now())
    lives.deliver(runtime, *lives.payment_events(lives.order(runtime)))
    drain(runtime)
    with runtime.database.transaction() as session:
        assert accounts.find(session, "acme").status == "active"


def test_a_payment_does_not_lift_a_block_made_by_an_operator(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        accounts.block(accounts.lock(session, "acme"), "operator", clock.now())
    lives.deliver(runtime, *lives.payment_events(lives.order(runtime)))
    drain(runtime)
    with runtime.database.transaction() as session:
        assert accounts.find(session, "acme").blocked_reason == "operator"


@pytest.mark.parametrize(
    "change", [{"amount": 1, "amount_received": 1}, {"currency": "eur"}], ids=["amount", "currency"]
)
def test_money_in_the_wrong_amount_or_currency_becomes_credit_with_an_alert(
    runtime: Runtime, change: dict[str, Any]
) -> None:
    order = lives.order(runtime)
    lives.deliver(runtime, *lives.payment_events(order, **change))
    drain(runtime)
    with runtime.database.transaction() as session:
        payment = session.scalars(select(Payment)).one()
        held = credit.balance(session, payment.account_id, payment.currency)
        alert = session.scalars(select(Alert)).one()
        assert session.get_one(Order, order.id).state == "open"
    assert held == payment.money
    assert (alert.rule, payment.use) == ("misdirected_payment", "credit")
    assert state(runtime)[0] == []


@pytest.mark.parametrize("closed", ["superseded", "expired", "failed"])
def test_money_for_a_dead_order_becomes_credit_and_activates_nothing(
    runtime: Runtime, closed: str
) -> None:
    order = lives.order(runtime)
    with runtime.database.transaction() as session:
        orders.close(session.get_one(Order, order.id), closed, clock.now())
    lives.deliver(runtime, *lives.payment_events(order))
    drain(runtime)
    with runtime.database.transaction() as session:
        account = session.scalars(select(Account)).one()
        assert credit.balance(session, account.id, "CZK") == Money(order.due, "CZK")
    assert state(runtime) == ([], ["succeeded"], [], 1)


def test_a_second_payment_for_a_paid_order_becomes_credit(runtime: Runtime) -> None:
    order = lives.order(runtime)
    lives.deliver(runtime, *lives.payment_events(order, "pi_1"))
    drain(runtime)
    lives.deliver(runtime, *lives.payment_events(order, "pi_2"))
    drain(runtime)
    with runtime.database.transaction() as session:
        account = session.scalars(select(Account)).one()
        assert credit.balance(session, account.id, "CZK") == Money(order.due, "CZK")
        assert session.scalar(select(func.count()).select_from(Invoice)) == 1


def test_money_for_an_unknown_order_waits_and_is_parked_in_the_end(
    runtime: Runtime, frozen_clock: object
) -> None:
    order = lives.order(runtime)
    order.id = "ord_nobody_knows"
    lives.deliver(runtime, lives.payment_events(order)[1])
    drain(runtime)
    event = lives.events(runtime)[0]
    assert event.status == "unmatched"
    assert "ord_nobody_knows" in (event.note or "")
    for _ in range(10):
        clock.advance(timedelta(days=1))
        drain(runtime)
    event = lives.events(runtime)[0]
    assert (event.status, event.attempts) == ("parked", 8)


def test_an_event_that_came_before_its_order_is_applied_when_the_order_is_there(
    runtime: Runtime, frozen_clock: object
) -> None:
    order = lives.order(runtime)
    events = lives.payment_events(order)
    with runtime.database.transaction() as session:
        session.delete(session.get_one(Order, order.id))
    lives.deliver(runtime, *events)
    drain(runtime)
    assert {event.status for event in lives.events(runtime)} == {"unmatched"}
    with runtime.database.transaction() as session:
        values = {c.name: getattr(order, c.name) for c in Order.__table__.columns}
        session.add(Order(**values))
    clock.advance(timedelta(minutes=1))
    drain(runtime)
    assert state(runtime)[0] == ["active"]


def test_an_unknown_type_is_kept_and_ignored(runtime: Runtime) -> None:
    lives.deliver(runtime, lives.incoming("evt_1", "cow.milked", {"id": "cow_1"}))
    drain(runtime)
    event = lives.events(runtime)[0]
    assert event.status == "ignored"
    assert event.note


def test_a_body_that_cannot_be_understood_is_parked_with_its_traceback(runtime: Runtime) -> None:
    about = {"id": "pi_0", "status": "succeeded", "metadata": {"order_id": "ord_1"}}
    bad = lives.incoming("evt_1", "payment_intent.succeeded", about)
    good = lives.payment_events(lives.order(runtime))
    lives.deliver(runtime, bad, *good)
    drain(runtime)
    with runtime.database.transaction() as session:
        parked = session.scalars(select(Event).where(Event.status == "parked")).one()
        attempt = session.scalars(select(Attempt).where(Attempt.event_id == parked.id)).one()
    assert parked.provider_event_id == "evt_1"
    assert attempt.traceback is not None
    assert parked.fingerprint
    assert state(runtime)[0] == ["active"]


def test_an_event_that_is_retried_after_success_is_refused_and_changes_nothing(
    runtime: Runtime,
) -> None:
    lives.deliver(runtime, *lives.payment_events(lives.order(runtime)))
    drain(runtime)
    before = state(runtime)
    with pytest.raises(Exception, match="replay"):
        lives.retry(runtime, lives.events(runtime)[0].id)
    assert state(runtime) == before


def test_an_american_express_payment_counts_and_operators_are_told(runtime: Runtime) -> None:
    order = lives.order(runtime)
    charge = lives.payment_events(order)[0]
    amex = charge.body.replace(b'"visa"', b'"amex"')
    lives.deliver(runtime, lives.incoming("evt_x", "charge.succeeded", {}, body=amex))
    drain(runtime)
    with runtime.database.transaction() as session:
        assert session.scalars(select(Alert)).one().rule == "card_brand_not_accepted"
    assert state(runtime)[0] == ["active"]


CARD = {"type": "card", "card": {"brand": "amex", "last4": "0005"}}
CRYPTO = {"type": "crypto", "crypto": {"network": "base", "token_currency": "usdc"}}


@pytest.mark.parametrize(
    "means, rule",
    [(CARD, "card_brand_not_accepted"), (CRYPTO, "means_not_accepted")],
    ids=["amex", "crypto"],
)
def test_what_is_not_taken_is_not_stored_by_the_event_of_its_money(
    runtime: Runtime, means: dict[str, Any], rule: str
) -> None:
    order = lives.order(runtime)
    charge = msgspec.json.decode(lives.payment_events(order)[0].body)["data"]["object"]
    saved = {"payment_method": "pm_x", "customer": "cus_1", "payment_method_details": means}
    metadata = {**charge["metadata"], "saves_method": "yes"}
    paid = {**charge, **saved, "metadata": metadata}
    lives.deliver(runtime, lives.incoming("evt_paid", "charge.succeeded", paid))
    drain(runtime)
    with runtime.database.transaction() as session:
        assert session.scalars(select(PaymentMethod)).all() == []
        assert session.scalars(select(Alert)).one().rule == rule
    assert state(runtime)[0] == ["active"]
