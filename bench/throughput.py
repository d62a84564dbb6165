"""How many webhooks a second one web process acknowledges, beside a naive design and the limit.

``python -m bench.throughput [ROUNDS]``: all three take the same kind of requests over 64
connections, one after the other, several rounds; medians count. After each round every
acknowledged event is looked up in the store.
"""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import msgspec

from bench import events, machine
from bench.load import Generator, Outcome
from bench.stage import Stage, stage

CONNECTIONS: Final = 64
COUNTS: Final = {"billhook": 12_000, "naive": 1_000, "bare": 20_000}
WARM_UP: Final = 400
STORED: Final = {
    "billhook": "SELECT count(*), count(DISTINCT e.id) FROM events e JOIN payloads p "
    "ON p.event_id = e.id WHERE e.provider_event_id = ANY (%s)",
    "naive": "SELECT count(*), count(DISTINCT id) FROM naive_events WHERE event_id = ANY (%s)",
}


class Run(msgspec.Struct, kw_only=True):
    """One run of one design: rates a second, times in milliseconds, CPU in microseconds per
    acknowledged request by process, memory of web in MB (now, at most)."""

    design: str
    rate: float
    p50: float
    p95: float
    p99: float
    cpu: dict[str, float]
    memory: tuple[float, float]
    lost: int
    load: float


class Contest:
    """The three servers, all running, measured one after the other."""

    def __init__(self, on: Stage, url: str | None = None) -> None:
        self._stage = on
        self._database = url or on.database()
        self._environ = on.environ(self._database)
        self._servers = on.server_pids()
        self.at: dict[str, tuple[int, int]] = {}

    @contextmanager
    def open(self) -> Iterator[None]:
        """Start the servers; they run until the end of the block."""
        with ExitStack() as running:
            billhook = running.enter_context(self._stage.billhook(self._environ, "web"))
            self.at["billhook"] = billhook.port, billhook.processes["web"].pid
            for name in ("naive", "bare"):
                self.at[name] = running.enter_context(self._stage.design(self._environ, name))
            yield

    def run(
        self,
        design: str,
        count: int,
        *,
        provider: str = "stripe",
        connections: int = CONNECTIONS,
        rate: float = 0.0,
    ) -> Run:
        """Send ``count`` new events to a design and look them up."""
        port, pid = self.at[design]
        signed = events.signed(provider, self._stage.keys, port, count)
        requests = [each.request for each in signed]
        generator = Generator(
            self._stage.directory, port, requests, connections=connections, rate=rate
        )
        processes = {"web": pid, **self._servers}
        before = machine.seconds_of(processes)
        outcome = generator.start().finish()
        after = machine.seconds_of(processes)
        used = {name: after[name] - before[name] for name in processes}
        return self._judged(design, outcome, used, [each.event_id for each in signed], pid)

    def _judged(
        self, design: str, outcome: Outcome, used: Mapping[str, float], ids: list[str], pid: int
    ) -> Run:
        acknowledged = [ids[number] for number in outcome.acknowledged]
        assert len(acknowledged) == len(ids), f"{design} answered {outcome.statuses}"
        return Run(
            design=design,
            rate=outcome.rate,
            p50=outcome.percentile(50),
            p95=outcome.percentile(95),
            p99=outcome.percentile(99),
            cpu={name: 1e6 * seconds / len(ids) for name, seconds in used.items()},
            memory=machine.resident_mb(pid),
            lost=self._lost(design, acknowledged),
            load=machine.load_average(),
        )

    def _lost(self, design: str, ids: list[str]) -> int:
        """How many acknowledged events are not in the store exactly once, with their body."""
        if design not in STORED:
            return 0
        [(rows, different)] = self._stage.execute(self._database, STORED[design], [ids])
        return int(abs(len(ids) - rows) + abs(rows - different))


class Results(msgspec.Struct, kw_only=True):
    """Everything that was measured, by what was asked."""

    rounds: dict[str, list[Run]]
    half: list[Run]
    others: dict[str, list[Run]]

    def median(self, design: str, of: Callable[[Run], float] = lambda run: run.rate) -> float:
        """The median over the rounds."""
        return statistics.median(of(run) for run in self.rounds[design])

    @property
    def over_naive(self) -> float:
        """How many times the naive design's rate (median of the rounds' ratios)."""
        return _ratio(self.rounds["billhook"], self.rounds["naive"])

    @property
    def of_bare(self) -> float:
        """Which share of the bare route's rate."""
        return _ratio(self.rounds["billhook"], self.rounds["bare"])


def _ratio(ours: list[Run], theirs: list[Run]) -> float:
    return statistics.median(a.rate / b.rate for a, b in zip(ours, theirs, strict=True))


def measure(on: Stage, rounds: int, url: str | None = None) -> Results:
    """Warm up, compare round by round, then measure Billhook alone; on ``url``, else anew."""
    contest = Contest(on, url)
    results = Results(rounds=defaultdict(list), half=[], others=defaultdict(list))
    with contest.open():
        for design in COUNTS:
            contest.run(design, WARM_UP)
        contest.run("billhook", WARM_UP, provider="mixed")
        for _ in range(rounds):
            for design, count in COUNTS.items():
                results.rounds[design].append(said(contest.run(design, count)))
        half = results.median("billhook") / 2
        for _ in range(rounds):
            run = contest.run("billhook", int(half * 5), rate=half)
            results.half.append(said(run, "billhook, half load"))
            for kind, changes in OTHERS.items():
                results.others[kind].append(said(contest.run("billhook", **changes), kind))
    return results


OTHERS: Final[dict[str, dict[str, Any]]] = {
    "PayPal": {"count": 6_000, "provider": "paypal"},
    "both providers": {"count": 6_000, "provider": "mixed"},
    "one connection": {"count": 400, "connections": 1},
}


def said(run: Run, name: str = "") -> Run:
    """Print a run as it ends."""
    cpu = ", ".join(f"{process} {used:.0f}" for process, used in run.cpu.items())
    print(
        f"{name or run.design}: {run.rate:.0f}/s, p50 {run.p50:.1f} ms, p95 {run.p95:.1f} ms, "
        f"p99 {run.p99:.1f} ms; CPU µs: {cpu}; web {run.memory[0]:.0f} MB; "
        f"lost or double: {run.lost}; load {run.load:.1f}",
        flush=True,
    )
    return run


def main(rounds: int) -> None:
    """Measure, and say how it compares."""
    with stage() as on:
        results = measure(on, rounds)
    print(f"{results.over_naive:.1f} times the naive design, {results.of_bare:.0%} of the limit")
    p99 = statistics.median(run.p99 for run in results.half)
    print(f"p99 at half load: {p99:.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
