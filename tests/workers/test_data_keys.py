"""Payloads and readings are sealed, hang on the right key, and are refused when they were moved."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select, text, update

from domain import accounts, clock, data_keys, inbox, keyring, readings, rotation
from domain.data_keys import DataKey, MasterKey
from domain.database import Database
from domain.errors import Misconfigured, Permanent, Refused
from domain.heartbeats import Heartbeat
from domain.inbox import Event, Payload
from domain.ports import ReadingRequest
from domain.readings import StoredReading
from tests import lives
from tests.keys import DATA_KEYS, RING
from tests.workers.sealed_shop import CANARY, TABLES, bodies, bought, buy, raw, with_ring
from workers.process_events import drain
from workers.runtime import Runtime

NEWER = keyring.make("newer")
SUBJECT = ReadingRequest("subscription", "sub_1")


@pytest.fixture
def runtime(database: Database) -> Runtime:
    runtime = lives.runtime_on(database)
    lives.account(runtime)
    return runtime


def test_nothing_can_be_read_in_the_database_before_and_after_the_work(runtime: Runtime) -> None:
    buy(runtime)
    assert CANARY.encode() not in raw(runtime.database, *TABLES)
    drain(runtime)
    assert CANARY.encode() not in raw(runtime.database, *TABLES)
    assert any(CANARY.encode() in body for body in bodies(runtime).values())


def test_a_payload_hangs_on_the_master_key_until_its_account_is_known(runtime: Runtime) -> None:
    before = {event.id: (event.sealed_by, event.data_key_id) for event in buy(runtime)}
    assert set(before.values()) == {("tests", None)}
    drain(runtime)
    with runtime.database.transaction() as session:
        key = session.scalars(select(DataKey)).one()
    after = [(event.sealed_by, event.data_key_id) for event in lives.events(runtime)]
    assert after == [(None, key.id)] * 3


def test_what_is_about_nobody_stays_with_the_master_key(runtime: Runtime) -> None:
    lives.deliver(runtime, lives.incoming("evt_x", "charge.succeeded", {"id": "ch_x"}))
    drain(runtime)
    [event] = lives.events(runtime)
    assert (event.sealed_by, event.data_key_id) == ("tests", None)


def test_without_keys_payloads_are_kept_as_they_came_and_can_be_worked_with_keys_later(
    runtime: Runtime,
) -> None:
    plain = with_ring(runtime)
    buy(plain)
    assert CANARY.encode() in raw(runtime.database, "payloads")
    drain(runtime)
    assert {event.status for event in lives.events(runtime)} == {"processed"}
    plain.close()


@pytest.mark.parametrize("moved", ["the payloads", "the keys", "both"])
def test_rows_that_were_swapped_are_refused(runtime: Runtime, moved: str) -> None:
    first, second, _ = buy(runtime)
    with runtime.database.transaction() as session:
        if moved != "the keys":
            pages = {e.id: session.scalar(_body(e)) for e in (first, second)}
            for here, there in ((first, second), (second, first)):
                change = update(Payload).where(Payload.event_id == here.id)
                session.execute(change.values(body=pages[there.id]))
        if moved != "the payloads":
            for here, there in ((first, second), (second, first)):
                change = update(Event).where(Event.id == here.id)
                session.execute(change.values(sealed_key=there.sealed_key))
    drain(runtime)
    told = {event.id: event for event in lives.events(runtime)}
    assert [told[each.id].status for each in (first, second)] == ["parked", "parked"]
    assert "another row" in (told[first.id].note or "")


def _body(event: Event):  # type: ignore[no-untyped-def]
    return select(Payload.body).where(Payload.event_id == event.id)


def test_two_workers_that_need_the_key_of_one_account_make_one(postgres_url: str) -> None:
    database = Database(postgres_url, ring=RING)
    owner = lives.account(lives.runtime_on(database))
    barrier = Barrier(4)

    def make() -> tuple[int, bytes]:
        with database.transaction() as session:
            session.execute(text("SELECT 1"))
            barrier.wait()
            key = data_keys.of_accounts(session, RING, [owner])[owner]
            return key.id, key.wrapper.wrap(b"k" * 32, b"x")

    with ThreadPoolExecutor(4) as threads:
        made = [each.result() for each in [threads.submit(make) for _ in range(4)]]
    assert len({key_id for key_id, _ in made}) == 1
    with database.transaction() as session:
        wrapper = data_keys.of_accounts(session, RING, [owner])[owner].wrapper
        assert {wrapper.unwrap(wrapped, b"x") for _, wrapped in made} == {b"k" * 32}
    database.dispose()


def test_a_replay_works_across_a_rotation(runtime: Runtime) -> None:
    bought(runtime)
    lives.deliver(runtime, lives.incoming("evt_x", "charge.succeeded", {"id": "ch_x"}))
    both, newer = with_ring(runtime, NEWER, DATA_KEYS), with_ring(runtime, NEWER)
    rotated(both)
    with both.database.transaction() as session:
        held = {each.name: each for each in rotation.holdings(session, both.database.ring)}
        assert (held["tests"].accounts, held["tests"].events, held["newer"].events) == (0, 0, 1)
    first = lives.events(newer)[0]
    with newer.database.transaction() as session:
        found = inbox.find(session, first.id, lock=True)
        inbox.replay(session, found, actor="test", reason="again")
    drain(newer)
    assert lives.events(newer)[0].status == "processed"
    assert all(isinstance(body, bytes) for body in bodies(newer).values())
    both.close()
    newer.close()


def rotated(runtime: Runtime, limit: int = 1) -> list[str]:
    """Rotate in the smallest steps; returns the keys that are not needed any more."""
    database, ring = runtime.database, runtime.database.ring
    assert ring is not None
    with database.transaction() as session:
        data_keys.enroll(session, ring)
    for kind in rotation.KINDS:
        after: int | None = 0
        while after is not None:
            with database.transaction() as session:
                after = rotation.step(session, ring, kind, after, limit).after
    with database.transaction() as session:
        return rotation.retire(session, ring)


def test_a_key_that_something_hangs_on_must_be_there_at_the_start(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        data_keys.enroll(session, RING)
    bought(runtime)
    other = keyring.parse("tests:" + NEWER.partition(":")[2])
    for ring, told in (
        (None, "'tests'"),
        (keyring.parse(NEWER), "put it back"),
        (other, "another"),
    ):
        with (
            pytest.raises(Misconfigured, match=told),
            runtime.database.transaction() as session,
        ):
            data_keys.enroll(session, ring)
    both = with_ring(runtime, NEWER, DATA_KEYS)
    assert rotated(both) == ["tests"]
    with runtime.database.transaction() as session:
        data_keys.enroll(session, keyring.parse(NEWER))
        assert session.scalars(select(MasterKey.name)).all() == ["newer"]
    both.close()


def test_no_key_is_given_up_while_a_process_may_seal_with_it(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        data_keys.enroll(session, RING)
        now = clock.wall()
        session.add(Heartbeat(kind="web", name="host:1", since=now, at=now))
    both = with_ring(runtime, NEWER, DATA_KEYS)
    with pytest.raises(Refused, match="web host:1"):
        rotated(both)
    both.close()


def test_a_reading_is_sealed_and_handed_over_to_the_account_that_used_it(
    runtime: Runtime,
) -> None:
    began, document = clock.now(), {"id": "sub_1", "name": CANARY}
    with runtime.database.transaction() as session:
        sequence = readings.begin(session, "stripe", SUBJECT)
        readings.complete(session, sequence, document)
    assert CANARY.encode() not in raw(runtime.database, "readings")
    with runtime.database.transaction() as session:
        owner = accounts.lock(session, "acme").id
        readings.hand_over(session, [(sequence, owner)], {owner})
    with runtime.database.transaction() as session:
        row = session.get_one(StoredReading, sequence)
        assert (row.sealed_by, row.document) == (None, None)
        found = readings.latest(session, "stripe", [(SUBJECT, began)])
        assert found[SUBJECT].document == document
        data_keys.destroy(session, owner)
    with runtime.database.transaction() as session:
        assert readings.latest(session, "stripe", [(SUBJECT, began)]) == {}


def test_a_process_without_the_keys_says_which_one_is_missing(runtime: Runtime) -> None:
    bought(runtime)
    lives.deliver(runtime, lives.incoming("evt_x", "charge.succeeded", {"id": "ch_x"}))
    plain, newer = with_ring(runtime), with_ring(runtime, NEWER)
    for blind in (plain, newer):
        told = bodies(blind).values()
        assert all(isinstance(why, Permanent) for why in told)
        assert any("BILLHOOK_DATA_KEYS" in str(why) for why in told)
        blind.close()
