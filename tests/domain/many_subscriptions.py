"""Very many subscriptions at once, made inside PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.database import Database
from workers.passage import due_accounts

ACCOUNTS = """
INSERT INTO accounts (id, ref, email, locale, currency, billing, status, created_at, updated_at)
SELECT n, 'many-' || n, 'many-' || n || '@customers.example', 'en', 'CZK', '{"country": "CZ"}',
       'active', :began, :began
FROM generate_series(1, :count) AS n
"""
SUBSCRIPTIONS = """
INSERT INTO subscriptions (
    account_id, plan, interval, agents, conversations, currency, period_start, period_end,
    period_net, anchor_day, state, auto_renew, managed_by, started_at, next_due_at,
    renewal_failures, renewal_charges, renewal_in_flight, renewals_suspended
)
SELECT n, 'standard', 'month', 1, 100, 'CZK', :began, :began + interval '31 days', 49000, 1,
       CASE WHEN n % 5 = 0 THEN 'expired' ELSE 'active' END, true, 'us', :began,
       CASE WHEN n % 5 = 0 THEN NULL ELSE :began + interval '30 days' + n * interval '1 second' END,
       0, 0, false, false
FROM generate_series(1, :count) AS n
"""

METHODS = """
INSERT INTO payment_methods (account_id, provider, token, customer, kind, brand, last4, saved_at)
SELECT n, 'stripe', 'pm_' || n, 'cus_' || n, 'card', 'visa', '4242', :began
FROM generate_series(1, :count) AS n
"""


def insert_many(database: Database, count: int, began: datetime) -> None:
    """Insert ``count`` accounts, each with a subscription and a saved card; every fifth is over.

    The n-th is due n seconds after 30 days. The planner's statistics are brought up to date.
    """
    with database.engine.begin() as connection:
        connection.execute(text("SET LOCAL synchronous_commit = off"))
        for statement in (ACCOUNTS, SUBSCRIPTIONS, METHODS):
            connection.execute(text(statement), {"count": count, "began": began})
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE accounts, subscriptions, payment_methods"))


def moment_with_due(began: datetime, due: int) -> datetime:
    """When exactly ``due`` subscriptions are due."""
    return began + timedelta(days=30, seconds=due + due // 4)


def plan_of_scan(session: Session, limit: int) -> dict[str, Any]:
    """What PostgreSQL did for the clock's scan: the root of the plan, with its real numbers."""
    statement = due_accounts(limit).compile(
        dialect=session.get_bind().dialect, compile_kwargs={"literal_binds": True}
    )
    document = session.scalar(text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"))
    plan: dict[str, Any] = document[0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes of a plan, the root first."""
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)
