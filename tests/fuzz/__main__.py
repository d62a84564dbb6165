"""``python -m tests.fuzz``: a campaign of some minutes; prints seeds, counts and findings."""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from tests.fuzz.target import Finding, Target, check, signed_case, target_in, unsigned_case
from tests.servers.postgres import PostgresServer

ROUND: Final = 250
"""Cases between two looks at what became of them."""
CASES: Final = (signed_case, unsigned_case)


def main() -> int:
    """Fuzz until the time is over or something is found; 0 when nothing was."""
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None, help="only this round, once")
    parser.add_argument("--first", type=int, default=1, help="the seed of the first round")
    parser.add_argument("--sqlite", action="store_true", help="on SQLite instead of PostgreSQL")
    chosen = parser.parse_args()
    console = Console()
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="billhook-fuzz-"))
        store = None if chosen.sqlite else _new_store(stack)
        console.print("Telling stories, to have something to spoil …")
        target = stack.enter_context(target_in(Path(directory), database_url=store))
        return _reported(target, chosen, console)


def _new_store(stack: ExitStack) -> str:
    """The URL of an empty database on a PostgreSQL of its own, which differs from SQLite in what
    it refuses: a NUL, half a character, an index entry of several pages."""
    return stack.enter_context(PostgresServer()).create_database("fuzzed")


def _reported(target: Target, chosen: argparse.Namespace, console: Console) -> int:
    try:
        rounds = _campaign(target, chosen, console)
    except Finding as finding:
        console.print(Text("FOUND ", "bold red"), Text(str(finding)))
        return 1
    console.print(f"{rounds} rounds of {ROUND} cases, nothing found: {_counted(target)}")
    return 0


def _campaign(target: Target, chosen: argparse.Namespace, console: Console) -> int:
    if chosen.seed is not None:
        run_round(target, chosen.seed)
        return 1
    end, rounds = time.monotonic() + chosen.minutes * 60, 0
    columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=chosen.minutes * 60)
        while time.monotonic() < end:
            run_round(target, chosen.first + rounds)
            rounds += 1
            left = max(0.0, end - time.monotonic())
            progress.update(
                task,
                completed=chosen.minutes * 60 - left,
                description=f"{rounds * ROUND} cases, last seed {chosen.first + rounds - 1}",
            )
    return rounds


def run_round(target: Target, seed: int, cases: int = ROUND) -> None:
    """The cases that follow from a seed, then the look. Raises ``Finding`` with the seed."""
    random = Random(seed)  # noqa: S311 - must repeat with the seed
    try:
        for _ in range(cases):
            random.choice(CASES)(target, random)
        check(target)
    except Finding as finding:
        raise Finding(f"seed {seed}: {finding}") from finding


def _counted(target: Target) -> str:
    counts = sorted({**target.answers, **target.states()}.items())
    return ", ".join(f"{what} × {count}" for what, count in counts)


if __name__ == "__main__":
    raise SystemExit(main())
