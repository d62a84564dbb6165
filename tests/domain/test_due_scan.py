"""Finding what is due among very many subscriptions reads the due ones alone (PostgreSQL)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from domain import clock
from domain.database import Database
from tests.domain.many_subscriptions import insert_many, moment_with_due, nodes, plan_of_scan
from workers.passage import BATCH, due_accounts

BEGAN = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
COUNT = 200_000


@pytest.fixture
def many(postgres_url: str, frozen_clock: object) -> Iterator[Database]:
    """Two hundred thousand subscriptions."""
    database = Database(postgres_url)
    insert_many(database, COUNT, BEGAN)
    yield database
    database.dispose()


def test_the_clock_reads_only_what_is_due_by_the_index(many: Database) -> None:
    for due in (0, 1, 60, 40_000):
        clock.travel(moment_with_due(BEGAN, due))
        expected = min(due, BATCH)
        with many.transaction() as session:
            assert len(session.scalars(due_accounts(BATCH)).all()) == expected
            plan = list(nodes(plan_of_scan(session, BATCH)))
        scans = [node for node in plan if "Scan" in node["Node Type"]]
        assert [node.get("Index Name") for node in scans] == ["ix_subscriptions_due"]
        # Rows of the same instant are put in order after they are read: one more is looked at.
        assert scans[0]["Actual Rows"] <= expected + 1
        assert scans[0].get("Rows Removed by Filter", 0) == 0
