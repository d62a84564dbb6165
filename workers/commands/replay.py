"""``replay``: have events worked on again, chosen by filters, with a progress bar to its end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from time import sleep
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from domain import replay_filters, replays
from domain.database import Database
from domain.replay_filters import Preview
from domain.replays import AT_WORK, CANARY, MAX_ERRORS, RATE, Plan, Replay
from workers.commands.filters import add_filters, chosen_filter, decider
from workers.commands.store import opened
from workers.commands.tables import show

POLL_S: Final = 0.5
COLUMNS: Final = ("id", "type", "status", "account", "note")
FIELDS: Final = ("id", "state", "note", "total", "waiting", "passed", "failed", "skipped")
Row = dict[str, Any]


def add_to(commands: Any) -> None:
    """Add the parser."""
    command = commands.add_parser("replay", help="have events worked on again")
    add_filters(command)
    command.add_argument("--reason", default="", help="why; kept in the audit log")
    command.add_argument(
        "--effects", action="store_true", help="effects that failed instead; --type is their kind"
    )
    command.add_argument("--dry-run", action="store_true", help="only count, and show some")
    command.add_argument("--canary", type=int, default=CANARY, metavar="N", help="go first, alone")
    command.add_argument(
        "--max-errors",
        type=percent,
        default=MAX_ERRORS,
        metavar="PERCENT",
        help=f"of failures above which it stops itself (default: {MAX_ERRORS}%%)",
    )
    command.add_argument("--rate", type=int, default=RATE, metavar="N", help="begun a second")
    command.add_argument("--no-wait", action="store_true", help="do not wait for the end")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=_run)


def percent(text: str) -> int:
    """``10`` or ``10%``. Raises ``ArgumentTypeError`` for what is no percentage."""
    number = text.strip().removesuffix("%")
    if not number.isdigit() or int(number) > 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage from 0 to 100")
    return int(number)


def _run(chosen: argparse.Namespace) -> int:
    plan = Plan(
        filter=chosen_filter(chosen),
        of="effects" if chosen.effects else "events",
        canary=max(0, chosen.canary),
        max_errors=chosen.max_errors,
        rate=max(1, chosen.rate),
    )
    with opened() as store:
        if chosen.dry_run:
            return _preview(store, plan, as_json=chosen.json)
        with store.transaction() as session:
            replay = replays.create(session, plan, decider(chosen.reason))
        if not chosen.no_wait:
            replay = follow(store, replay.id)
    _print(replay, as_json=chosen.json)
    return 1 if replay.state in replays.STOPPED else 0


def follow(store: Database, replay_id: int, pause: Callable[[float], None] = sleep) -> Replay:
    """Show the progress on the terminal until the replay is at its end; interrupted, the replay
    goes on by itself."""
    with _bar() as bar:
        task = bar.add_task("waiting for the clock", total=None)
        while True:
            with store.transaction() as session:
                replay = replays.find(session, replay_id)
            told = f"{replay.state}: {replay.passed} passed, {replay.failed} failed"
            bar.update(task, description=told, total=replay.total, completed=replay.settled)
            if replay.state not in AT_WORK and replay.under_way == 0:
                return replay
            pause(POLL_S)


def _bar() -> Progress:
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _preview(store: Database, plan: Plan, *, as_json: bool) -> int:
    with store.transaction() as session:
        found = replay_filters.preview(session, plan.filter, plan.of)
    if as_json:
        _write(msgspec.to_builtins(found))
        return 0
    print(_counted(found))
    if found.sample:
        show([msgspec.structs.asdict(one) for one in found.sample], COLUMNS, False)
    return 0


def _counted(found: Preview) -> str:
    parts = [f"{count} {name}" for name, count in sorted(found.by_status.items())]
    more = "more than " if found.more else ""
    return f"{more}{found.count} found" + (f": {', '.join(parts)}" if parts else "")


def _print(replay: Replay, *, as_json: bool) -> None:
    if as_json:
        _write({name: getattr(replay, name) for name in FIELDS})
        return
    counts = f"{replay.passed} passed, {replay.failed} failed, {replay.skipped} skipped"
    print(f"replay {replay.id} is {replay.state}: {counts}, {replay.waiting} not begun")
    if replay.note:
        print(replay.note)


def _write(document: Row) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")
