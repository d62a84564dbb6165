"""Everything of ``make bench``: the edge, the workers, a burst, and the same with years of history.

``python -m bench [--rounds N] [--burst N] [--history EVENTS ACCOUNTS] [--record]``: starts its own
servers. ``--record`` writes ``bench/results.json`` and draws ``bench/RESULTS.md`` and
``bench/results.svg`` from it; ``--draw`` only draws anew.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from bench import applied, big_store, machine, report, throughput
from bench.report import Everything
from bench.stage import Stage, stage

HERE: Final = Path(__file__).parent
STEADY_RATE: Final = 100.0
STEADY_S: Final = 20
WARM_UP_S: Final = 15
"""So that a store of years has the pages in memory that a running system has there."""


def workers_on(on: Stage, url: str, options: Any) -> dict[str, applied.Applied]:
    """A steady rate, as fast as it goes, and a burst; mails and messages follow as they may."""
    told = {}
    with applied.open_shop(on, options.workers, url) as shop:
        applied.said(shop.sell(int(STEADY_RATE * WARM_UP_S), STEADY_RATE), "warming up")
        steady = shop.sell(int(STEADY_RATE * STEADY_S), STEADY_RATE)
        told["steady"] = applied.said(steady, "100 a second")
        told["fast"] = applied.said(shop.sell(options.count), "as fast as it goes")
        if options.burst:
            told["burst"] = applied.said(shop.burst(options.burst), "a burst")
    return told


def measure(options: Any) -> Everything:
    """Run it all, the empty store first."""
    with stage() as on:
        edge = throughput.measure(on, options.rounds)
        url = on.database()
        workers = workers_on(on, url, options)
        # Otherwise PostgreSQL would vacuum it while the next one is measured.
        on.drop(url)
        edge_later: throughput.Results | None = None
        workers_later: dict[str, applied.Applied] = {}
        if options.history:
            url = on.database()
            big_store.fill(url, *options.history)
            on.rest(url)
            options.burst = 0
            # First, because what is sent to web alone stays there for the workers.
            workers_later = workers_on(on, url, options)
            edge_later = throughput.measure(on, options.rounds, url)
        return Everything(
            at=datetime.now(UTC),
            machine=machine.description(on.describe()),
            edge=edge,
            workers=workers,
            history=tuple(options.history or ()),
            edge_later=edge_later,
            workers_later=workers_later,
        )


def main() -> None:
    """Read the command line, measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--count", type=int, default=5_000)
    parser.add_argument("--burst", type=int, default=20_000)
    parser.add_argument("--history", type=int, nargs=2, metavar=("EVENTS", "ACCOUNTS"))
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--draw", action="store_true")
    options = parser.parse_args()
    kept = HERE / "results.json"
    if options.draw:
        everything = msgspec.json.decode(kept.read_bytes(), type=Everything)
    else:
        everything = measure(options)
    if options.record:
        kept.write_bytes(msgspec.json.format(msgspec.json.encode(everything)) + b"\n")
    text = report.tables(everything)
    print(text)
    if options.record or options.draw:
        (HERE / "RESULTS.md").write_text(report.document(everything))
        (HERE / "results.svg").write_text(report.drawing(everything))


if __name__ == "__main__":
    main()
