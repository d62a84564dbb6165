"""Fills an empty database with years of business, made inside PostgreSQL.

``python -m bench.big_store URL --events N --accounts N``: ten million events and one million
accounts take some minutes and some 20 GB. Rows are lean and of every kind that people look for:
both providers, all statuses (few unfinished), repeated deliveries, failures with fingerprints,
accounts with very many and with no events, over two years up to now. Nothing in it becomes due
within a day of the filling, and the invariants hold.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import psycopg

from bench import ids
from bench.big_store_counts import COUNTS
from bench.big_store_rows import STAGES
from bench.big_store_variety import VARIETY
from domain import catalogue as catalogues
from domain import quotes
from domain.catalogue import Catalogue
from domain.database import migrate
from domain.money import Money, zero
from domain.months import between, month_of
from domain.partitions import PARTED, is_partition
from domain.quotes import Quote
from domain.subscriptions import Target
from tests.servers.databases import libpq_url

YEARS: Final = timedelta(days=730)
EVENTS_PER_PURCHASE: Final = 10
TABLES: Final = (*(name for name, _ in STAGES[2:] if " " not in name), "audit", "tallies")
NUMBERED: Final = (
    *("accounts", "payments", "invoices", "history", "effects", "events", "attempts"),
    *("alerts", "payment_methods"),
)

KINDS: Final = {
    "stripe": (
        ("payment_intent.created", False),
        ("charge.succeeded", True),
        ("payment_intent.succeeded", True),
        ("checkout.session.completed", True),
        ("charge.updated", False),
        ("payment_method.attached", True),
        ("customer.updated", False),
        ("payment_intent.payment_failed", True),
        ("invoice.upcoming", False),
        ("payment_intent.requires_action", False),
    ),
    "paypal": (
        ("CHECKOUT.ORDER.APPROVED", True),
        ("PAYMENT.CAPTURE.PENDING", True),
        ("PAYMENT.CAPTURE.COMPLETED", True),
        ("VAULT.PAYMENT-TOKEN.CREATED", True),
        ("CHECKOUT.ORDER.COMPLETED", False),
        ("INVOICING.INVOICE.PAID", False),
        ("CATALOG.PRODUCT.UPDATED", False),
        ("PAYMENT.AUTHORIZATION.CREATED", False),
        ("PAYMENT.ORDER.CREATED", False),
        ("CUSTOMER.ACCOUNT-LIMITATION.ADDED", False),
    ),
}
"""What each provider sends about a purchase, in order, and whether it is about an account."""

INDEXES: Final = """
SELECT i.indexrelid::regclass::text, i.indrelid::regclass::text, c.conname,
       coalesce(pg_get_constraintdef(c.oid), pg_get_indexdef(i.indexrelid))
FROM pg_index AS i LEFT JOIN pg_constraint AS c
    ON c.conindid = i.indexrelid AND c.contype IN ('p', 'u')
WHERE i.indrelid::regclass::text = ANY (%s)
  AND NOT EXISTS (
      SELECT FROM pg_constraint AS f WHERE f.contype = 'f' AND f.conindid = i.indexrelid)
ORDER BY 1
"""
"""Every index that no foreign key leans on: it is built anew after the rows are in."""


DELIVERY_ID: Final = """
CREATE FUNCTION pg_temp.delivery_id(arrival timestamptz, seed text) RETURNS text IMMUTABLE
LANGUAGE sql AS $$
    SELECT lpad(to_hex((extract(epoch FROM arrival) * 1000000)::bigint), 16, '0')
           || left(md5(seed), 16)
