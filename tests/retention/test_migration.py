"""The migration to partitions keeps every row, and the way back does, too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from domain import clock
from domain.database import Database
from domain.migrations.run import config
from domain.migrations.tables import metadata
from domain.partitions import is_partition

ROWS = (
    ("0005f00000000000aaaaaaaaaaaaaaaa", datetime(2022, 5, 1, tzinfo=UTC), None),
    ("0005f00000000001aaaaaaaaaaaaaaaa", datetime(2022, 5, 2, tzinfo=UTC), "t1"),
    ("f7c8aaaaaaaaaaaaaaaaaaaaaaaaaaaa", datetime(2022, 6, 2, tzinfo=UTC), "t2"),
    ("00078aaaaaaaaaaaaaaaaaaaaaaaaaaa", datetime(2038, 1, 2, tzinfo=UTC), None),
)
"""Ids of the present form, of an early one without an order, and of a clock far ahead."""
DELIVERY = (
    "INSERT INTO deliveries (id, provider, delivery_key, provider_event_id, received_at, headers, "
    "body_sha256) VALUES (:id, 'p', :key, 'e', :at, '{}', 'x')"
)
TABLES = ("payloads", "deliveries", "attempts")


@pytest.fixture
def database(blank_database_url: str) -> Iterator[Database]:
    database = Database(blank_database_url)
    yield database
    database.dispose()


def move(database: Database, revision: str, how: Any = command.upgrade) -> None:
    with database.engine.begin() as connection:
        settings = config()
        settings.attributes["connection"] = connection
        how(settings, revision)


def fill(database: Database) -> None:
    with database.transaction() as session:
        for number, (name, at, key) in enumerate(ROWS, 1):
            values = {"id": name, "key": key, "n": number, "at": at.replace(tzinfo=None)}
            for statement in (
                DELIVERY,
                "INSERT INTO payloads (event_id, received_at, body) VALUES (:n, :at, 'x')",
                "INSERT INTO attempts (event_id, at, outcome) VALUES (:n, :at, 'processed')",
            ):
                session.execute(text(statement), values)


def counts(database: Database) -> list[int]:
    with database.transaction() as session:
        return [
            session.scalar(text(f"SELECT count(*) FROM {table}")) or 0  # noqa: S608 - ours
            for table in TABLES
        ]


def test_a_database_with_rows_goes_there_and_back(database: Database) -> None:
    move(database, "0003")
    fill(database)
    for revision, how in (
        ("0004", command.upgrade),
        ("0003", command.downgrade),
        ("0004", command.upgrade),
    ):
        move(database, revision, how)
        assert counts(database) == [4, 4, 4]
    with database.transaction() as session:
        keys = session.scalars(text("SELECT delivery_key FROM transmissions ORDER BY 1")).all()
        assert keys == ["t1", "t2"]
        number = session.scalar(
            text(
                "INSERT INTO attempts (event_id, at, outcome) VALUES (9, CURRENT_TIMESTAMP, 'x') "
                "RETURNING id"
            )
        )
        assert number == 5


def test_old_rows_stay_where_they_are_and_others_find_their_place(
    blank_postgres_url: str,
) -> None:
    database = Database(blank_postgres_url)
    move(database, "0003")
    fill(database)
    before = f"{{}}_to_{clock.now():%Y_%m}"
    with database.transaction() as session:
        file = session.scalar(text("SELECT pg_relation_filenode('payloads')"))
    move(database, "head")
    with database.transaction() as session:
        first = before.format("payloads")
        assert session.scalar(text(f"SELECT pg_relation_filenode('{first}')")) == file
        for table, stay in (("payloads", 3), ("attempts", 3), ("deliveries", 2)):
            found = session.execute(
                text(f"SELECT tableoid::regclass::text, count(*) FROM {table} GROUP BY 1")  # noqa: S608
            )
            assert {tuple(row) for row in found} == {
                (before.format(table), stay),
                (f"{table}_rest", 4 - stay),
            }
    database.dispose()


def test_models_and_migrations_describe_the_same_tables(database: Database) -> None:
    move(database, "head")
    with database.engine.begin() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _: kind != "table" or not is_partition(name)},
        )
        assert compare_metadata(context, metadata) == []
