"""``retention``: what grows, when it will go and what holds it back; drops what is old enough."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Final

import msgspec
from rich.console import Console

from domain import retention_plan
from domain import settings as environment
from domain.retention import told as held_in_words
from domain.retention_plan import Line
from workers import retention
from workers.commands.filters import decider
from workers.commands.store import opened
from workers.commands.tables import show

COLUMNS: Final = ("store", "month", "rows", "size", "age", "goes", "held_by")
UNITS: Final = ("B", "kB", "MB", "GB", "TB")


def add_to(commands: Any) -> None:
    """Add the parser."""
    command = commands.add_parser("retention", help="show what grows, and drop what is old enough")
    command.add_argument("--dry-run", action="store_true", help="only show")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    keeping, done = environment.read().keeping, True
    with opened() as store:
        if not chosen.dry_run:
            progress = Console(stderr=True)
            retention.make_partitions(store)
            done = retention.drop_old(store, keeping, decider(""), tell=progress.print)
        with store.transaction() as session:
            lines = retention_plan.plan(session, keeping)
    if chosen.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(lines)).decode() + "\n")
    else:
        show([_row(line) for line in lines], COLUMNS, False)
    return 0 if done else 1


def _row(line: Line) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(line),
        "size": None if line.size is None else _size(line.size),
        "age": None if line.age is None else f"{line.age} days",
        "goes": line.goes or "never",
        "held_by": held_in_words(line.held_by) or None,
    }


def _size(size: float) -> str:
    for unit in UNITS:
        if size < 1000 or unit == UNITS[-1]:
            return f"{size:.0f} {unit}"
        size /= 1000
    raise AssertionError