$$
"""
"""Ids grow with time as those of real deliveries: months are told by them."""
TRANSMISSIONS: Final = """
INSERT INTO transmissions (provider, delivery_key, delivery_id, body_sha256, received_at)
SELECT provider, delivery_key, id, body_sha256, received_at
FROM deliveries WHERE delivery_key IS NOT NULL
"""


class _NotEmpty(Exception):
    """There is something in the database already."""


def fill(url: str, events: int, accounts: int, ended: datetime | None = None) -> None:
    """Migrate the database and fill it; ``ended`` (now) is when the last events came.

    The database's user must be a superuser: foreign keys are not checked row by row.
    """
    migrate(url)
    purchases = max(1, events // EVENTS_PER_PURCHASE)
    ended = ended or datetime.now(UTC)
    values = {
        "events": purchases * EVENTS_PER_PURCHASE,
        "purchases": purchases,
        "accounts": accounts,
        "began": ended - YEARS,
        "ended": ended,
    }
    with psycopg.connect(libpq_url(url)) as connection:
        _require_empty(connection)
        _part(connection, ended)
        _prepare(connection)
        with _without_indexes(connection):
            for name, statements in (*STAGES, COUNTS, *VARIETY):
                with _timed(name):
                    _run(connection, statements, values)
        with _timed("transmissions"):
            connection.execute(TRANSMISSIONS)
        for table in NUMBERED:
            _advance(connection, table)
    with _timed("statistics"), psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE, FREEZE)")


def _require_empty(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute("SELECT EXISTS (TABLE events) OR EXISTS (TABLE accounts)").fetchone()
    if row and row[0]:
        raise _NotEmpty("there are accounts or events in it already; name an empty database")


def _part(connection: psycopg.Connection[Any], ended: datetime) -> None:
    """A partition for each month of the two years, as a store of that age has them: in a new one
    all of the past is one partition."""
    for table in PARTED:
        found = connection.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits "
            "WHERE inhparent = CAST(%s AS regclass)",
            [table.name],
        )
        names = {name for (name,) in found if is_partition(name)}
        for name in names:
            if "_to_" in name:
                connection.execute(f"DROP TABLE {name}")
        for month in between(month_of(ended - YEARS), month_of(ended)):
            name = f"{table.name}_{month.year:04}_{month.number:02}"
            if name not in names:
                connection.execute(
                    f"CREATE TABLE {name} PARTITION OF {table.name} FOR VALUES "
                    f"FROM ({table.bound(month)}) TO ({table.bound(month.plus(1))})"
                )


def _prepare(connection: psycopg.Connection[Any]) -> None:
    for setting in (
        "session_replication_role = replica",
        "maintenance_work_mem = '512MB'",
        "work_mem = '256MB'",
        "timezone = 'UTC'",
    ):
        connection.execute(f"SET LOCAL {setting}")
    connection.execute(DELIVERY_ID)
    connection.execute(ids.STAMP_SQL)
    connection.execute("CREATE TEMP TABLE kind (provider text, slot int, type text, ours boolean)")
    connection.execute(
        "CREATE TEMP TABLE offer (id int, plan text, interval text, currency text, "
        "net bigint, total bigint, quote jsonb, seller jsonb)"
    )
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO kind VALUES (%s, %s, %s, %s)", list(_kinds()))
        cursor.executemany(
            "INSERT INTO offer VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", list(_offers())
        )


def _run(connection: psycopg.Connection[Any], statements: str, values: dict[str, Any]) -> None:
    cursor = psycopg.ClientCursor(connection)
    cursor.execute(statements, values)


@contextmanager
def _without_indexes(connection: psycopg.Connection[Any]) -> Iterator[None]:
    found = connection.execute(INDEXES, [list(TABLES)]).fetchall()
    for index, table, constraint, _ in found:
        drop = f"ALTER TABLE {table} DROP CONSTRAINT {constraint}"
        connection.execute(drop if constraint else f"DROP INDEX {index}")
    yield
    for index, table, constraint, definition in found:
        with _timed(index):
            add = f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {definition}"
            # Of a table with partitions the index of all of them is wanted.
            everywhere = definition.replace(" ON ONLY ", " ON ", 1)
            connection.execute(add if constraint else everywhere)


def _advance(connection: psycopg.Connection[Any], table: str) -> None:
    connection.execute(
        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 1 + coalesce(max(id), 0)) "  # noqa: S608 - our own names
        f"FROM {table}"
    )


def _kinds() -> Iterator[tuple[str, int, str, bool]]:
    for provider, kinds in KINDS.items():
        for slot, (kind, ours) in enumerate(kinds):
            yield provider, slot, kind, ours


def _offers() -> Iterator[tuple[Any, ...]]:
    """What is bought: seven of ten by the year."""
    catalogue = catalogues.load()
    seller = msgspec.json.encode(catalogue.seller).decode()
    number = 0
    for interval in (*("year",) * 7, *("month",) * 3):
        for plan in ("standard", "pro"):
            for currency in ("CZK", "EUR", "USD", "PLN"):
                quote = _quote(catalogue, plan, interval, currency)
                document = msgspec.json.encode(quotes.as_document(quote)).decode()
                amounts = quote.net.amount, quote.total.amount
                yield number, plan, interval, currency, *amounts, document, seller
                number += 1


def quote_in(currency: str) -> Quote:
    """What Standard for two agents costs by the month, in one currency."""
    return _quote(catalogues.load(), "standard", "month", currency)


def _quote(catalogue: Catalogue, plan: str, interval: str, currency: str) -> Quote:
    included = catalogue.plans[plan].included_conversations
    target = Target(plan=plan, interval=interval, agents=2, conversations=included)
    lines = quotes.price_lines(catalogue, target, currency)
    net = sum((line.net for line in lines), zero(currency))
    tax = Money(net.amount * 21 // 100, currency)
    nothing, start = zero(currency), datetime(2026, 1, 1, tzinfo=UTC)
    return Quote(
        target=target,
        currency=currency,
        lines=lines,
        price=net,
        discount=nothing,
        net=net,
        vat_treatment="domestic",
        vat_country="CZ",
        vat_percent="21",
        vat=tax,
        total=net + tax,
        credit_used=nothing,
        due=net + tax,
        credit_earned=nothing,
        period_start=start,
        period_end=start,
    )


@contextmanager
def _timed(name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    print(f"{name}: {time.perf_counter() - start:.1f} s", flush=True)


def main() -> None:
    """Read the command line and fill."""
    parser = argparse.ArgumentParser(prog="python -m bench.big_store", description=__doc__)
    parser.add_argument("url", help="SQLAlchemy URL of an empty PostgreSQL database")
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    options = parser.parse_args()
    with _timed("all of it"):
        fill(options.url, options.events, options.accounts)


if __name__ == "__main__":
    main()
