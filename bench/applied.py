"""How long a payment takes from its acknowledgement to its billing, and how many a second.

``python -m bench.applied [--rate N] [--count N] [--workers N]``: accounts with open orders are made
inside PostgreSQL; then one signed payment event for each is posted, at a rate or as fast as web
takes them, and the clock runs until every subscription is active and its invoice numbered. The
moments are those of PostgreSQL's own commits.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from bench import big_store, events, machine
from bench.events import Due
from bench.load import Generator, Outcome, percentile
from bench.stage import Stage, stage
from tests.processes import Installation

PATIENCE_S: Final = 1_800.0
PROBE_RATE: Final = 200.0
PROBE_S: Final = 20
"""How web's p99 is asked before a burst and while it is drained."""
ACCOUNTS: Final = """
INSERT INTO accounts (ref, email, locale, currency, billing, status, created_at, updated_at)
SELECT %(name)s || n, n || '@customers.example', 'en', 'CZK',
       '{"name": "Customer", "country": "CZ", "street": "Dlouhá 1", "city": "Praha"}',
       'active', now(), now()
FROM generate_series(1, %(count)s) AS n
"""
ORDERS: Final = """
INSERT INTO orders (id, account_id, kind, state, currency, total, due, quote, method, provider,
                    created_at, expires_at)
SELECT 'ord_' || left(md5(ref), 24), id, 'purchase', 'open', 'CZK', %(total)s, %(total)s,
       %(quote)s::jsonb, 'card', 'stripe', now(), now() + interval '1 day'
FROM accounts WHERE ref LIKE %(name)s || '%%'
RETURNING id
"""
APPLIED: Final = """
SELECT count(*) FROM orders o JOIN subscriptions s ON s.account_id = o.account_id
JOIN invoices i ON i.kind = 'invoice' AND i.cause = 'order:' || o.id
WHERE o.id = ANY (%s) AND s.order_id = o.id AND s.state = 'active' AND i.number IS NOT NULL
"""
MOMENTS: Final = """
SELECT extract(epoch FROM pg_xact_commit_timestamp(p.xmin)),
       extract(epoch FROM pg_xact_commit_timestamp(i.xmin))
FROM orders o JOIN invoices i ON i.kind = 'invoice' AND i.cause = 'order:' || o.id
JOIN events e ON e.account_id = o.account_id AND e.order_id = o.id
JOIN payloads p ON p.event_id = e.id
WHERE o.id = ANY (%s)
"""
DUE: Final = """
SELECT count(*) FROM events
WHERE status IN ('received', 'waiting', 'unmatched')
  AND next_attempt_at < now() + interval '10 minutes'
"""
"""What is to be done now; a store with history holds events whose time comes later."""
UNFINISHED: Final = """
SELECT count(*) FROM effects WHERE status IN ('wanted', 'running', 'waiting')
"""


class Applied(msgspec.Struct, kw_only=True):
    """What came of it: payments a second from the first acknowledgement to the last billing,
    milliseconds from the one to the other, and CPU in microseconds a payment by process."""

    count: int
    rate: float
    p50: float
    p99: float
    acknowledged_rate: float
    web_p99: float
    cpu: dict[str, float]
    effects_left: int
    load: float
    quiet_p99: float = 0.0
    """Web's p99 at a steady rate while the workers have nothing to do (asked for with a burst)."""
    drain_p99: float = 0.0
    """The same while they drain the burst."""


