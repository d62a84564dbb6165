"""Whether webhooks starve while very many renewals become due at once.

``python -m bench.renewal_wave [COUNT] [--alone]``: ``COUNT`` (10 000 without a number) renewals are
due at the same moment, each of an account with a saved card; the clock begins them in batches, so
that in the end the charge of each is wanted. Meanwhile purchases go on arriving, one after the
other, unless it is ``--alone``. Prints how long an event took from its commit to its billing,
before and meanwhile, and how fast the renewals were begun. Needs PostgreSQL, as the tests do.
"""

import argparse
import statistics
import threading
import time
from datetime import UTC, datetime

from sqlalchemy import text

from bench.machine import description, load_average
from domain import clock
from domain.database import Database, migrate
from tests import lives
from tests.domain.many_subscriptions import insert_many, moment_with_due
from tests.servers.session import ServerSession
from workers.passage import pass_time
from workers.process_events import drain
from workers.runtime import Runtime

BEGAN = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
QUIET = 20
"""Purchases that are timed before the wave."""
WANTED = "SELECT count(*) FROM effects WHERE kind = 'charge_order'"


def purchase(runtime: Runtime, number: int) -> float:
    """One purchase of an account of its own: seconds from its committed events to its billing."""
    ref = f"buyer-{number}"
    lives.account(runtime, ref)
    events = lives.payment_events(lives.order(runtime, ref), f"pi_{number}")
    lives.deliver(runtime, *events)
    start = time.perf_counter()
    drain(runtime)
    return time.perf_counter() - start


def said(when: str, took: list[float]) -> str:
    """A line of the report."""
    ordered = sorted(took)
    p95 = ordered[int(len(ordered) * 0.95)]
    middle = statistics.median(ordered)
    return f"{when}: {len(took)} purchases, p50 {middle * 1e3:.0f} ms, p95 {p95 * 1e3:.0f} ms"


def begun(database: Database) -> int:
    """How many charges are wanted."""
    with database.engine.connect() as connection:
        return int(connection.scalar(text(WANTED)) or 0)


def ride(runtime: Runtime, wave: Runtime, *, alone: bool) -> float:
    """Let the wave come, and purchases meanwhile; seconds that it lasted."""
    clocked = threading.Thread(target=pass_time, args=(wave,))
    start = time.perf_counter()
    clocked.start()
    took: list[float] = []
    while not alone and clocked.is_alive():
        took.append(purchase(runtime, QUIET + len(took)))
    clocked.join()
    lasted = time.perf_counter() - start
    if took:
        print(said("meanwhile", took))
    return lasted


def report(database: Database, lasted: float, spent: float | None) -> None:
    """What became of the wave: wall clock, ``spent`` seconds of the processor, and the machine."""
    charges = begun(database)
    print(f"{charges} charges wanted in {lasted:.0f} s, {charges / lasted:.0f} a second")
    if spent is not None:
        # Unlike the time that it lasted, this hardly depends on who else is on the machine.
        print(f"{1e3 * spent / charges:.1f} ms of the processor each, without the database's")
    print(f"Load average: {load_average():.1f}")
    with database.engine.connect() as connection:
        server = f"PostgreSQL {connection.scalar(text('SHOW server_version'))}"
    for name, value in description([server]).items():
        print(f"{name}: {value}")


def main(count: int, *, alone: bool) -> None:
    """Insert, wait for the wave, and say what it did to the purchases."""
    servers = ServerSession.begin(migrate)
    database = Database(servers.pristine.fresh())
    try:
        insert_many(database, count * 2, BEGAN)
        clock.travel(BEGAN)
        runtime = lives.runtime_on(database)
        with database.engine.begin() as connection:
            # The accounts above were numbered by hand.
            connection.exec_driver_sql("SELECT setval('accounts_id_seq', 100000000)")
        print(said("before", [purchase(runtime, n) for n in range(QUIET)]))
        clock.travel(moment_with_due(BEGAN, count))
        spent = time.process_time()
        lasted = ride(runtime, lives.runtime_on(database), alone=alone)
        report(database, lasted, time.process_time() - spent if alone else None)
    finally:
        database.dispose()
        servers.end()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    parser.add_argument("--alone", action="store_true", help="no purchases meanwhile")
    asked = parser.parse_args()
    main(asked.count, alone=asked.alone)
