"""Numbers have no hole and no duplicate, whoever dies while giving them, also over New Year."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any, Final

import pytest
from sqlalchemy import func, select

from domain import orders, quotes
from domain.accounts import Account
from domain.database import Database
from domain.inbox import Event
from domain.invoices import Invoice, NumberSeries
from domain.orders import Order
from tests import lives
from tests.invariants import assert_invariants
from tests.races.payers import Crew
from workers.process_events import drain
from workers.runtime import Runtime

NEW_YEAR: Final = datetime(2027, 1, 1, tzinfo=UTC)
SIDES: Final = (NEW_YEAR - timedelta(seconds=2), NEW_YEAR + timedelta(seconds=2))
PURCHASES: Final = 90
WORKERS: Final = 4
BETWEEN_DEATHS_S: Final = 0.18
PAUSE_S: Final = 0.01
PATIENCE_S: Final = 60


@pytest.fixture
def runtime(postgres_url: str, frozen_clock: ModuleType) -> Iterator[Runtime]:
    """A runtime a minute before the year ends."""
    frozen_clock.travel(NEW_YEAR - timedelta(minutes=1))
    database = Database(postgres_url)
    yield lives.runtime_on(database)
    database.dispose()


def placed(runtime: Runtime) -> list[Order]:
    """An open order of each of many accounts."""
    with runtime.database.transaction() as session:
        owners = [
            Account(ref=f"a{n}", email=f"a{n}@customers.example", currency="CZK", billing={})
            for n in range(PURCHASES)
        ]
        session.add_all(owners)
        session.flush()
        return [
            orders.place(session, sold, owner, quote, method="card", provider="stripe")
            for sold in [runtime.catalogue]
            for owner in owners
            for quote in [quotes.make(session, sold, owner, lives.target())]
        ]


def refund_event(order: Order, intent: str) -> Any:
    """A quarter of a payment went back."""
    refund = {
        "id": f"re_{intent}",
        "object": "refund",
        "amount": order.due // 4,
        "currency": "czk",
        "payment_intent": intent,
        "status": "succeeded",
    }
    return lives.incoming(f"evt_r_{intent}", "refund.updated", refund)


def money_comes(runtime: Runtime) -> None:
    """Every order is paid, and every third payment goes back in part."""
    bought = {f"pi_{number}": order for number, order in enumerate(placed(runtime))}
    for intent, order in bought.items():
        lives.deliver(runtime, lives.payment_events(order, intent)[1])
    for intent, order in list(bought.items())[::3]:
        lives.deliver(runtime, refund_event(order, intent))


def unfinished(runtime: Runtime) -> int:
    with runtime.database.transaction() as session:
        waiting = select(func.count()).select_from(Event).where(Event.status == "received")
        return session.scalar(waiting) or 0


def when_less(runtime: Runtime, left: int) -> int:
    """Wait until less is left to do, so that a slow machine comes to an end too; how much is."""
    deadline = time.monotonic() + PATIENCE_S
    while (now := unfinished(runtime)) >= left:
        assert time.monotonic() < deadline, f"{now} payments and refunds are not settled"
        time.sleep(PAUSE_S)
    return now


def positions(runtime: Runtime) -> dict[str, list[int | None]]:
    """The positions given out in every series, in order."""
    found: dict[str, list[int | None]] = defaultdict(list)
    with runtime.database.transaction() as session:
        rows = session.execute(select(Invoice.series, Invoice.position).order_by(Invoice.position))
        for series, position in rows:
            found[series].append(position)
    return found


def counters(runtime: Runtime) -> dict[str, int]:
    with runtime.database.transaction() as session:
        return {row.series: row.last for row in session.scalars(select(NumberSeries))}


@pytest.mark.timeout(300)
def test_workers_that_are_killed_over_new_year_leave_no_hole_and_no_duplicate(
    runtime: Runtime, postgres_url: str, frozen_clock: ModuleType
) -> None:
    money_comes(runtime)
    crew = Crew(postgres_url, SIDES, WORKERS, seed=20261231)
    try:
        left = unfinished(runtime)
        while left:
            crew.wait(BETWEEN_DEATHS_S)
            crew.replace_one()
            left = when_less(runtime, left)
    finally:
        crew.dismiss()
    assert crew.killed_at_work >= 3, crew.killed
    # A refund that was worked on before its payment waits for it.
    frozen_clock.travel(NEW_YEAR + timedelta(minutes=1))
    drain(runtime)
    given = positions(runtime)
    assert set(given) == {"2026", "2027", "CN-2026", "CN-2027"}
    assert all(found == list(range(1, len(found) + 1)) for found in given.values())
    assert counters(runtime) == {series: len(found) for series, found in given.items()}
    assert len(given["2026"]) + len(given["2027"]) == PURCHASES
    assert len(given["CN-2026"]) + len(given["CN-2027"]) == len(range(0, PURCHASES, 3))
    assert_invariants(runtime.database)
