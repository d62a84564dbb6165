"""How long operators wait for the lists, on a database that ``bench.big_store`` has filled.

``python -m bench.console_queries URL [REPEATED]``: every filter, many combinations of them and rare
ones above all, first pages and pages deep inside; the groups of failures with 100 000 members; the
count of a replay. Prints p50 and p95 of each and writes the plans of the slowest into
``bench/plans/``. The members are put into a transaction that is rolled back.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event as hooks
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bench import console_lists
from domain import event_search, event_view, failures, replay_filters
from domain.accounts import Account
from domain.database import Database
from domain.effects import Effect
from domain.event_search import Filter
from domain.inbox import Event

PLANS: Final = Path(__file__).parent / "plans"
REPEATED: Final = 20
PAGE: Final = 50
MEMBERS: Final = 100_000
DAY: Final = timedelta(days=1)
Query = Callable[[Session], object]


def main(url: str, repeated: int) -> None:
    """Measure everything, print a table, write plans."""
    database = Database(url)
    with database.transaction() as session:
        named = dict(queries(session))
    took = {name: measure(database, query, repeated) for name, query in named.items()}
    for name, times in took.items():
        print(line(name, times))
    everything = [one for times in took.values() for one in times]
    print(line("all of them", everything))
    print(line("failures: counting 100 000 members", counting(database)))
    PLANS.mkdir(exist_ok=True)
    for old in PLANS.glob("*.txt"):
        old.unlink()
    for name in sorted(took, key=lambda each: -statistics.median(took[each]))[:10]:
        write_plan(database, name, named[name])
    database.dispose()


def line(name: str, times: list[float]) -> str:
    """One row of the table, in milliseconds."""
    high = statistics.quantiles(times, n=20, method="inclusive")[18] if times[1:] else times[0]
    return f"| {name} | {statistics.median(times):.1f} | {high:.1f} | {max(times):.1f} |"


def measure(database: Database, query: Query, repeated: int) -> list[float]:
    """Milliseconds of each repetition, a transaction each, the first one included."""
    took = []
    for _ in range(repeated):
        start = time.perf_counter()
        with database.transaction() as session:
            query(session)
        took.append(1e3 * (time.perf_counter() - start))
    return took


def queries(session: Session) -> Iterator[tuple[str, Query]]:
    """Every query, with values that are in the store."""
    values = samples(session)
    yield "events: no filter", listing({})
    for size in (1, 2):
        for names in combinations(values, size):
            yield f"events: {' + '.join(names)}", listing({name: values[name] for name in names})
    yield from rare(values)
    yield from deep(session)
    yield "facets", event_search.facets
    yield (
        "replay: count of what is parked",
        lambda s: replay_filters.preview(s, Filter(status="parked")),
    )
    yield "failures: list", lambda s: failures.page(s, PAGE)
    number = session.scalars(select(Event.id).order_by(Event.id.desc()).limit(1)).one()
    yield "event: one with all of it", lambda s: event_view.view(s, number)
    parked = session.scalars(select(Effect.fingerprint).where(Effect.status == "parked").limit(1))
    lost = parked.one()
    yield "effects: that failed alike", lambda s: failures.failed_effects(s, lost, PAGE)
    yield from console_lists.queries(session)


def samples(session: Session) -> dict[str, Any]:
    """A value for each filter: common ones, since those find most."""
    some = session.scalars(
        select(Event).where(Event.status == "processed").order_by(Event.id.desc()).limit(1)
    ).one()
    failed = session.scalars(select(Event).where(Event.fingerprint.is_not(None)).limit(1)).one()
    now = datetime.now(UTC)
    busiest = session.get_one(Account, 1)
    return {
        "status": "processed",
        "provider": some.provider,
        "type": some.type,
        "account": busiest.ref,
        "order": some.order_id,
        "error": failed.fingerprint,
        "origin": "backfill",
        "received_from": now - 400 * DAY,
        "received_to": now - 300 * DAY,
        "q": some.payment,
    }


def rare(values: dict[str, Any]) -> Iterator[tuple[str, Query]]:
    """What a planner that goes by averages gets wrong."""
    type_ignored = {"status": "ignored", "type": values["type"]}
    yield "rare: a type never ignored, ignored", listing(type_ignored)
    yield (
        "rare: the type of another provider",
        listing(
            {
                "provider": "paypal" if values["provider"] == "stripe" else "stripe",
                "type": values["type"],
            }
        ),
    )
    yield (
        "rare: parked of one type, long ago",
        listing(
            {
                "status": "parked",
                "type": values["type"],
                "received_to": values["received_to"],
            }
        ),
    )
    yield "rare: backfilled and dismissed", listing({"origin": "backfill", "status": "dismissed"})
    yield "rare: nobody's account", listing({"account": "nobody", "status": "processed"})
    yield "rare: a beginning of an order", listing({"q": values["order"][:14]})
    yield "rare: a search for nothing", listing({"q": "ord_ffffffffffffffffffff"})
    yield "rare: an unknown error", listing({"error": "nothing of the kind"})
    yield (
        "rare: an old narrow range",
        listing(
            {
                "status": "ignored",
                "received_from": values["received_from"],
                "received_to": values["received_from"] + DAY / 24,
            }
        ),
    )


def deep(session: Session) -> Iterator[tuple[str, Query]]:
    """Pages that begin in the middle of the store."""
    middle = (session.scalars(select(Event.id).order_by(Event.id.desc()).limit(1)).one()) // 2
    for given in ({}, {"status": "processed"}, {"provider": "paypal"}, {"status": "parked"}):
        yield f"deep: {', '.join(given.values()) or 'no filter'}", listing(given, middle)


def listing(given: dict[str, Any], before: int | None = None) -> Query:
    """A page of the list."""
    wanted = Filter(**given)
    return lambda session: event_search.page(session, wanted, PAGE, before)


FAIL: Final = text(
    """
    UPDATE events SET fingerprint = 'bench: KeyError: plan', failed_at = now(), status = 'parked'
    WHERE id IN (SELECT id FROM events ORDER BY id DESC LIMIT :n)
    """
)


def counting(database: Database) -> list[float]:
    """How long the groups take to be counted when 100 000 events have failed alike."""
    took: list[float] = []
    with suppress(_RolledBackError), database.transaction() as session:
        session.execute(FAIL, {"n": MEMBERS})
        session.execute(text("ANALYZE events"))
        for _ in range(3):
            start = time.perf_counter()
            failures.refresh(session)
            took.append(1e3 * (time.perf_counter() - start))
        raise _RolledBackError
    return took


class _RolledBackError(Exception):
    """Ends a transaction without a commit."""


def write_plan(database: Database, name: str, query: Query) -> None:
    """The plans of every statement of a query, as PostgreSQL explains them."""
    told: list[str] = []
    with database.transaction() as session:
        connection = session.connection()
        statements: list[tuple[str, Any]] = []

        def keep(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            statements.append((statement, parameters))

        hooks.listen(connection, "before_cursor_execute", keep)
        query(session)
        hooks.remove(connection, "before_cursor_execute", keep)
        for statement, parameters in statements:
            plan = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", parameters)
            told += [statement, "", *(row[0] for row in plan), ""]
    file = "".join(letter if letter.isalnum() else "_" for letter in name) + ".txt"
    (PLANS / file).write_text("\n".join(told))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else REPEATED)
