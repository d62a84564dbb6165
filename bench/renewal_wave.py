"""Whether webhooks starve while very many renewals become due at once.

``python -m bench.renewal_wave [COUNT]``: ``COUNT`` (10 000 without a number) renewals are due at
the same moment; the clock begins them in batches while purchases go on arriving. Prints how long
an event took from its commit to its billing, before and meanwhile.
"""

import statistics
import sys
import threading
import time
from datetime import UTC, datetime

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


def main(count: int) -> None:
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
        wave = threading.Thread(target=pass_time, args=(lives.runtime_on(database),))
        start = time.perf_counter()
        wave.start()
        took = []
        while wave.is_alive():
            took.append(purchase(runtime, QUIET + len(took)))
        lasted = time.perf_counter() - start
        print(said("meanwhile", took))
        print(f"{count} renewals begun in {lasted:.0f} s, {count / lasted:.0f} a second")
    finally:
        database.dispose()
        servers.end()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
