"""Every invariant finds what it must find, and nothing in a life that went well."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import pytest
from sqlalchemy import bindparam, text

from domain import clock, invariants
from domain.database import Database, Instant
from domain.invariants import INVARIANTS, MOST, Violation
from domain.invoices import NumberSeries
from tests import lives
from tests.invariants import assert_invariants
from workers.process_events import drain
from workers.runtime import Runtime

MOMENTS = {
    "a_minute_ago": timedelta(seconds=-61),
    "five_minutes_ago": timedelta(seconds=-301),
    "days_ago": timedelta(days=-6),
    "weeks_ago": timedelta(days=-29),
    "soon": timedelta(minutes=1),
}
"""Instants that the statements below may name, from the present."""


class Case(NamedTuple):
    """An invariant, statements that break it and nothing else, and whom it must name."""

    broken: str
    statements: tuple[str, ...]
    subject: str


EVENT = "UPDATE events SET status = '{}', next_attempt_at = {} WHERE type = 'charge.succeeded'"
EFFECT = "UPDATE effects SET status = '{}', next_attempt_at = {} WHERE kind = 'tell_app'"
NO_ORDER = "UPDATE orders SET due = 0"
EXPIRED = "UPDATE subscriptions SET state = 'expired', next_due_at = NULL, ended_at = :days_ago"
STAY = "UPDATE subscriptions SET period_end = {}, auto_renew = {}, auto_renew_off_reason = {}"
UNUSED = "UPDATE payments SET use = 'credit', order_id = NULL"

SECOND_INVOICE = """
INSERT INTO invoices (id, kind, series, position, number, cause, account_id, order_id, payment_id,
                      issued_at, currency, net, vat, total, content, locale, revision)
SELECT id + 1, kind, series, 2, 'two', 'a second one', account_id, order_id, payment_id,
       issued_at, currency, net, vat, total, content, locale, revision
