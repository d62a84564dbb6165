"""How long the clock takes to find what is due among very many subscriptions, and to act on some.

``python -m bench.due_scan [COUNT]``: on a PostgreSQL server started for it (or the one named in
``BILLHOOK_TEST_DATABASE_URL``), in a database of its own. One million without a number.
"""

import statistics
import sys
import time
from datetime import UTC, datetime

from domain import clock
from domain.database import Database, migrate
from tests import lives
from tests.domain.many_subscriptions import insert_many, moment_with_due, nodes, plan_of_scan
from tests.servers.session import ServerSession
from workers.passage import BATCH, due_accounts, pass_time

BEGAN = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
DUE = (0, 100, 10_000)
ACTED_ON = 100
"""More are only found: acting is bound by the statements of each account, one after the other."""
REPEATED = 50


def found_in(database: Database) -> float:
    """The median time of one scan, a transaction each, in milliseconds."""
    took = []
    for _ in range(REPEATED):
        start = time.perf_counter()
        with database.transaction() as session:
            session.scalars(due_accounts(BATCH)).all()
        took.append(1e3 * (time.perf_counter() - start))
    return statistics.median(took)


def acted_in(database: Database) -> float:
    """The time in which everything that is due was acted on, in seconds."""
    runtime = lives.runtime_on(database)
    start = time.perf_counter()
    pass_time(runtime)
    return time.perf_counter() - start


def main(count: int) -> None:
    """Insert, scan, act, and say what it took."""
    servers = ServerSession.begin(migrate)
    database = Database(servers.pristine.fresh())
    try:
        start = time.perf_counter()
        insert_many(database, count, BEGAN)
        print(f"{count} subscriptions inserted in {time.perf_counter() - start:.1f} s")
        before = 0
        for due in DUE:
            clock.travel(moment_with_due(BEGAN, before + due))
            with database.transaction() as session:
                plan = list(nodes(plan_of_scan(session, BATCH)))
            scan = next(node for node in plan if "Scan" in node["Node Type"])
            how = f"{scan['Node Type']} on {scan.get('Index Name')}"
            read = f"{scan['Actual Rows']:g} rows read"
            print(f"{due} due: a batch found in {found_in(database):.2f} ms ({how}, {read})")
            if 0 < due <= ACTED_ON:
                print(f"{due} due: acted on in {acted_in(database):.2f} s")
            before += due
    finally:
        database.dispose()
        servers.end()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
