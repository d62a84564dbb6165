"""Long lists read what they show, by their indexes, also where nothing matches (PostgreSQL)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import event as hooks
from sqlalchemy import text
from sqlalchemy.orm import Session

from domain import account_search, audit, clock, event_search, paper_search, timeline, workload
from domain.account_search import AccountFilter
from domain.database import Database
from domain.event_search import Filter
from domain.paper_search import PaperFilter
from tests.domain.many_subscriptions import insert_many, nodes

COUNT = 20_000
PAGE = 51
Query = Callable[[Session], Any]
ROWS = (
    """
    UPDATE subscriptions SET account_blocked = 'subscription_expired' WHERE state = 'expired';
    UPDATE accounts SET status = 'blocked', blocked_reason = 'subscription_expired',
                        blocked_at = now()
    WHERE id % 5 = 0
    """,
    """
    INSERT INTO invoices (id, kind, series, position, number, cause, account_id, issued_at,
                          currency, net, vat, total, content, locale, revision)
    SELECT n, k.kind, k.series, n, k.series || '-' || n, 'n:' || n, 1 + n % 7, now(), 'EUR', 1, 0,
           1, '{}', 'en', 1
    FROM generate_series(1, :count) AS n
    JOIN (VALUES (0, 'invoice', '2025'), (1, 'invoice', '2026'), (2, 'credit_note', 'CN-2026'))
        AS k(slot, kind, series) ON k.slot = n % 3
    """,
    """
    INSERT INTO audit (at, actor, action, subject_kind, subject, account_id, details)
    SELECT now(), 'operator:' || n % 4, CASE n % 2 WHEN 0 THEN 'retry' ELSE 'block' END,
           CASE n % 2 WHEN 0 THEN 'event' ELSE 'account' END, n::text, 1 + n % 90, '{}'
    FROM generate_series(1, :count) AS n
    """,
    """
    INSERT INTO events (provider, provider_event_id, type, status, origin, delivery_id, received_at,
                        attempts, account_id, amount, currency)
    SELECT 'acme', 'evt_' || n, CASE n % 2 WHEN 0 THEN 'paid' ELSE 'failed' END,
           CASE n % 400 WHEN 0 THEN 'parked' ELSE 'processed' END, 'webhook', '',
           now() - n * interval '1 minute', 1, CASE n % 3 WHEN 0 THEN 1 END, 100, 'EUR'
    FROM generate_series(1, :count) AS n
    """,
)
LISTS: dict[str, tuple[Query, int]] = {
    "blocked, and its subscription runs": (
        lambda s: account_search.page(s, AccountFilter(status="blocked", state="active"), PAGE),
        0,
    ),
    "expired": (lambda s: account_search.page(s, AccountFilter(state="expired"), PAGE), PAGE),
    "the beginning of a reference": (
        lambda s: account_search.page(s, AccountFilter(q="many-1"), PAGE),
        PAGE,
    ),
    "nobody's reference": (lambda s: account_search.page(s, AccountFilter(q="zzz"), PAGE), 0),
    "credit notes in a series of invoices": (
        lambda s: paper_search.page(s, PaperFilter(kind="credit_note", series="2026"), PAGE),
        0,
    ),
    "a series": (lambda s: paper_search.page(s, PaperFilter(series="2025"), PAGE), PAGE),
    "an account's papers": (
        lambda s: paper_search.page(s, PaperFilter(account="many-3"), PAGE),
        PAGE,
    ),
    "an action that an actor never took": (
        lambda s: audit.page(s, PAGE, actor="operator:1", action="retry"),
        0,
    ),
    "an action on what it is never done to": (
        lambda s: audit.page(s, PAGE, action="retry", subject_kind="account"),
        0,
    ),
    "a subject": (lambda s: audit.page(s, PAGE, subject="7"), 1),
    "an account's events": (lambda s: event_search.page(s, Filter(account="many-1"), PAGE), PAGE),
    "a busy account's past": (lambda s: timeline.page(s, 1, PAGE), PAGE),
    "money at risk": (lambda s: workload.money_at_risk(s).amounts, 1),
}


@pytest.fixture
def store(postgres_url: str, frozen_clock: object) -> Iterator[Database]:
    """Twenty thousand of each."""
    database = Database(postgres_url)
    insert_many(database, COUNT, clock.now())
    with database.engine.begin() as connection:
        for statements in ROWS:
            for each in statements.split(";"):
                named = {"count": COUNT} if ":count" in each else {}
                connection.execute(text(each), named)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    yield database
    database.dispose()


def explained(session: Session, query: Query) -> tuple[int, list[dict[str, Any]]]:
    """How much the query found, and every node of the plans of its statements."""
    connection = session.connection()
    asked: list[tuple[str, Any]] = []

    def keep(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    hooks.listen(connection, "before_cursor_execute", keep)
    found = len(query(session))
    hooks.remove(connection, "before_cursor_execute", keep)
    told: list[dict[str, Any]] = []
    for statement, parameters in asked:
        analysed = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
        document = connection.exec_driver_sql(analysed, parameters).scalar_one()
        told += nodes(document[0]["Plan"])
    return found, told


def test_no_list_reads_more_than_it_shows(store: Database) -> None:
    for name, (query, expected) in LISTS.items():
        with store.transaction() as session:
            found, plan = explained(session, query)
        assert found == expected, name
        for node in plan:
            if "Scan" not in node["Node Type"] or "Relation Name" not in node:
                continue
            read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            assert read <= 4 * PAGE, (name, node["Node Type"], node.get("Index Name"), read)
