"""Partitions on PostgreSQL: made ahead, filled from the rest, dropped when nothing holds them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select, text

from domain import partitions
from domain.database import Database
from domain.dropped_months import DroppedMonth
from domain.inbox import Attempt, Delivery, Event, Payload
from domain.keeping import Keeping
from domain.months import Month, month_of
from domain.partitions import PARTED, LockNotHad
from tests import lives
from webhooks import inbox_rows
from webhooks.inbox_rows import Receipt
from workers import retention
from workers.retention import BY_THE_CLOCK

DAY = timedelta(days=1)
KEEPING = Keeping(payloads=31, deliveries=31, attempts=31)
NEW, KNOWN = Receipt(), Receipt(duplicate=True)
FORGED = Receipt(duplicate=True, forged=True)


@pytest.fixture
def database(postgres_url: str, frozen_clock: object) -> Iterator[Database]:
    database = Database(postgres_url)
    yield database
    database.dispose()


@pytest.fixture
def first(database: Database) -> Month:
    """The last month of the first partition."""
    with database.transaction() as session:
        month = partitions.listed(session, PARTED[0])[0].month
    assert month is not None
    return month


def receive(database: Database, at: datetime, name: str, **more: Any) -> Receipt:
    row = lives.incoming(name, "charge.succeeded", {"id": name}, received_at=at, **more)
    with database.transaction() as session:
        [receipt] = inbox_rows.insert(session, [row])
    return receipt


def where(database: Database, table: str) -> list[str]:
    statement = f"SELECT tableoid::regclass::text FROM {table} ORDER BY 1"  # noqa: S608 - ours
    with database.transaction() as session:
        return list(session.scalars(text(statement)))


def named(database: Database, table: str = "payloads") -> list[str]:
    parted = next(each for each in PARTED if each.name == table)
    with database.transaction() as session:
        return [each.name.removeprefix(table) for each in partitions.listed(session, parted)]


def finish(database: Database, status: str = "processed") -> None:
    with database.transaction() as session:
        for event in session.scalars(select(Event)):
            event.status = status


def suffix(month: Month) -> str:
    return f"_{month.year}_{month.number:02}"


def test_what_comes_over_the_end_of_a_month_lies_in_two(database: Database, first: Month) -> None:
    tick = timedelta(microseconds=1)
    assert receive(database, first.end - tick, "evt_1") == NEW
    assert receive(database, first.end, "evt_2") == NEW
    assert receive(database, first.end + tick, "evt_1") == KNOWN
    old, new = f"_to{suffix(first)}", suffix(first.plus(1))
    assert where(database, "payloads") == sorted(f"payloads{each}" for each in (old, new))
    assert where(database, "deliveries") == sorted(f"deliveries{each}" for each in (old, new, new))


def test_a_second_body_is_a_forgery_also_in_the_next_month(
    database: Database, first: Month
) -> None:
    assert receive(database, first.end - DAY, "evt_1", delivery_key="t1") == NEW
    assert receive(database, first.end + DAY, "evt_1", delivery_key="t1") == KNOWN
    assert receive(database, first.end + DAY, "evt_2", delivery_key="t1") == FORGED
    assert len(where(database, "deliveries")) == 1


def test_of_two_who_bring_a_transmission_at_once_over_a_boundary_one_is_new(
    database: Database, first: Month
) -> None:
    ready = Barrier(2)

    def bring(at: datetime) -> Receipt:
        ready.wait()
        return receive(database, at, f"evt_{at.day}", delivery_key="t1")

    with ThreadPoolExecutor(2) as threads:
        told = list(threads.map(bring, (first.end - DAY, first.end + DAY)))
    assert sorted(told, key=str) == sorted([NEW, FORGED], key=str)


def test_what_no_partition_takes_is_moved_when_its_month_is_made(
    database: Database, first: Month, frozen_clock: ModuleType
) -> None:
    later = first.plus(40)
    receive(database, later.start + DAY, "evt_1")
    with database.transaction() as session:
        session.add(Attempt(event_id=1, at=later.start + DAY, outcome="processed"))
    assert where(database, "payloads") == ["payloads_rest"]
    frozen_clock.travel(later.start + 2 * DAY)
    assert retention.make_partitions(database) == 3 * 4
    for table in ("payloads", "deliveries", "attempts"):
        assert where(database, table) == [f"{table}{suffix(later)}"]
    assert retention.make_partitions(database) == 0
    assert named(database)[-5:] == [*(suffix(later.plus(n)) for n in range(4)), "_rest"]


def test_a_month_that_went_by_while_no_clock_ran_gets_its_partition(
    database: Database, first: Month, frozen_clock: ModuleType
) -> None:
    gone = first.plus(5)
    receive(database, gone.start, "evt_1")
    frozen_clock.travel(gone.plus(2).start)
    retention.make_partitions(database)
    assert where(database, "payloads") == [f"payloads{suffix(gone)}"]


def test_two_clocks_make_a_partition_once(
    database: Database, first: Month, frozen_clock: ModuleType
) -> None:
    frozen_clock.travel(first.plus(12).start)
    ready = Barrier(2)

    def make(_: int) -> int:
        ready.wait()
        return retention.make_partitions(database)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(make, range(2)))
    retention.make_partitions(database)
    assert named(database).count(suffix(first.plus(12))) == 1


def test_months_are_dropped_when_they_are_old_enough(
    database: Database, first: Month, frozen_clock: ModuleType
) -> None:
    receive(database, first.end - DAY, "evt_1")
    receive(database, first.end + DAY, "evt_2")
    finish(database)
    frozen_clock.travel(first.plus(1).end + 30 * DAY)
    assert retention.drop_old(database, KEEPING, BY_THE_CLOCK)
    assert where(database, "payloads") == [f"payloads{suffix(first.plus(1))}"]
    assert f"_to{suffix(first)}" not in named(database)
    frozen_clock.travel(first.plus(1).end + 32 * DAY)
    assert retention.drop_old(database, KEEPING, BY_THE_CLOCK)
    assert where(database, "payloads") == where(database, "deliveries") == []
    with database.transaction() as session:
        dropped = session.scalars(select(DroppedMonth).where(DroppedMonth.store == "payloads"))
        assert [each.month for each in dropped] == [str(first), str(first.plus(1))]
        assert session.scalar(select(Event.id).limit(1)) is not None


@pytest.mark.parametrize("status", ["received", "waiting", "unmatched", "parked", "quarantined"])
def test_an_unfinished_event_holds_its_month_back(
    database: Database, first: Month, frozen_clock: ModuleType, status: str
) -> None:
    receive(database, first.end + DAY, "evt_1")
    finish(database, status)
    frozen_clock.travel(first.plus(4).start)
    told: list[str] = []
    assert retention.drop_old(database, KEEPING, BY_THE_CLOCK, tell=told.append)
    assert len(where(database, "payloads")) == 1
    assert f"payloads{suffix(first.plus(1))}: held back by 1 {status}" in told
    finish(database)
    retention.drop_old(database, KEEPING, BY_THE_CLOCK)
    assert where(database, "payloads") == []


def test_the_first_partition_is_emptied_before_it_can_go(
    database: Database, first: Month, frozen_clock: ModuleType
) -> None:
    receive(database, first.plus(-3).start, "evt_old")
    receive(database, first.start, "evt_new")
    finish(database)
    frozen_clock.travel(first.end)
    retention.drop_old(database, KEEPING, BY_THE_CLOCK)
    with database.transaction() as session:
        left = session.scalars(select(Payload.received_at)).all()
        assert [month_of(at) for at in left] == [first]
        assert len(session.scalars(select(Delivery)).all()) == 1


def test_a_month_whose_table_is_in_use_is_left_to_the_next_time(
    database: Database, first: Month, frozen_clock: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "TRIES", 1)
    receive(database, first.end + DAY, "evt_1")
    finish(database)
    frozen_clock.travel(first.plus(4).start)
    with database.transaction() as reader:
        reader.execute(select(Payload.event_id)).all()
        assert not retention.drop_old(database, KEEPING, BY_THE_CLOCK)
        # Nobody has to wait for whoever gave up.
        assert receive(database, first.end + 2 * DAY, "evt_2") == NEW
    finish(database)
    assert retention.drop_old(database, KEEPING, BY_THE_CLOCK)
    assert where(database, "payloads") == []


def test_what_comes_while_a_month_is_dropped_waits_and_is_stored(
    database: Database, first: Month
) -> None:
    with database.transaction() as session:
        [_, gone, *_] = partitions.listed(session, PARTED[0])
    with ThreadPoolExecutor(1) as threads:
        with database.transaction() as session:
            partitions.lock(session, PARTED[0], gone)
            coming = threads.submit(receive, database, first.plus(2).start, "evt_1")
            partitions.drop(session, gone)
            assert not coming.done()
        assert coming.result(10) == NEW
    assert gone.name not in {f"payloads{each}" for each in named(database)}
    # Its month has no partition any more, and still takes what comes.
    assert receive(database, first.end + DAY, "evt_2") == NEW
    assert where(database, "payloads")[-1] == "payloads_rest"


def test_a_lock_that_is_not_had_at_once_is_given_up(database: Database) -> None:
    with database.transaction() as reader:
        reader.execute(select(Payload.event_id)).all()
        with database.transaction() as session:
            found = partitions.listed(session, PARTED[0])
        with pytest.raises(LockNotHad), database.transaction() as session:
            partitions.lock(session, PARTED[0], found[0])


def test_looking_at_one_event_reads_one_month(database: Database, first: Month) -> None:
    receive(database, first.end + DAY, "evt_1")
    with database.transaction() as session:
        event = session.scalars(select(Event)).one()
        plan = "\n".join(
            session.scalars(
                text(
                    "EXPLAIN SELECT body FROM payloads WHERE event_id = :id "
                    "AND received_at BETWEEN :at AND :at"
                ),
                {"id": event.id, "at": event.received_at},
            )
        )
        assert f"payloads{suffix(first.plus(1))}" in plan
        assert "payloads_rest" not in plan
        found = "\n".join(
            session.scalars(
                text("EXPLAIN SELECT * FROM deliveries WHERE id = :id"), {"id": event.delivery_id}
            )
        )
        assert found.count("deliveries_") - found.count("_pkey") == 1, found
