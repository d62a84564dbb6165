"""``python -m tests.chaos``: seed after seed of faults, until one ends as it must not.

First an undisturbed run of every life tells what each comes to. Every seed then is a run of its
own with a database of its own; a seed that failed is replayed with ``--seed``.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.chaos import verdict
from tests.chaos.lives import LIVES, Life
from tests.chaos.outside import Outside
from tests.chaos.run import Run
from tests.chaos.site import Site
from tests.chaos.verdict import Ledgers
from webhooks.sandbox.authority import Authority

ACCOUNTS: Final = 22
FAULTS: Final = 2
FIRST_SEED: Final = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign; 0 when every seed ended as it must, 1 otherwise."""
    chosen = _parser().parse_args(arguments)
    authority = Authority.make()
    with Site() as site:
        _say(_conditions(site))
        expected = _undisturbed(site, authority, chosen)
        return _seeds(site, authority, chosen, expected)


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    top.add_argument("--seeds", type=int, default=10, help="how many seeds (default: 10)")
    top.add_argument("--first", type=int, default=FIRST_SEED, help="the first of them")
    top.add_argument("--seed", type=int, help="replay this seed alone")
    top.add_argument("--minutes", type=float, help="begin no seed after so many minutes")
    top.add_argument("--accounts", type=int, default=ACCOUNTS, help="accounts in each seed")
    top.add_argument("--faults", type=int, default=FAULTS, help="faults in each of five parts")
    top.add_argument("--keep", type=Path, help="where the logs of a failed seed are kept")
    top.add_argument("--go-on", action="store_true", help="do not stop at a failed seed")
    top.add_argument("--verbose", action="store_true", help="say which faults struck")
    return top


def _conditions(site: Site) -> str:
    hosts = "network namespaces" if site.machine.apart else "one loopback address (LEFT OUT: "
    hosts += "" if site.machine.apart else "hosts whose network goes silent; needs root on Linux)"
    disk = "a small disk to fill" if site.disk else "LEFT OUT: the full disk (needs root on Linux)"
    return f"{site.postgres.installation}, {site.valkey.installation}; two hosts in {hosts}; {disk}"


def _undisturbed(site: Site, authority: Authority, chosen: argparse.Namespace) -> Ledgers:
    """What every life comes to when nothing happens; raises when even that goes wrong."""
    began = time.monotonic()
    used = {life.name for seed in _numbers(chosen) for life in _population(seed, chosen.accounts)}
    lives = [life for life in LIVES if life.name in used]
    with Outside(site.machine.centre, 0, authority) as outside:
        run = Run(site, outside, "undisturbed", lives, faults=0)
        try:
            run.play()
            expected = verdict.ledgers(run) if not run.failures else {}
            wrong = verdict.violations(run, expected)
            _keep(run, wrong, chosen)
        finally:
            run.close()
    if wrong:
        raise SystemExit("the undisturbed run went wrong:\n" + "\n".join(wrong))
    took, lines = time.monotonic() - began, sum(map(len, expected.values()))
    _say(f"undisturbed run: {len(lives)} lives in {took:.1f} s, {lines} lines")
    return expected


def _seeds(site: Site, authority: Authority, chosen: argparse.Namespace, expected: Ledgers) -> int:
    began, clean, failed, struck = time.monotonic(), 0, [], Counter[str]()
    for seed in _numbers(chosen):
        if chosen.minutes is not None and time.monotonic() - began > chosen.minutes * 60:
            break
        wrong = _one(site, authority, seed, chosen, expected, struck)
        clean += not wrong
        failed += [seed] if wrong else []
        if wrong and not chosen.go_on:
            break
    faults = ", ".join(f"{name} {number}" for name, number in sorted(struck.items()))
    _say(f"{clean} seeds clean, {len(failed)} failed {failed or ''}; faults: {faults}")
    return 1 if failed else 0


def _numbers(chosen: argparse.Namespace) -> range:
    if chosen.seed is not None:
        return range(chosen.seed, chosen.seed + 1)
    return range(chosen.first, chosen.first + chosen.seeds)


def _one(
    site: Site,
    authority: Authority,
    seed: int,
    chosen: argparse.Namespace,
    expected: Ledgers,
    struck: Counter[str],
) -> list[str]:
    began = time.monotonic()
    with Outside(site.machine.centre, seed, authority) as outside:
        run = Run(site, outside, f"seed_{seed}", _population(seed, chosen.accounts), chosen.faults)
        try:
            run.play()
            wrong = verdict.violations(run, expected)
            struck.update(run.struck)
            took = time.monotonic() - began
            _say(
                f"seed {seed}: {'FAILED' if wrong else 'clean'} {took:.1f}s {verdict.figures(run)}"
            )
            if wrong or chosen.verbose:
                _say("  faults: " + ", ".join(run.log))
            for line in wrong:
                _say(f"  {line}")
            _keep(run, wrong, chosen)
        finally:
            run.close()
    if wrong:
        options = f"--seed {seed} --accounts {chosen.accounts} --faults {chosen.faults}"
        _say(f"  replay: make chaos ARGS='{options}'")
    return wrong


def _population(seed: int, accounts: int) -> list[Life]:
    """Every life at least once when there is room, then some again."""
    dice = random.Random(seed)  # noqa: S311 - to be repeated
    lives = [*LIVES] * (accounts // len(LIVES))
    return lives + dice.sample(LIVES, accounts - len(lives))


def _keep(run: Run, wrong: Sequence[str], chosen: argparse.Namespace) -> None:
    if wrong and chosen.keep is not None:
        target = chosen.keep / run.name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(run.site.run_directory, target, ignore=shutil.ignore_patterns("var"))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
