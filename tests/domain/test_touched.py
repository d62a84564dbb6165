"""What the watch follows: every new row of the books once, when no transaction can add one before
it, and about these accounts the same answers as about the whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from types import ModuleType
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from domain import clock, invariants, touched
from domain.database import Database, Instant
from domain.history import note
from domain.invariants import INVARIANTS, Violation
from domain.touched import SETTLED, Touched
from tests import lives
from workers.process_events import drain
from workers.runtime import Runtime

SOON: Final = SETTLED + timedelta(seconds=1)
CUSTOMERS: Final = 4
MESSES: Final = (
    "UPDATE invoices SET cause = 'something else ' || id WHERE account_id = :account",
    "UPDATE invoices SET payment_id = NULL WHERE account_id = :account",
    "UPDATE invoices SET number = NULL WHERE account_id = :account",
    "UPDATE invoices SET account_id = :other WHERE account_id = :account",
    "DELETE FROM subscriptions WHERE account_id = :account",
    "UPDATE subscriptions SET order_id = NULL WHERE account_id = :account",
    "UPDATE subscriptions SET next_due_at = NULL WHERE account_id = :account",
    "UPDATE subscriptions SET period_end = :long_ago WHERE account_id = :account",
    "UPDATE subscriptions SET state = 'expired', ended_at = :long_ago WHERE account_id = :account",
    "UPDATE accounts SET status = 'blocked', blocked_reason = 'operator' WHERE id = :account",
    "UPDATE accounts SET status = 'unsure' WHERE id = :account",
    "UPDATE payments SET refunded = amount + 1 WHERE account_id = :account",
    "UPDATE payments SET amount = amount - 1 WHERE account_id = :account",
    "UPDATE payments SET account_id = :other WHERE account_id = :account",
    "UPDATE payments SET order_id = NULL WHERE account_id = :account",
    "UPDATE orders SET account_id = :other WHERE account_id = :account AND state = 'paid'",
    """
    INSERT INTO credit_entries (account_id, at, kind, amount, currency, cause)
    SELECT id, created_at, 'operator', -1, 'EUR', 'debt ' || (SELECT count(*) FROM credit_entries)
    FROM accounts WHERE id = :account
    """,
)
"""Ways to break the books of one account, some of them at the expense of another."""
NUMBERS = st.integers(0, CUSTOMERS - 1)


class _Undone(Exception):
    """Takes back what an example did."""


@pytest.fixture
def runtime(database: Database, frozen_clock: ModuleType) -> Runtime:
    runtime = lives.runtime_on(database)
    with database.transaction() as session:
        touched.next_accounts(session)
    return runtime


@pytest.fixture
def customers(runtime: Runtime) -> list[int]:
    """Accounts that have paid."""
    return [buy(runtime, number) for number in range(1, CUSTOMERS + 1)]


def buy(runtime: Runtime, number: int) -> int:
    account_id = lives.account(runtime, f"acme-{number}")
    order = lives.order(runtime, f"acme-{number}")
    lives.deliver(runtime, *lives.payment_events(order, f"pi_{number}"))
    drain(runtime)
    return account_id


def follow(runtime: Runtime) -> Touched:
    with runtime.database.transaction() as session:
        return touched.next_accounts(session)


def messed(session: Session, customers: list[int], mess: str, whose: int, other: int) -> None:
    values = {"account": customers[whose]}
    if ":other" in mess:
        values["other"] = customers[other]
    statement = text(mess).bindparams(**values)
    if ":long_ago" in mess:
        long_ago = bindparam("long_ago", clock.now() - timedelta(days=60), type_=Instant())
        statement = statement.bindparams(long_ago)
    session.execute(statement)


@given(
    messes=st.lists(st.tuples(st.sampled_from(MESSES), NUMBERS, NUMBERS), min_size=1, max_size=6),
    groups=st.lists(st.integers(0, 2), min_size=CUSTOMERS, max_size=CUSTOMERS),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_found_about_every_account_is_what_is_found_about_the_whole(
    runtime: Runtime,
    customers: list[int],
    messes: list[tuple[str, int, int]],
    groups: list[int],
) -> None:
    with suppress(_Undone), runtime.database.transaction() as session:
        for mess, whose, other in messes:
            messed(session, customers, mess, whose, other)
        whole = about_accounts(invariants.broken(session, runtime.catalogue))
        pieces = [
            invariants.broken(session, runtime.catalogue, among=among)
            for among in grouped(customers, groups)
        ]
        raise _Undone
    assert sorted(map(str, whole)) == sorted(str(each) for piece in pieces for each in piece)
    assert all(each.account_id in customers for each in whole)


def about_accounts(found: list[Violation]) -> list[Violation]:
    return [each for each in found if INVARIANTS[each.invariant].whose is not None]


def grouped(customers: list[int], groups: list[int]) -> Iterator[list[int]]:
    for group in sorted(set(groups)):
        yield [each for each, of in zip(customers, groups, strict=True) if of == group]


def test_an_account_is_given_once_and_only_when_its_rows_are_settled(
    runtime: Runtime, frozen_clock: ModuleType
) -> None:
    account_id = buy(runtime, 1)
    assert follow(runtime).accounts == []
    frozen_clock.advance(SOON)
    assert follow(runtime) == Touched([account_id], more=False)
    assert follow(runtime).accounts == []


def test_a_row_that_is_younger_waits_for_the_next_time(
    runtime: Runtime, frozen_clock: ModuleType
) -> None:
    accounts = [lives.account(runtime, ref) for ref in ("one", "two")]
    frozen_clock.advance(SOON)
    follow(runtime)
    for account_id in accounts:
        with runtime.database.transaction() as session:
            note(session, account_id, "account_updated", fields="email")
        frozen_clock.advance(SETTLED / 2)
    frozen_clock.advance(timedelta(seconds=1))
    assert follow(runtime).accounts == accounts[:1]
    frozen_clock.advance(SETTLED)
    assert follow(runtime).accounts == accounts[1:]


def test_much_that_happened_is_given_in_pieces(
    runtime: Runtime, frozen_clock: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(touched, "STEP", 2)
    accounts = [lives.account(runtime, f"account-{number}") for number in range(5)]
    frozen_clock.advance(SOON)
    pieces = [follow(runtime) for _ in range(4)]
    assert [each.accounts for each in pieces] == [accounts[:2], accounts[2:4], accounts[4:], []]
    assert [each.more for each in pieces] == [True, True, False, False]


def test_what_happened_before_the_first_time_is_left_to_the_round(
    database: Database, frozen_clock: ModuleType
) -> None:
    runtime = lives.runtime_on(database)
    buy(runtime, 1)
    frozen_clock.advance(SOON)
    assert follow(runtime).accounts == []


def test_an_invariant_without_accounts_is_not_asked_about_them(runtime: Runtime) -> None:
    asked = {name for name, each in INVARIANTS.items() if each.whose is None}
    assert asked == {"numbers_gapless", "events_move_on", "effects_move_on"}
