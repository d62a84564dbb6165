"""Web under webhooks without an end: how its rate and PostgreSQL's log change from a checkpoint on.

``python -m bench.soak [--provider paypal] [--events N] [--history EVENTS ACCOUNTS]``: sends ``N``
(300 000) new events in runs of 10 000, one after the other, to a store with years of history or to
an empty one, and prints for each run the rate, the CPU of web and PostgreSQL, and what went into
the log: bytes an event, and whole pages an event. After a checkpoint PostgreSQL writes a page whole
when it is first touched (``full_page_writes``); ids that are random touch all pages of an index.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any, Final

from bench import big_store
from bench.stage import Stage, stage
from bench.throughput import WARM_UP, Contest, Run

AT_ONCE: Final = 10_000
LOG: Final = """
SELECT wal_bytes::bigint, wal_fpi,
       (SELECT checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter)
FROM pg_stat_wal
"""
LATER_LOG: Final = """
SELECT wal_bytes::bigint, wal_fpi,
       (SELECT num_timed + num_requested FROM pg_stat_checkpointer)
FROM pg_stat_wal
"""
"""PostgreSQL 17 counts checkpoints elsewhere."""


def main() -> None:
    """Read the command line, fill if asked to, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--provider", choices=["stripe", "paypal", "mixed"], default="paypal")
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--history", type=int, nargs=2, metavar=("EVENTS", "ACCOUNTS"))
    options = parser.parse_args()
    with stage() as on:
        url = on.database()
        if options.history:
            big_store.fill(url, *options.history)
            on.rest(url)
        runs = soak(on, url, options.provider, options.events)
    told = [statistics.median(values) for values in zip(*runs, strict=True)]
    print(f"medians: {told[0]:.0f}/s, PostgreSQL {told[1]:.0f} µs")
    whole = len(runs) / sum(1 / rate for rate, _ in runs)
    print(f"over all: {whole:.0f}/s")


def soak(on: Stage, url: str, provider: str, events: int) -> list[tuple[float, float]]:
    """Send run after run; gives of each the rate and PostgreSQL's CPU in microseconds an event."""
    contest = Contest(on, url)
    runs = []
    with contest.open():
        contest.run("billhook", WARM_UP, provider=provider)
        for number in range(events // AT_ONCE):
            before = _log(on, url)
            run = contest.run("billhook", AT_ONCE, provider=provider)
            _say(number, run, before, _log(on, url))
            runs.append((run.rate, run.cpu["PostgreSQL"]))
    return runs


def _say(number: int, run: Run, before: tuple[Any, ...], after: tuple[Any, ...]) -> None:
    sizes, pages, checkpoints = (later - now for later, now in zip(after, before, strict=True))
    assert run.lost == 0, f"{run.lost} acknowledged events are lost or stored twice"
    print(
        f"{(number + 1) * AT_ONCE:>9,}: {run.rate:.0f}/s, p99 {run.p99:.1f} ms; CPU µs: web "
        f"{run.cpu['web']:.0f}, PostgreSQL {run.cpu['PostgreSQL']:.0f}; log: "
        f"{sizes / AT_ONCE:,.0f} bytes and {pages / AT_ONCE:.2f} whole pages an event; "
        f"checkpoints {checkpoints}",
        flush=True,
    )


def _log(on: Stage, url: str) -> tuple[Any, ...]:
    [(version,)] = on.execute(url, "SELECT current_setting('server_version_num')::int", {})
    return on.execute(url, LATER_LOG if version >= 170_000 else LOG, {})[0]


if __name__ == "__main__":
    main()
