"""Events of a batch are worked together: few statements, and the same as each by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, select, text, update

from domain import accounts, batch, effects
from domain.accounts import ProviderCustomer
from domain.database import Database
from domain.effects import Effect
from domain.errors import StoreUnavailable
from domain.inbox import Attempt, Event
from domain.invoices import Invoice
from domain.orders import Order
from domain.payments import Payment
from domain.subscriptions import Subscription
from tests import lives
from workers import process_events
from workers.runtime import Runtime

BUYERS = 20
MOST_STATEMENTS = 40
"""For a whole batch, however many events are in it."""


@pytest.fixture
def runtime(postgres_url: str) -> Iterator[Runtime]:
    database = Database(postgres_url)
    yield lives.runtime_on(database)
    database.dispose()


def buy(runtime: Runtime, count: int) -> list[Order]:
    """Accounts with orders, and the events of their payments in the inbox."""
    orders = []
    for number in range(count):
        lives.account(runtime, f"buyer-{number}")
        orders.append(lives.order(runtime, f"buyer-{number}"))
        lives.deliver(runtime, *lives.payment_events(orders[-1], f"pi_{number}"))
    return orders


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    statements: list[str] = []

    def count(_connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", count)
    yield statements
    event.remove(database.engine, "before_cursor_execute", count)


def numbers(runtime: Runtime) -> list[str | None]:
    with runtime.database.transaction() as session:
        return list(session.scalars(select(Invoice.number).order_by(Invoice.position)))


def test_a_batch_of_purchases_takes_a_handful_of_statements(runtime: Runtime) -> None:
    buy(runtime, BUYERS)
    with counted(runtime.database) as statements:
        tally = process_events.process_batch(runtime)
    assert tally.worked == 3 * BUYERS
    assert len(statements) < MOST_STATEMENTS
    year = str(numbers(runtime)[0])[:4]
    assert numbers(runtime) == [f"{year}-{n:06d}" for n in range(1, BUYERS + 1)]
    with runtime.database.transaction() as session:
        states = session.scalars(select(Subscription.state)).all()
        wanted = session.scalar(select(func.count()).select_from(Effect))
    assert states == ["active"] * BUYERS
    assert wanted == 2 * BUYERS


def test_one_that_fails_in_its_rule_does_not_take_the_others_with_it(runtime: Runtime) -> None:
    orders = buy(runtime, 3)
    with runtime.database.transaction() as session:
        # As no order of ours is: only a bug could make one.
        session.execute(update(Order).where(Order.id == orders[1].id).values(quote={}))
    process_events.drain(runtime)
    with runtime.database.transaction() as session:
        paid = session.scalars(select(Payment.order_id).where(Payment.state == "succeeded"))
        assert set(paid) == {orders[0].id, orders[2].id}
    assert len(numbers(runtime)) == 2
    waiting = [each for each in lives.events(runtime) if each.status == "waiting"]
    assert len(waiting) == 3
    with runtime.database.transaction() as session:
        tried = select(func.count()).where(Attempt.event_id == waiting[0].id)
        assert session.scalar(tried) == 1


def test_a_query_that_nobody_foresaw_sees_what_waits(runtime: Runtime) -> None:
    number = lives.account(runtime)
    with runtime.database.transaction() as session, batch.opened(session, 1):
        effects.want_soon(session, "send_mail", "receipt", "order:1", account_id=number)
        accounts.remember_customer(session, "stripe", "cus_1", number)
        assert accounts.customer_at(session, "stripe", number) == "cus_1"
        assert session.scalar(select(Effect.target)) == "receipt"


def test_what_waited_is_inserted_once_however_often_it_is_wanted(runtime: Runtime) -> None:
    number = lives.account(runtime)
    for _ in range(2):
        with runtime.database.transaction() as session, batch.opened(session, 1):
            for _ in range(2):
                effects.want_soon(session, "send_mail", "receipt", "order:1", account_id=number)
                accounts.remember_customer(session, "stripe", "cus_1", number)
    with runtime.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Effect)) == 1
        assert session.scalar(select(func.count()).select_from(ProviderCustomer)) == 1


def test_a_disk_that_is_full_before_a_rule_begins_is_an_outage(runtime: Runtime) -> None:
    """What was noted of all events is written before the first savepoint, and fails there."""
    buy(runtime, 2)
    with runtime.database.transaction() as session:
        session.execute(
            text(
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$"
            )
        )
        session.execute(
            text(
                "CREATE TRIGGER full_disk BEFORE UPDATE ON events "
                "FOR EACH ROW EXECUTE FUNCTION full_disk()"
            )
        )
    with pytest.raises(StoreUnavailable, match="no space left"):
        process_events.process_batch(runtime)
    with runtime.database.transaction() as session:
        tries = session.scalars(select(Event.attempts)).all()
        assert set(tries) == {0}
        assert session.scalars(select(Attempt)).all() == []
