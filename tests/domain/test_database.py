"""The store's own promises: duplicates are answers, transactions are all or nothing."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from domain import leases
from domain.clock import wall
from domain.database import IDLE_IN_TRANSACTION_S, LOST_HOST, Database, insert_once
from domain.errors import StoreUnavailable
from domain.leases import Lease


def test_a_row_is_inserted_once_and_the_second_try_is_told_so(database: Database) -> None:
    values = {"name": "clock", "holder": "a", "until": wall()}
    with database.transaction() as session:
        first = insert_once(session, Lease, **values)
        second = insert_once(session, Lease, **values)
    assert (first, second) == (True, False)


def test_of_two_transactions_that_insert_the_same_key_one_is_told_that_it_was_first(
    database: Database,
) -> None:
    answers: list[bool] = []

    def insert(holder: str) -> None:
        with database.transaction() as session:
            new = insert_once(session, Lease, name="clock", holder=holder, until=wall())
        answers.append(new)

    threads = [threading.Thread(target=insert, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False, False, False, True]


def insert_and_stop(database: Database) -> None:
    with database.transaction() as session:
        insert_once(session, Lease, name="clock", holder="a", until=wall())
        raise RuntimeError("stop")


def test_an_error_rolls_everything_back(database: Database) -> None:
    with pytest.raises(RuntimeError, match="stop"):
        insert_and_stop(database)
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Lease)) == 0


def test_a_store_that_cannot_be_reached_is_an_outage() -> None:
    database = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable), database.transaction() as session:
        session.execute(text("SELECT 1"))
    database.dispose()


def test_a_store_that_turned_read_only_is_an_outage(postgres_url: str) -> None:
    database = Database(postgres_url)
    with pytest.raises(StoreUnavailable):
        write_where_nothing_may_be_written(database)
    database.dispose()


def write_where_nothing_may_be_written(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("SET TRANSACTION READ ONLY"))
        insert_once(session, Lease, name="clock", holder="a", until=wall())


def work_on_after_the_connection_broke(database: Database) -> None:
    with database.transaction() as session:
        own = session.scalar(text("SELECT pg_backend_pid()"))
        with database.transaction() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 2000)"), {"pid": own})
        with suppress(OperationalError):
            session.execute(text("SELECT 1"))
        # Whoever takes an error as one event's own goes on to the next one.
        session.execute(text("SELECT 1"))


def test_a_transaction_that_goes_on_after_its_connection_broke_is_an_outage(
    postgres_url: str,
) -> None:
    database = Database(postgres_url)
    with pytest.raises(StoreUnavailable):
        work_on_after_the_connection_broke(database)
    database.dispose()


def test_connections_that_are_all_taken_for_too_long_are_an_outage(postgres_url: str) -> None:
    database = Database(postgres_url, pool_size=1)
    database.engine.pool._timeout = 0.1  # type: ignore[attr-defined]
    taken = [database.engine.connect(), database.engine.connect()]
    with pytest.raises(StoreUnavailable), database.transaction() as session:
        session.execute(text("SELECT 1"))
    for connection in taken:
        connection.close()
    database.dispose()


def test_a_host_that_went_silent_keeps_neither_locks_nor_connections_for_long(
    postgres_url: str,
) -> None:
    database = Database(postgres_url)
    with database.transaction() as session:
        idle = session.scalar(text("SHOW idle_in_transaction_session_timeout"))
        driver = session.connection().connection.driver_connection
        asked = driver.info.get_parameters() if driver is not None else {}
    database.dispose()
    assert idle == f"{IDLE_IN_TRANSACTION_S // 60}min"
    assert {name: str(value) for name, value in LOST_HOST.items()}.items() <= asked.items()


def test_a_faulty_statement_is_no_outage(database: Database) -> None:
    with pytest.raises(Exception, match="nowhere") as caught, database.transaction() as session:
        session.execute(text("SELECT * FROM nowhere"))
    assert not isinstance(caught.value, StoreUnavailable)


def test_only_one_of_two_clocks_holds_the_lease_and_the_other_takes_over(
    database: Database,
) -> None:
    now, length = wall(), timedelta(seconds=15)
    with database.transaction() as session:
        assert leases.take(session, "clock", "a", now, length)
        assert not leases.take(session, "clock", "b", now, length)
        assert leases.take(session, "clock", "b", now + timedelta(seconds=16), length)
        assert not leases.take(session, "clock", "a", now + timedelta(seconds=17), length)
        leases.drop(session, "clock", "b")
        assert leases.take(session, "clock", "a", now + timedelta(seconds=18), length)


def test_payloads_are_compressed_with_lz4_where_the_server_can(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.transaction() as session:
        known = session.scalar(
            text("SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'")
        )
        method = session.scalar(
            text(
                "SELECT attcompression FROM pg_attribute "
                "WHERE attrelid = 'payloads'::regclass AND attname = 'body'"
            )
        )
    database.dispose()
    assert (method == "l") is ("lz4" in (known or ()))
