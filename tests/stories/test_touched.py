"""Whatever the product changes in an account's books leaves a trace that the watch follows.

Triggers in the database note, transaction by transaction, whose books changed and which rows tell
of it, while whole stories are played.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from domain.settings import Settings
from domain.touched import TRACES
from tests.servers.databases import libpq_url
from workers.embedded import Embedded
from workers.stories.library import STORIES
from workers.stories.stage import Stage

PLAYED = (
    *("upgrade", "dead-order", "renewal-to-block", "lost-card"),
    *("refund-in-time", "dispute-lost", "provider-gives-up"),
)
BOOKS = {
    "accounts": "id",
    "orders": "account_id",
    "payments": "account_id",
    "invoices": "account_id",
    "subscriptions": "account_id",
    "credit_entries": "account_id",
    "disputes": "account_id",
    "refunds": "(SELECT account_id FROM payments WHERE id = {row}.payment_id)",
}
"""The tables that invariants about accounts ask, and whose a row is."""
CHANGES = "INSERT OR UPDATE"
ASKED = {
    "orders": f"{CHANGES} OF account_id, state, due, currency, closed_at",
    "payments": f"{CHANGES} OF account_id, order_id, state, amount, currency, refunded, use",
    "subscriptions": f"{CHANGES} OF state, order_id, managed_by, period_end, ended_at",
}
"""The columns that the invariants ask for, where others change without a trace: the address of a
checkout, a total that a provider reported. What else they ask of a subscription (when it is due,
what is charged) may break one without a change, too, and is asked by an index every minute."""
TELLING = {
    **{name: BOOKS[name] for name in ("accounts", "payments", "invoices", "credit_entries")},
    **{name: BOOKS[name] for name in ("disputes", "refunds")},
    "history": "account_id",
    "effects": "account_id",
    "attempts": (
        "coalesce((SELECT account_id FROM effects WHERE id = {row}.effect_id), "
        "(SELECT account_id FROM events WHERE id = {row}.event_id))"
    ),
}
"""The tables whose new rows are followed."""
NOTES = "CREATE TABLE noted (tx bigint, kind text, source text, account_id bigint)"
FUNCTION = """
CREATE FUNCTION note_{kind}_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO noted VALUES (txid_current(), '{kind}', '{table}', {whose});
    RETURN NULL;
END $$
"""
TRIGGER = """
CREATE CONSTRAINT TRIGGER note_{kind} AFTER {on} ON {table} DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION note_{kind}_{table}()
"""
"""Deferred: an event gets its account after the try at it was noted."""


def watched(url: str) -> None:
    """Have the database take notes."""
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute(NOTES)
        for kind, on, tables in (
            ("change", CHANGES, BOOKS),
            ("trace", "INSERT", TELLING),
        ):
            for table, whose in tables.items():
                when = ASKED.get(table, on) if kind == "change" else on
                said = whose.format(row="NEW") if "{row}" in whose else f"NEW.{whose}"
                for statement in (FUNCTION, TRIGGER):
                    connection.execute(
                        statement.format(kind=kind, on=when, table=table, whose=said)
                    )


@pytest.fixture
def billhook(postgres_url: str, tmp_path: Path, frozen_clock: object) -> Iterator[Embedded]:
    watched(postgres_url)
    settings = msgspec.structs.replace(
        Settings(), database_url=postgres_url, port=0, state_dir=tmp_path, log_level="error"
    )
    running = Embedded(settings, sandbox_port=0, seed=1).start()
    yield running
    running.stop()


def test_every_followed_table_is_one_that_the_watch_follows() -> None:
    called = {"credit": "credit_entries"}
    assert {called.get(name, name) for name in TRACES} == set(TELLING)


@pytest.mark.parametrize("name", PLAYED)
def test_no_books_change_without_a_row_that_the_watch_follows(
    billhook: Embedded, postgres_url: str, name: str
) -> None:
    STORIES[name](Stage(billhook, lambda _at, _line: None))
    changed: dict[tuple[int, int], set[str]] = defaultdict(set)
    told: set[tuple[int, int]] = set()
    with psycopg.connect(libpq_url(postgres_url)) as connection:
        for tx, kind, source, account in connection.execute("SELECT * FROM noted"):
            if kind == "change":
                changed[tx, account].add(source)
            else:
                told.add((tx, account))
    assert len(changed) > 3
    assert {each: changed[each] for each in changed.keys() - told} == {}
