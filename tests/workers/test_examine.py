"""What a change does to the books is told within a minute, wherever the round is."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from domain import clock, invariants, rounds, touched
from domain.alerts import Alert
from domain.database import Database
from domain.history import note
from domain.orders import Order
from domain.subscriptions import Subscription
from domain.touched import SETTLED
from tests import lives
from workers import examine as duty
from workers.clock import DUTIES
from workers.examine import examine, examine_piece
from workers.process_events import drain
from workers.runtime import Runtime
from workers.watching import SLOW_LOOKS, books
from workers.watching.looking import look_at

COMPLETE = "paid_order_complete"
LOOK = {books.RULE: SLOW_LOOKS[books.RULE]}
CUSTOMERS = 3


@pytest.fixture
def runtime(
    database: Database, frozen_clock: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> Runtime:
    """Customers whom the round has just passed, one account a piece."""
    monkeypatch.setattr(rounds, "FEWEST", 1)
    runtime = lives.runtime_on(database)
    for number in range(CUSTOMERS):
        lives.account(runtime, f"acme-{number}")
        order = lives.order(runtime, f"acme-{number}")
        lives.deliver(runtime, *lives.payment_events(order, f"pi_{number}"))
        drain(runtime)
    lives.account(runtime, "last")
    examine_piece(runtime)
    look_at(runtime, LOOK)
    return runtime


def forget_the_order(session: Session, account_id: int) -> None:
    """As a mistake in a rule would: with a line in the history."""
    theirs = Subscription.account_id == account_id
    session.execute(update(Subscription).where(theirs).values(order_id=None))
    note(session, account_id, "auto_renew_off", reason="a mistake")


def mend(runtime: Runtime, *accounts: int) -> None:
    bought = select(Order.id).where(Order.account_id == Subscription.account_id).scalar_subquery()
    theirs = Subscription.account_id.in_(accounts)
    with runtime.database.transaction() as session:
        session.execute(update(Subscription).where(theirs).values(order_id=bought))


def mistake(runtime: Runtime, *accounts: int) -> None:
    with runtime.database.transaction() as session:
        for account_id in accounts:
            forget_the_order(session, account_id)
    clock.advance(SETTLED + timedelta(seconds=1))


def alert(runtime: Runtime) -> Alert | None:
    with runtime.database.transaction() as session:
        return session.scalars(select(Alert).order_by(Alert.id.desc())).first()


def look(runtime: Runtime) -> Alert | None:
    look_at(runtime, LOOK)
    return alert(runtime)


def test_a_change_is_followed_soon_enough_to_be_told_within_a_minute() -> None:
    [every] = [seconds for name, seconds, _ in DUTIES if name == "examine"]
    assert SETTLED.total_seconds() + every <= 45


def test_a_mistake_is_told_although_the_round_is_elsewhere(runtime: Runtime) -> None:
    mistake(runtime, 3)
    assert look(runtime) is None
    assert not examine_piece(runtime)
    told = alert(runtime)
    assert told is not None
    assert (told.rule, told.subject, told.state) == (books.RULE, COMPLETE, "open")
    assert told.details["violations"][0].endswith("paid, but there is no subscription change")


def test_the_alert_stays_open_until_the_accounts_that_it_names_are_right(runtime: Runtime) -> None:
    mistake(runtime, 3)
    examine_piece(runtime)
    # The round takes so many looks to come by; the alert does not wait for it.
    for _ in range(CUSTOMERS + 2):
        told = look(runtime)
        assert told is not None
        assert told.state == "open"
    mend(runtime, 3)
    told = look(runtime)
    assert told is not None
    assert told.state == "resolved"


def test_what_is_found_later_is_told_with_what_was_found_before(runtime: Runtime) -> None:
    mistake(runtime, 3)
    examine_piece(runtime)
    mistake(runtime, 2)
    examine_piece(runtime)
    told = alert(runtime)
    assert told is not None
    assert (told.details["count"], told.details["accounts"]) == ("2", [2, 3])
    assert told.count == 1


def test_when_more_is_broken_than_is_noted_the_whole_tells_that_it_is_over(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invariants, "MOST", 2)
    mistake(runtime, 1, 2, 3)
    examine_piece(runtime)
    told = alert(runtime)
    assert told is not None
    assert told.details["count"] == "2 or more"
    assert "accounts" not in told.details
    mend(runtime, 1, 2)
    told = look(runtime)
    assert told is not None
    assert (told.state, told.details["accounts"]) == ("open", [3])


def test_a_period_that_nobody_ended_is_told_without_a_change(runtime: Runtime) -> None:
    for _ in range(CUSTOMERS):
        look(runtime)
    clock.advance(timedelta(days=60))
    with runtime.database.transaction() as session:
        # Somebody's clock stood still, and the round has a long way to go.
        touched.next_accounts(session)
    look(runtime)
    with runtime.database.transaction() as session:
        told = session.scalars(select(Alert).where(Alert.subject == "access_is_paid")).one()
    assert told.details["count"] == str(CUSTOMERS)


def test_a_plan_that_is_forgotten_without_a_trace_is_told_all_the_same(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        session.execute(update(Subscription).values(next_due_at=None))
    told = look(runtime)
    assert told is not None
    assert (told.subject, told.details["count"]) == ("running_is_planned", str(CUSTOMERS))


def test_many_accounts_are_asked_about_in_slices(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "SLICE", 1)
    mistake(runtime, 1, 2, 3)
    examine_piece(runtime)
    told = alert(runtime)
    assert told is not None
    assert told.details["accounts"] == [1, 2, 3]


def test_the_duty_rests_while_the_clock_is_stopped(runtime: Runtime) -> None:
    mistake(runtime, 3)
    examine(runtime)
    assert alert(runtime) is None


def test_the_duty_catches_up_as_long_as_there_is_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(touched, "STEP", 1)
    monkeypatch.setattr(duty, "PATIENCE_S", 60.0)
    runtime = lives.runtime_on(database)
    examine(runtime)
    monkeypatch.setattr(touched, "SETTLED", timedelta(seconds=-1))
    for number in range(3):
        lives.account(runtime, f"account-{number}")
    examine(runtime)
    with database.transaction() as session:
        assert touched.next_accounts(session).accounts == []
