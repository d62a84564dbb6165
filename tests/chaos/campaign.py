"""``python -m tests.chaos``: seed after seed of faults, until one ends as it must not.

First an undisturbed run of every life tells what each comes to. Every seed then is a run of its
own with a database of its own; a seed that failed is replayed with ``--seed``. ``--jobs`` lanes
run seeds side by side.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.chaos.lane import population
from tests.chaos.machinery import Assistant

ACCOUNTS: Final = 22
FAULTS: Final = 2
FIRST_SEED: Final = 1
FAREWELL_S: Final = 30.0
"""How long a lane may take to stop its servers and to clear up."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign; 0 when every seed ended as it must, 1 otherwise."""
    chosen = _parser().parse_args(arguments)
    with Campaign(chosen) as campaign:
        campaign.learn()
        return campaign.run()


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    top.add_argument("--seeds", type=int, default=10, help="how many seeds (default: 10)")
    top.add_argument("--first", type=int, default=FIRST_SEED, help="the first of them")
    top.add_argument("--seed", type=int, help="replay this seed alone")
    top.add_argument("--jobs", type=int, default=1, help="how many seeds side by side")
    top.add_argument("--minutes", type=float, help="begin no seed after so many minutes")
    top.add_argument("--accounts", type=int, default=ACCOUNTS, help="accounts in each seed")
    top.add_argument("--faults", type=int, default=FAULTS, help="faults in each of five parts")
    top.add_argument("--keep", type=Path, help="where the traces of a failed seed are kept")
    top.add_argument("--go-on", action="store_true", help="do not stop at a failed seed")
    top.add_argument("--verbose", action="store_true", help="say which faults struck")
    return top


class Campaign:
    """Its lanes, the seeds that are left, and what was seen so far."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self._chosen = chosen
        numbers = _numbers(chosen)
        self._left = iter(numbers)
        self._names = {life.name for n in numbers for life in population(n, chosen.accounts)}
        self._over = False
        self._lock = threading.Lock()
        jobs = min(max(1, chosen.jobs), len(numbers))
        self._lanes = [Assistant("tests.chaos.lane", environ=os.environ) for _ in range(jobs)]
        self.clean = 0
        self.failed: list[int] = []
        self.struck: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for lane in self._lanes:
            if kind is not None:
                lane.interrupt()
            lane.close(FAREWELL_S)

    def learn(self) -> None:
        """Have the first lane find out what every life comes to when nothing happens, and tell the
        others. Raises ``SystemExit`` when even that goes wrong."""
        conditions = [lane.hear() for lane in self._lanes]
        _say(f"{conditions[0]}; {len(self._lanes)} at a time")
        began = time.monotonic()
        told = self._lanes[0].ask(undisturbed=sorted(self._names), keep=self._keep())
        if told["wrong"]:
            raise SystemExit("the undisturbed run went wrong:\n" + "\n".join(told["wrong"]))
        expected, took = told["expected"], time.monotonic() - began
        _say(f"undisturbed run: {len(expected)} lives in {took:.1f} s")
        for lane in self._lanes:
            lane.ask(expected=expected)

    def run(self) -> int:
        """Run every seed; gives the exit status."""
        self._began = time.monotonic()
        with ThreadPoolExecutor(len(self._lanes)) as threads:
            for each in [threads.submit(self._serve, lane) for lane in self._lanes]:
                each.result()
        took, ran = time.monotonic() - self._began, self.clean + len(self.failed)
        faults = ", ".join(f"{name} {number}" for name, number in sorted(self.struck.items()))
        seen = " ".join(f"{name}={number}" for name, number in self.seen.items())
        _say(f"{self.clean} seeds clean, {len(self.failed)} failed {sorted(self.failed) or ''}")
        _say(f"{took / 60:.1f} minutes, {took / max(1, ran):.1f} s a seed; {seen}")
        _say(f"{self.struck.total()} faults: {faults}")
        return 1 if self.failed else 0

    def _serve(self, lane: Assistant) -> None:
        wish = {"accounts": self._chosen.accounts, "faults": self._chosen.faults}
        try:
            while (seed := self._next()) is not None:
                self._note(lane.ask(seed=seed, keep=self._keep(), **wish))
        finally:
            # A lane that broke down ends the campaign.
            self._over = self._over or seed is not None

    def _next(self) -> int | None:
        with self._lock:
            minutes = (time.monotonic() - self._began) / 60
            late = self._chosen.minutes is not None and minutes > self._chosen.minutes
            return None if late or self._over else next(self._left, None)

    def _note(self, told: dict[str, Any]) -> None:
        with self._lock:
            wrong, seed = told["wrong"], told["seed"]
            self.clean += not wrong
            self.failed += [seed] if wrong else []
            self._over = self._over or (bool(wrong) and not self._chosen.go_on)
            self.struck.update(told["struck"])
            self.seen.update(told["seen"])
            seen = " ".join(f"{name}={number}" for name, number in told["seen"].items())
            state = "FAILED" if wrong else "clean"
            _say(f"seed {seed}: {state} {told['took']:.1f}s {seen} {told['answers']}")
            if wrong or self._chosen.verbose:
                _say("  faults: " + ", ".join(told["log"]))
            for line in wrong:
                _say(f"  {line}")
            if wrong:
                other = f"--accounts {self._chosen.accounts} --faults {self._chosen.faults}"
                _say(f"  replay: make chaos ARGS='--seed {seed} {other}'")

    def _keep(self) -> str | None:
        return None if self._chosen.keep is None else str(self._chosen.keep.absolute())


def _numbers(chosen: argparse.Namespace) -> range:
    if chosen.seed is not None:
        return range(chosen.seed, chosen.seed + 1)
    return range(chosen.first, chosen.first + chosen.seeds)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