FROM invoices
"""
BLOCKED = """
UPDATE accounts
SET status = 'blocked', blocked_reason = '{}', blocked_at = :a_minute_ago
"""
DEBT = """
INSERT INTO credit_entries (id, account_id, at, kind, amount, currency, cause)
SELECT 1, id, created_at, 'operator', -1, 'EUR', 'nothing' FROM accounts
"""
OTHER_ACCOUNT = """
INSERT INTO accounts (id, ref, email, locale, currency, billing, status, created_at, updated_at)
SELECT id + 1, 'other', email, locale, currency, billing, status, created_at, updated_at
FROM accounts
"""
OPERATOR_UNBLOCKED = """
INSERT INTO history (id, account_id, at, kind, details, actor)
SELECT 1000, id, created_at, 'account_unblocked', '{}', 'olga' FROM accounts
"""
OPERATOR_BLOCKED = """
INSERT INTO history (id, account_id, at, kind, details, actor)
SELECT 1000, id, blocked_at, 'account_blocked', '{}', 'olga' FROM accounts
"""
LONG_AGO_BLOCKED = """
INSERT INTO history (id, account_id, at, kind, details, actor)
SELECT 1000, id, :days_ago, 'account_blocked', '{}', 'olga' FROM accounts
"""
HELD = """
UPDATE subscriptions
SET period_end = {}, auto_renew = TRUE, auto_renew_off_reason = NULL, renewals_suspended = TRUE
"""

CASES = (
    Case(
        "paid_order_complete",
        ("UPDATE invoices SET cause = 'something else'",),
        "order ord_",
    ),
    Case("paid_order_complete", ("DELETE FROM subscriptions",), "order ord_"),
    Case("paid_order_complete", ("UPDATE subscriptions SET order_id = NULL",), "order ord_"),
    Case("money_accounted_for", ("UPDATE invoices SET payment_id = NULL",), "payment stripe:pi_1"),
    Case(
        "one_invoice_per_payment",
        (
            SECOND_INVOICE,
            "UPDATE number_series SET last = 2",
        ),
        "payment stripe:pi_1",
    ),
    Case("access_is_paid", (STAY.format(":days_ago", "TRUE", "NULL"),), "account acme"),
    Case("access_is_paid", (STAY.format(":a_minute_ago", "FALSE", "'customer'"),), "account acme"),
    Case("access_is_paid", (STAY.format(":days_ago", "FALSE", "'renewal_failed'"),), "account"),
    Case("access_is_paid", (EXPIRED,), "account acme"),
    Case(
        "block_has_cause",
        (BLOCKED.format("subscription_expired"),),
        "account acme",
    ),
    Case("block_has_cause", (BLOCKED.format("refunded"),), "account acme"),
    Case("block_has_cause", (BLOCKED.format("dispute_lost"),), "account acme"),
    Case("block_has_cause", (BLOCKED.format("operator"),), "account acme"),
    Case("block_has_cause", (BLOCKED.format("operator"), LONG_AGO_BLOCKED), "account acme"),
    Case("access_is_paid", (HELD.format(":weeks_ago"),), "account acme"),
    Case(
        "credit_not_negative",
        (DEBT,),
        "account acme",
    ),
    Case("numbers_gapless", ("UPDATE invoices SET position = 2",), "series 2026"),
    Case("numbers_gapless", ("UPDATE number_series SET last = 2",), "series 2026"),
    Case("numbers_gapless", ("DELETE FROM number_series",), "series 2026"),
    Case("numbers_gapless", ("INSERT INTO number_series VALUES ('CN-2026', 3)",), "series CN-2026"),
    Case(
        "refunds_within_payment",
        ("UPDATE payments SET refunded = amount + 1, use = 'credit', order_id = NULL", NO_ORDER),
        "payment stripe:pi_1",
    ),
    Case("refunds_documented", ("UPDATE payments SET refunded = 1",), "payment stripe:pi_1"),
    Case("events_move_on", (EVENT.format("waiting", ":five_minutes_ago"),), "event "),
    Case("events_move_on", (EVENT.format("quarantined", ":five_minutes_ago"),), "event "),
    Case("events_move_on", (EVENT.format("lost", "NULL"),), "event "),
    Case(
        "events_move_on",
        (EVENT.format("received", "NULL"), "UPDATE events SET received_at = :five_minutes_ago"),
        "event ",
    ),
    Case("effects_move_on", (EFFECT.format("running", ":five_minutes_ago"),), "effect "),
    Case("effects_move_on", (EFFECT.format("wanted", "NULL"),), "effect "),
    Case("effects_move_on", (EFFECT.format("succeeded", ":soon"),), "effect "),
    Case("block_explained", ("UPDATE accounts SET status = 'blocked'",), "account acme"),
    Case("block_explained", ("UPDATE accounts SET blocked_reason = 'operator'",), "account acme"),
    Case("block_explained", ("UPDATE accounts SET status = 'unsure'",), "account acme"),
    Case("running_is_planned", ("UPDATE subscriptions SET next_due_at = NULL",), "account acme"),
    Case("papers_numbered", ("UPDATE invoices SET number = NULL",), "paper "),
    Case(
        "own_money",
        (
            OTHER_ACCOUNT,
            "UPDATE payments SET account_id = account_id + 1",
        ),
        "payment stripe:pi_1",
    ),
    Case("paid_by_money", (UNUSED,), "order ord_"),
    Case("paid_by_money", ("UPDATE payments SET amount = amount - 1",), "order ord_"),
)
HARMLESS = (
    (EVENT.format("waiting", ":soon"),),
    (EVENT.format("unmatched", ":a_minute_ago"),),
    (EVENT.format("parked", "NULL"), "UPDATE events SET received_at = :days_ago"),
    (EFFECT.format("running", ":a_minute_ago"),),
    (EFFECT.format("parked", "NULL"),),
    (STAY.format(":a_minute_ago", "TRUE", "NULL"),),
    (
        STAY.format(":days_ago", "TRUE", "NULL"),
        "UPDATE subscriptions SET renewal_in_flight = TRUE, renewal_tried_at = :a_minute_ago",
    ),
    (BLOCKED.format("operator"), OPERATOR_BLOCKED),
    (HELD.format(":days_ago"),),
    (
        STAY.format(":weeks_ago", "TRUE", "NULL"),
        "UPDATE subscriptions SET retries_from = :a_minute_ago",
    ),
    (
        EXPIRED,
        OPERATOR_UNBLOCKED,
    ),
)


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Runtime:
    runtime = lives.runtime_on(database)
    lives.account(runtime)
    lives.deliver(runtime, *lives.payment_events(lives.order(runtime)))
    drain(runtime)
    return runtime


def change(runtime: Runtime, statements: tuple[str, ...]) -> None:
    with runtime.database.transaction() as session:
        for statement in statements:
            named = {name: clock.now() + by for name, by in MOMENTS.items() if name in statement}
            moments = [bindparam(name, type_=Instant()) for name in named]
            session.execute(text(statement).bindparams(*moments), named)


def found(runtime: Runtime) -> list[Violation]:
    with runtime.database.transaction() as session:
        return invariants.broken(session, runtime.catalogue)


def test_a_life_that_went_well_breaks_no_invariant(runtime: Runtime) -> None:
    assert_invariants(runtime.database)
    assert found(runtime) == []


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{number}-{case.broken}" for number, case in enumerate(CASES)]
)
def test_a_violation_is_found_by_its_invariant_and_by_no_other(
    runtime: Runtime, case: Case
) -> None:
    change(runtime, case.statements)
    violations = found(runtime)
    assert {each.invariant for each in violations} == {case.broken}
    assert all(each.subject.startswith(case.subject) and each.detail for each in violations)
    with pytest.raises(AssertionError, match=case.broken):
        assert_invariants(runtime.database)


def test_every_invariant_is_seen_broken() -> None:
    assert {case.broken for case in CASES} == set(INVARIANTS)


@pytest.mark.parametrize("statements", HARMLESS)
def test_what_is_planned_parked_or_decided_by_a_person_breaks_nothing(
    runtime: Runtime, statements: tuple[str, ...]
) -> None:
    change(runtime, statements)
    assert found(runtime) == []


def test_an_invariant_names_no_more_than_a_hundred_violations(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        session.add_all(NumberSeries(series=f"S{number}", last=1) for number in range(MOST + 1))
    assert len(found(runtime)) == MOST


def test_the_invariants_are_numbered_as_the_rules_are() -> None:
    assert [each.number for each in INVARIANTS.values()] == list(range(1, len(INVARIANTS) + 1))
    assert list(INVARIANTS)[:3] == [
        "paid_order_complete",
        "money_accounted_for",
        "one_invoice_per_payment",
    ]
