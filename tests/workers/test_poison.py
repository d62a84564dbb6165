"""One event that the database cannot take holds nobody else up, whatever is strange in it."""

from __future__ import annotations

import pytest
from msgspec import structs
from sqlalchemy import select

from domain.database import Database
from domain.inbox import Attempt, Event
from domain.payments import Payment
from tests import lives
from workers import process_events
from workers.runtime import Runtime

TOO_MUCH = 10**30


@pytest.fixture
def runtime(database: Database) -> Runtime:
    return lives.runtime_on(database)


@pytest.mark.parametrize(
    "payment, amount",
    [("pi_strange", TOO_MUCH), ("pi_\0strange", 29_900)],
    ids=["more money than a column holds", "a NUL in its id"],
)
def test_a_strange_event_is_set_apart_and_the_others_are_worked(
    runtime: Runtime, payment: str, amount: int
) -> None:
    lives.account(runtime)
    order = lives.order(runtime)
    strange = lives.payment_events(order, payment, amount=amount)[0]
    strange.identity = structs.replace(strange.identity, event_id="evt_strange")
    lives.deliver(runtime, strange, *lives.payment_events(order, "pi_1"))
    process_events.drain(runtime)
    with runtime.database.transaction() as session:
        paid = session.scalars(select(Payment.order_id).where(Payment.state == "succeeded"))
        assert list(paid) == [order.id]
    first = next(e for e in lives.events(runtime) if e.provider_event_id == "evt_strange")
    assert first.status == "parked"
    with runtime.database.transaction() as session:
        tried = session.scalars(select(Attempt).where(Attempt.event_id == first.id)).all()
    assert len(tried) == 1


def test_what_no_index_takes_is_set_apart_too(postgres_url: str) -> None:
    database = Database(postgres_url)
    runtime = lives.runtime_on(database)
    lives.account(runtime)
    order = lives.order(runtime)
    endless = "pi_" + "".join(f"{number:x}" for number in range(9_000))
    strange = lives.payment_events(order, endless)[0]
    strange.identity = structs.replace(strange.identity, event_id="evt_strange")
    lives.deliver(runtime, strange, *lives.payment_events(order, "pi_1"))
    process_events.drain(runtime)
    with database.transaction() as session:
        paid = session.scalars(select(Payment.order_id).where(Payment.state == "succeeded"))
        assert list(paid) == [order.id]
        tried = session.scalars(
            select(Attempt)
            .join(Event, Event.id == Attempt.event_id)
            .where(Event.provider_event_id == "evt_strange")
        ).all()
        assert [each.outcome for each in tried] == ["waiting"]
    first = next(e for e in lives.events(runtime) if e.provider_event_id == "evt_strange")
    assert (first.status, first.attempts, first.payment) == ("waiting", 1, None)
    database.dispose()


@pytest.mark.parametrize(
    "invoice, note",
    [
        ({"invoice": "in_\0"}, "Permanent: its ReadingRequest.id holds characters that are none"),
        ({}, "Permanent: \N{REPLACEMENT CHARACTER}inpay_1 names no invoice"),
    ],
    ids=["in what must be read", "in what the error says"],
)
def test_a_name_that_is_no_text_goes_no_further(
    postgres_url: str, invoice: dict[str, str], note: str
) -> None:
    database = Database(postgres_url)
    runtime = lives.runtime_on(database)
    paid = {"id": "\0inpay_1", "object": "invoice_payment", "status": "paid", **invoice}
    lives.deliver(runtime, lives.incoming("evt_1", "invoice_payment.paid", paid))
    process_events.drain(runtime)
    [event] = lives.events(runtime)
    assert (event.status, event.note) == ("parked", note)
    database.dispose()
