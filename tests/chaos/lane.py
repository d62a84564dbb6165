"""A lane: a process with hosts, servers and a network of its own, where one run follows another.

Most of a run is waiting, so several lanes run side by side. Started as
``python -m tests.chaos.lane``; orders and answers are lines of JSON. The first answer says what
the machine allows; ``{"undisturbed": [life, …]}`` gives what each life comes to,
``{"expected": …}`` makes it known to a lane, ``{"seed": n, "accounts": n, "faults": n}`` gives
what a seed came to. ``keep`` names a directory for the traces of a run that failed.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from domain.database import Base
from tests.chaos import verdict
from tests.chaos.lives import LIVES, Life
from tests.chaos.outside import Outside
from tests.chaos.run import Run
from tests.chaos.site import Site
from tests.chaos.verdict import Ledgers
from tests.servers.databases import libpq_url
from webhooks.sandbox.authority import Authority


def main() -> None:
    """Serve orders until standard input ends."""
    authority = Authority.make()
    with Site() as site:
        _answer(_conditions(site))
        expected: Ledgers = {}
        for line in sys.stdin:
            order = json.loads(line)
            if "expected" in order:
                expected = order["expected"]
                _answer(None)
            elif "undisturbed" in order:
                _answer(_undisturbed(site, authority, order))
            else:
                _answer(_disturbed(site, authority, order, expected))


def population(seed: int, accounts: int) -> list[Life]:
    """Every life at least once when there is room, then some again."""
    dice = random.Random(seed)  # noqa: S311 - to be repeated
    lives = [*LIVES] * (accounts // len(LIVES))
    return lives + dice.sample(LIVES, accounts - len(lives))


def _answer(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _conditions(site: Site) -> str:
    hosts = "network namespaces" if site.machine.apart else "one loopback address (LEFT OUT: "
    hosts += "" if site.machine.apart else "hosts whose network goes silent; needs root on Linux)"
    disk = "a small disk to fill" if site.disk else "LEFT OUT: the full disk (needs root on Linux)"
    return f"{site.postgres.installation}, {site.valkey.installation}; two hosts in {hosts}; {disk}"


def _undisturbed(site: Site, authority: Authority, order: dict[str, Any]) -> dict[str, Any]:
    """What every life comes to when nothing happens, and what is wrong even so."""
    lives = [life for life in LIVES if life.name in order["undisturbed"]]
    with Outside(site.machine.centre, 0, authority) as outside:
        run = Run(site, outside, "undisturbed", lives, faults=0)
        try:
            run.play()
            expected = verdict.ledgers(run) if not run.failures else {}
            wrong = [*verdict.violations(run, expected), *verdict.unpaid(expected)]
            _keep(run, wrong, order)
        finally:
            run.close()
    return {"expected": expected, "wrong": wrong}


def _disturbed(
    site: Site, authority: Authority, order: dict[str, Any], expected: Ledgers
) -> dict[str, Any]:
    seed, began = order["seed"], time.monotonic()
    with Outside(site.machine.centre, seed, authority) as outside:
        lives = population(seed, order["accounts"])
        run = Run(site, outside, f"seed_{seed}", lives, order["faults"])
        try:
            run.play()
            wrong = verdict.violations(run, expected)
            told = {
                "seed": seed,
                "wrong": wrong,
                "took": time.monotonic() - began,
                "seen": verdict.figures(run),
                "answers": verdict.answers(run),
                "struck": run.struck,
                "log": run.log,
            }
            _keep(run, wrong, order)
        finally:
            run.close()
    return told


def _keep(run: Run, wrong: Sequence[str], order: dict[str, Any]) -> None:
    """Keep the logs of a run that failed, PostgreSQL's since the lane began, and every table."""
    if not wrong or order.get("keep") is None:
        return
    target = Path(order["keep"]) / run.name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(run.site.run_directory, target, ignore=shutil.ignore_patterns("var"))
    shutil.copy(run.site.postgres.directory / "log", target / "postgres.log")
    (target / "wrong").write_text("\n".join([*wrong, *run.log]) + "\n")
    with psycopg.connect(libpq_url(run.site.postgres.url(run.name))) as connection:
        for name in Base.metadata.tables:
            wish = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT (FORMAT csv, HEADER)").format(
                sql.Identifier(name)
            )
            with (
                connection.cursor().copy(wish) as rows,
                (target / f"{name}.csv").open("wb") as file,
            ):
                for row in rows:
                    file.write(row)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