class Shop:
    """Billhook with its workers, and customers who are about to pay."""

    def __init__(self, on: Stage, url: str, installation: Installation) -> None:
        self._stage, self._url, self._installation = on, url, installation
        self._number = 0

    def orders(self, count: int) -> list[Due]:
        """New accounts, each with an open order."""
        self._number += 1
        quote = big_store.quote_in("CZK")
        values = {
            "name": f"buyer-{self._number}-",
            "count": count,
            "quote": msgspec.json.encode(quote).decode(),
            "total": quote.total.amount,
        }
        self._stage.execute(self._url, ACCOUNTS, values)
        made = self._stage.execute(self._url, ORDERS, values)
        self._stage.execute(self._url, "ANALYZE accounts, orders", {})
        return [Due(order, quote.total.amount, "CZK") for (order,) in made]

    def sell(
        self, count: int, rate: float = 0.0, meanwhile: Callable[[], None] | None = None
    ) -> Applied:
        """Let that many customers pay and wait until all have what they paid for; ``meanwhile``
        is done as soon as all have paid."""
        dues = self.orders(count)
        port = self._installation.port
        signed = list(events.payments(self._stage.keys, port, dues))
        requests = [each.request for each in signed]
        generator = Generator(self._stage.directory, port, requests, rate=rate)
        processes = self._processes()
        before = machine.seconds_of(processes)
        outcome = generator.start().finish()
        assert len(outcome.acknowledged) == count, outcome.statuses
        if meanwhile is not None:
            meanwhile()
        self._wait([due.order for due in dues])
        after = machine.seconds_of(processes)
        used = {name: 1e6 * (after[name] - before[name]) / count for name in processes}
        return self._told([due.order for due in dues], outcome, used)

    def burst(self, count: int) -> Applied:
        """As many at once as web takes, beside a steady rate before it and while it is drained."""
        self.settle()
        quiet = self._probe()
        drain: list[float] = []
        applied = self.sell(count, meanwhile=lambda: drain.append(self._probe()))
        return msgspec.structs.replace(applied, quiet_p99=quiet, drain_p99=drain[0])

    def _probe(self) -> float:
        """Web's p99 in milliseconds at a steady rate of events about nobody."""
        port = self._installation.port
        signed = events.of_no_account(self._stage.keys, port, int(PROBE_RATE * PROBE_S))
        requests = [each.request for each in signed]
        generator = Generator(self._stage.directory, port, requests, rate=PROBE_RATE)
        return generator.start().finish().percentile(99)

    def settle(self) -> None:
        """Wait until the effects are done, too."""
        deadline = time.monotonic() + PATIENCE_S
        while self._effects_left():
            assert time.monotonic() < deadline, "the effects are not done"
            time.sleep(0.5)

    def _processes(self) -> dict[str, int]:
        ours = {name: each.pid for name, each in self._installation.processes.items()}
        return {**ours, **self._stage.server_pids()}

    def _effects_left(self) -> int:
        return int(self._stage.execute(self._url, UNFINISHED, {})[0][0])

    def _wait(self, orders: list[str]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        # Looking at all orders costs the store a second of its time when they are many.
        while (due := self._due()) > 0:
            assert time.monotonic() < deadline, f"{due} events are not done"
            time.sleep(0.25 + min(2.0, due / 5_000))
        while (done := self._stage.execute(self._url, APPLIED, [orders])[0][0]) < len(orders):
            assert time.monotonic() < deadline, f"{done} of {len(orders)} were applied"
            time.sleep(0.25)

    def _due(self) -> int:
        return int(self._stage.execute(self._url, DUE, {})[0][0])

    def _told(self, orders: list[str], outcome: Outcome, used: dict[str, float]) -> Applied:
        rows = self._stage.execute(self._url, MOMENTS, [orders])
        acknowledged = [float(row[0]) for row in rows]
        applied = [float(row[1]) for row in rows]
        waits = [1e3 * (b - a) for a, b in zip(acknowledged, applied, strict=True)]
        return Applied(
            count=len(orders),
            rate=len(orders) / (max(applied) - min(acknowledged)),
            p50=percentile(waits, 50),
            p99=percentile(waits, 99),
            acknowledged_rate=outcome.rate,
            web_p99=outcome.percentile(99),
            cpu=used,
            effects_left=self._effects_left(),
            load=machine.load_average(),
        )


@contextmanager
def open_shop(on: Stage, workers: int, url: str | None = None) -> Iterator[Shop]:
    """Web, a clock and that many workers over a database (a new one), warmed up."""
    url = url or on.database()
    names = ["web", "clock", *(f"worker-{number}" for number in range(1, workers + 1))]
    with on.billhook(on.environ(url), *names) as installation:
        shop = Shop(on, url, installation)
        shop.sell(50)
        shop.settle()
        yield shop


def said(applied: Applied, name: str) -> Applied:
    """Print a measurement as it ends."""
    cpu = ", ".join(f"{process} {used:.0f}" for process, used in applied.cpu.items())
    beside = (
        f" web's p99 at {PROBE_RATE:.0f}/s {applied.quiet_p99:.1f} ms, while it is drained "
        f"{applied.drain_p99:.1f} ms;"
        if applied.quiet_p99
        else ""
    )
    print(
        f"{name}: {applied.count} payments, {applied.rate:.0f}/s applied, p50 {applied.p50:.0f} ms,"
        f" p99 {applied.p99:.0f} ms; acknowledged {applied.acknowledged_rate:.0f}/s, p99 "
        f"{applied.web_p99:.0f} ms; CPU µs: {cpu}; {applied.effects_left} effects left;{beside} "
        f"load {applied.load:.1f}",
        flush=True,
    )
    return applied


def main() -> None:
    """Measure at a steady rate, then as fast as it goes."""
    parser = argparse.ArgumentParser(prog="python -m bench.applied", description=__doc__)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--count", type=int, default=4_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--burst", type=int, default=0)
    options: Any = parser.parse_args()
    with stage() as on, open_shop(on, options.workers) as shop:
        said(shop.sell(int(options.rate * 10), options.rate), f"{options.rate:.0f} a second")
        said(shop.sell(options.count), "as fast as it goes")
        if options.burst:
            said(shop.burst(options.burst), "a burst")


if __name__ == "__main__":
    main()
