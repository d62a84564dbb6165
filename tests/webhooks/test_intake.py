"""The intake commits before it acknowledges, shares commits, and tells new from known."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from sqlalchemy import func, select

from domain import payloads
from domain.database import Database
from domain.errors import StoreUnavailable
from domain.inbox import Delivery, Event, Payload
from tests.lives import incoming
from webhooks import inbox_rows
from webhooks.inbox_rows import Incoming, Receipt
from webhooks.intake import Intake


class CountingBell:
    """Counts its rings."""

    def __init__(self) -> None:
        self.rings = 0

    def ring(self, job: str) -> None:
        """Count."""
        self.rings += job == "process_events"


def submit(database: Database, rows: list[Incoming]) -> tuple[list[Any], int]:
    bell = CountingBell()

    async def run() -> list[Any]:
        intake = Intake(database, bell)
        try:
            calls = (intake.submit(row) for row in rows)
            return await asyncio.gather(*calls, return_exceptions=True)
        finally:
            await intake.close()

    return asyncio.run(run()), bell.rings


def count(database: Database, table: Any) -> int:
    with database.transaction() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_delivery_is_in_the_store_with_its_raw_bytes_when_it_is_acknowledged(
    database: Database,
) -> None:
    row = incoming("evt_1", "charge.succeeded", {"id": "ch_1"})
    answers, rings = submit(database, [row])
    assert answers == [Receipt()]
    assert rings == 1
    with database.transaction() as session:
        event = session.scalars(select(Event)).one()
        assert (event.status, event.origin, event.type) == (
            "received",
            "webhook",
            "charge.succeeded",
        )
        assert payloads.body(session, event) == row.body
        assert session.get_one(Delivery, event.delivery_id).headers == dict(row.headers)


def test_a_second_delivery_of_an_event_is_a_duplicate_and_kept_as_a_delivery(
    database: Database,
) -> None:
    submit(database, [incoming("evt_1", "charge.succeeded", {"id": "ch_1"})])
    answers, _ = submit(database, [incoming("evt_1", "charge.succeeded", {"id": "ch_1"})])
    assert answers == [Receipt(duplicate=True)]
    assert (count(database, Event), count(database, Delivery)) == (1, 2)


def test_the_same_event_twice_in_one_batch_is_stored_once(database: Database) -> None:
    rows = [incoming("evt_1", "charge.succeeded", {"id": "ch_1"}) for _ in range(2)]
    with database.transaction() as session:
        receipts = inbox_rows.insert(session, rows)
    assert sorted(receipt.duplicate for receipt in receipts) == [False, True]
    assert (count(database, Event), count(database, Payload)) == (1, 1)


def test_a_second_body_under_a_known_transmission_id_is_a_forgery_and_nothing_is_kept(
    database: Database,
) -> None:
    submit(database, [incoming("WH-1", "X", {"a": 1}, "paypal", delivery_key="t-1")])
    forged = incoming("WH-2", "X", {"a": 2}, "paypal", delivery_key="t-1")
    answers, _ = submit(database, [forged])
    assert answers == [Receipt(duplicate=True, forged=True)]
    assert (count(database, Event), count(database, Delivery)) == (1, 1)


def test_the_same_transmission_twice_is_a_duplicate(database: Database) -> None:
    row = incoming("WH-1", "X", {"a": 1}, "paypal", delivery_key="t-1")
    again = incoming("WH-1", "X", {"a": 1}, "paypal", delivery_key="t-1", body=row.body)
    submit(database, [row])
    answers, _ = submit(database, [again])
    assert answers == [Receipt(duplicate=True)]


def test_another_body_under_a_known_event_id_is_kept_where_signatures_do_not_bind_bodies(
    database: Database,
) -> None:
    submit(database, [incoming("WH-1", "X", {"a": 1}, "paypal", delivery_key="t-1")])
    other = incoming("WH-1", "X", {"a": 2}, "paypal", delivery_key="t-2")
    answers, _ = submit(database, [other])
    assert answers == [Receipt()]
    with database.transaction() as session:
        ids = session.scalars(select(Event.provider_event_id).order_by(Event.id)).all()
    assert ids == ["WH-1", f"WH-1~{other.sha256.hex()[:12]}"]


def test_many_calls_at_once_share_commits_and_each_is_stored_once(database: Database) -> None:
    rows = [incoming(f"evt_{n}", "charge.succeeded", {"id": f"ch_{n}"}) for n in range(300)]
    answers, rings = submit(database, rows)
    assert answers == [Receipt()] * 300
    assert count(database, Event) == 300
    assert rings < 20


def test_batches_with_the_same_ids_in_opposite_order_do_not_deadlock(postgres_url: str) -> None:
    database = Database(postgres_url)
    failures: list[BaseException] = []

    def insert(numbers: list[int], turn: int) -> None:
        rows = [incoming(f"evt_{turn}_{n}", "x.y", {}) for n in numbers]
        try:
            with database.transaction() as session:
                inbox_rows.insert(session, rows)
        except BaseException as error:  # noqa: BLE001 - reported by the test
            failures.append(error)

    numbers = list(range(100))
    for turn in range(10):
        pair = [
            threading.Thread(target=insert, args=(order, turn))
            for order in (numbers, numbers[::-1])
        ]
        for thread in pair:
            thread.start()
        for thread in pair:
            thread.join()
    assert failures == []
    assert count(database, Event) == 1000
    database.dispose()


def test_a_store_that_is_away_is_said_at_once_and_not_asked_again_for_a_moment() -> None:
    database = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")

    async def run() -> list[str]:
        intake = Intake(database, CountingBell())
        messages = []
        for n in range(2):
            with pytest.raises(StoreUnavailable) as caught:
                await intake.submit(incoming(f"evt_{n}", "x.y", {}))
            messages.append(str(caught.value))
        await intake.close()
        return messages

    first, second = asyncio.run(run())
    assert "away a moment ago" not in first
    assert "away a moment ago" in second


def test_more_than_the_admission_limit_is_refused_instead_of_piling_up(
    sqlite_url: str,
) -> None:
    database = Database(sqlite_url)
    rows = [incoming(f"evt_{n}", "x.y", {}, body=b" " * 1024 * 1024) for n in range(80)]
    answers, _ = submit(database, rows)
    refused = [answer for answer in answers if isinstance(answer, StoreUnavailable)]
    assert refused
    assert count(database, Event) == 80 - len(refused)
    database.dispose()
