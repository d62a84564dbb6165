"""The processes of the Procfile: they start or say why not, end in time with exit status 0 after
SIGTERM, and stand in for another.
"""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import select, update

from domain import clock
from domain.leases import Lease
from tests.processes import ROOT, wait_until
from tests.servers.databases import libpq_url
from tests.stories.town import ENDS, STARTED, Customer, Town, founded
from webhooks.sandbox.stripe_signature import sign
from workers.broker import QueueBell, make_broker

GRACE_S = 10.0
"""What the contract gives a process after SIGTERM."""
SLACK_S = 3.0
"""What a busy machine may add to starting and ending an interpreter."""
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One town for this file; each test leaves it with its servers running."""
    directory = tmp_path_factory.mktemp("town")
    figures = directory / "figures"
    figures.mkdir()
    with founded(directory, PROMETHEUS_MULTIPROC_DIR=str(figures)) as town:
        yield town


def check_ends_in_time(town: Town, *names: str) -> None:
    """Fail unless SIGTERM ends each process in time with its status."""
    began = time.monotonic()
    for name in names:
        town.processes[name].send(signal.SIGTERM)
    statuses = {name: town.processes[name].wait() for name in names}
    took = time.monotonic() - began
    assert statuses == {name: ENDS[name] for name in names}
    assert took < GRACE_S + SLACK_S


def test_the_procfile_names_the_processes_that_are_tested_here() -> None:
    lines = (ROOT / "Procfile").read_text().split()
    assert lines[1::3] == ["billhook"] * 4
    assert lines[2::3] == ["migrate", *STARTED]


def test_a_purchase_by_each_provider_where_web_and_clock_cannot_load_their_libraries(
    town: Town,
) -> None:
    town.open()
    customers = [Customer(town, f"first-{method}", method) for method in ("card", "paypal")]
    for customer in customers:
        customer.buy()
    town.settle()
    assert all(customer.has_what_was_paid() for customer in customers)
    assert town.acknowledged() <= town.received()


def test_figures_of_all_processes_are_added_up(town: Town) -> None:
    town.open()
    Customer(town, "counted", "card").buy()
    town.settle()
    status, text = town.installation.get("/metrics")
    assert status == 200
    assert "billhook_store_up 1" in text
    assert 'billhook_events_total{outcome="processed",provider="stripe"}' in text
    assert 'billhook_effects_total{kind="open_checkout",outcome="done"}' in text


def test_sigterm_ends_every_process_in_time(town: Town) -> None:
    town.open()
    check_ends_in_time(town, *STARTED)


def test_sigterm_ends_every_process_in_time_while_the_queue_is_away(town: Town) -> None:
    town.open()
    town.valkey.kill()
    try:
        check_ends_in_time(town, *STARTED)
    finally:
        town.valkey.start()


def test_sigterm_ends_every_process_in_time_while_the_store_hangs(town: Town) -> None:
    town.open()
    body = b'{"id":"evt_hanging","type":"x"}'
    with psycopg.connect(libpq_url(town.environ["DATABASE_URL"])) as connection:
        # Everybody who writes here now waits for us.
        connection.execute("LOCK TABLE events, effects, leases IN ACCESS EXCLUSIVE MODE")
        hanging = _post_signed(town, body)
        bell = QueueBell(make_broker(town.valkey.url()))
        bell.ring("process_events")
        bell.stop()
        wait_until(lambda: _waiting(town) >= 3, "all three hang", lambda: _waiting(town))
        check_ends_in_time(town, *STARTED)
        hanging.close()


def _post_signed(town: Town, body: bytes) -> socket.socket:
    signature = sign(town.world.credentials.stripe_webhook_secret, body, clock.now())
    connection = socket.create_connection(("127.0.0.1", town.installation.port), timeout=10)
    head = (
        f"POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nStripe-Signature: {signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    return connection


def _waiting(town: Town) -> int:
    with psycopg.connect(libpq_url(town.postgres.url())) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        ).fetchone()
    return int(row[0]) if row else 0


def test_a_call_that_is_under_way_is_answered_before_web_ends(town: Town) -> None:
    town.start("web")
    body = b'{"id":"evt_under_way","type":"x"}'
    with psycopg.connect(libpq_url(town.environ["DATABASE_URL"])) as connection:
        connection.execute("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        calling = _post_signed(town, body)
        wait_until(lambda: _waiting(town) >= 1, "the call waits for its commit")
        town.processes["web"].send(signal.SIGTERM)
        wait_until(lambda: town.installation.get("/livez")[0] == 0, "nobody else is served")
        connection.rollback()
        answer = calling.recv(4096)
    calling.close()
    assert answer.startswith(b"HTTP/1.1 200")
    assert town.processes["web"].wait() == ENDS["web"]
    assert ("stripe", "evt_under_way") in town.received()


def holder(town: Town) -> str:
    """Who holds the clock's lease."""
    with town.database.transaction() as session:
        return session.scalars(select(Lease.holder).where(Lease.name == "clock")).one()


def test_a_second_clock_stands_by_and_takes_over(town: Town) -> None:
    # A clock that another test killed may still seem to hold the lease.
    _end_lease(town)
    town.start("clock")
    wait_until(lambda: _held(town), "the first clock has the lease")
    first = holder(town)
    town.start("clock-2")
    wait_until(lambda: _renewed(town), "the lease is renewed")
    assert holder(town) == first
    # In order: the lease is given back.
    town.processes["clock"].stop()
    wait_until(lambda: holder(town) != first, "the second clock took over", patience=10)
    second = holder(town)
    # By a crash: the lease runs out.
    town.start("clock")
    town.installation.kill("clock-2")
    _end_lease(town)
    wait_until(lambda: holder(town) != second, "the first clock took over again", patience=10)


def _end_lease(town: Town) -> None:
    with town.database.transaction() as session:
        session.execute(update(Lease).values(until=LONG_AGO))


def _held(town: Town) -> bool:
    with town.database.transaction() as session:
        until = session.scalar(select(Lease.until).where(Lease.name == "clock"))
    return until is not None and until > clock.wall()


def _renewed(town: Town) -> bool:
    with town.database.transaction() as session:
        before = session.get_one(Lease, "clock").until
    time.sleep(0.1)
    with town.database.transaction() as session:
        return session.get_one(Lease, "clock").until > before


def test_a_clock_outlives_a_store_that_is_read_only_for_a_while(town: Town) -> None:
    town.start("clock")
    url = town.environ["DATABASE_URL"]
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        switch = "ALTER DATABASE billhook SET default_transaction_read_only = "
        others = (
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity "
            "WHERE datname = 'billhook' AND pid <> pg_backend_pid()"
        )
        connection.execute(f"{switch}on")
        connection.execute(others)
        said = town.processes["clock"].said
        wait_until(lambda: said("read-only") or said("ReadOnly"), "the clock noticed")
        connection.execute(f"{switch}off")
        connection.execute(others)
    town.database.dispose()
    wait_until(lambda: _renewed(town), "the clock ticks again", patience=20)
    assert town.processes["clock"].stop() == 0
