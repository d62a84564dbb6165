"""The intake's own connection: binary rows, and what happens when the store changes under it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select, text

from domain import payloads
from domain.database import Database
from domain.express import Express
from domain.inbox import Delivery, Event
from tests.keys import RING
from tests.lives import incoming
from webhooks.inbox_rows import Incoming, Receipt
from webhooks.inbox_wire import Wire
from webhooks.providers.provider import Identity

NEW = Receipt()


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    database = Database(postgres_url, ring=RING)
    yield database
    database.dispose()


def insert(database: Database, *batches: list[Incoming], spoil: str = "") -> list[list[Receipt]]:
    """Insert batches one after the other over one wire; ``spoil`` is run before each."""

    async def run() -> list[list[Receipt]]:
        with ThreadPoolExecutor(1) as threads:
            wire = Wire(database, threads)
            told = []
            for rows in batches:
                for idle in wire._idle if spoil else ():
                    await asyncio.to_thread(
                        idle.finish, lambda session: session.execute(text(spoil))
                    )
                told.append(await wire.insert(rows))
            wire.close()
            return told

    return asyncio.run(run())


def row(number: int, **changes: Any) -> Incoming:
    return incoming(f"evt_{number}", "charge.succeeded", {"id": f"ch_{number}"}, **changes)


def test_every_value_comes_back_as_it_was_given(database: Database) -> None:
    identity = Identity(
        event_id="evt_ž",
        event_type="a.b",
        created_at=datetime(1999, 12, 31, 23, 59, 59, 123456, UTC),
        livemode=True,
    )
    full = row(1, identity=identity, source="::1", signer="secret 1 of 2", note="Příliš žluťoučký")
    bare = row(2, status="parked", fingerprint="x: y", body=b"\x00\xff")
    assert insert(database, [full, bare]) == [[NEW, NEW]]
    with database.transaction() as session:
        first, second = session.scalars(select(Event).order_by(Event.provider_event_id.desc()))
        assert (first.provider_event_id, first.type, first.note) == ("evt_ž", "a.b", full.note)
        assert (first.created_at, first.livemode) == (identity.created_at, True)
        assert first.received_at == first.next_attempt_at == full.received_at
        assert (second.created_at, second.note, second.fingerprint) == (None, None, "x: y")
        assert payloads.body(session, second) == b"\x00\xff"
        delivery = session.get_one(Delivery, full.delivery_id)
        assert (delivery.source, delivery.signer) == ("::1", "secret 1 of 2")
        assert (delivery.headers, delivery.body_sha256) == (dict(full.headers), full.sha256)


def test_known_events_are_told_from_new_ones_in_one_batch(database: Database) -> None:
    told = insert(database, [row(1)], [row(1), row(2)])
    assert told == [[NEW], [Receipt(duplicate=True), NEW]]


def test_transmission_ids_are_looked_at_in_the_same_transaction(database: Database) -> None:
    def sent(event: int, key: str, body: bytes) -> Incoming:
        return row(event, provider="paypal", delivery_key=key, body=body)

    told = insert(
        database,
        [sent(1, "t-1", b"{}"), sent(2, "t-2", b"{}")],
        [sent(3, "t-1", b"[]"), sent(1, "t-3", b"[1]"), sent(2, "t-4", b"{}"), sent(4, "t-5", b"")],
    )
    forged, variant = Receipt(duplicate=True, forged=True), NEW
    assert told == [[NEW, NEW], [forged, variant, Receipt(duplicate=True), NEW]]
    with database.transaction() as session:
        ids = session.scalars(select(Event.provider_event_id).order_by(Event.id)).all()
        assert [each.partition("~")[0] for each in ids] == ["evt_1", "evt_2", "evt_4", "evt_1"]
        assert session.scalar(select(func.count()).select_from(Delivery)) == 5


@pytest.mark.parametrize("key", [None, "t"])
def test_a_prepared_statement_that_is_gone_is_done_without(
    database: Database, key: str | None
) -> None:
    # As behind a PgBouncer that gives every transaction another connection of the server.
    batches = [[row(n, delivery_key=key and f"{key}-{n}")] for n in range(3)]
    assert insert(database, *batches, spoil="DEALLOCATE ALL") == [[NEW]] * 3


def test_a_connection_that_died_while_it_was_idle_is_replaced(database: Database) -> None:
    async def run() -> list[Receipt]:
        with ThreadPoolExecutor(1) as threads:
            wire = Wire(database, threads)
            await wire.insert([row(1)])
            [idle] = wire._idle
            assert idle.is_usable(database)
            await asyncio.to_thread(_end_all_others, database)
            assert not idle.is_usable(database)
            told = await wire.insert([row(2)])
            wire.close()
            return told

    assert asyncio.run(run()) == [NEW]


def _end_all_others(database: Database) -> None:
    with database.engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE "
                "datname = current_database() AND pid <> pg_backend_pid() "
                "AND backend_type = 'client backend'"
            )
        )


def test_a_connection_of_a_pool_that_was_given_up_is_not_used(database: Database) -> None:
    express = Express(database)
    assert express.is_usable(database)
    database.dispose()
    assert not express.is_usable(database)
    express.close()
