"""``reconcile``: look now for what no webhook told of, and compare money on demand."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from time import sleep
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from domain import clock, positions
from domain import settings as environment
from domain.errors import Permanent, Refused, Transient
from domain.positions import EVENTS, Position, Window
from domain.schema import require_schema
from webhooks.backfill import Entered
from webhooks.providers import Provider
from workers.commands import money
from workers.commands.instants import since
from workers.commands.tables import show
from workers.reconcile import Slice, walk
from workers.runtime import Runtime, build

COLUMNS: Final = ("provider", "since", "until", "listed", "known", "found", "foreign", "error")
MONEY: Final = ("compared", "differ")
FIRST: Final = timedelta(days=3)
"""How far back the first walk goes: for so long the providers try to deliver."""
PAUSES_S: Final = (1.0, 4.0, 15.0)
"""Before another try at a slice that the provider did not answer."""

Row = dict[str, Any]


def add_to(commands: Any) -> None:
    """Add the parser."""
    command = commands.add_parser("reconcile", help="look for what no webhook told of")
    command.add_argument(
        "--since",
        type=since,
        metavar="WHEN",
        help="2026-11-01, 2026-11-01T08:00, 7d or 12h; else from where the last walk ended",
    )
    command.add_argument("--provider", metavar="NAME", help="only this one")
    command.add_argument("--money", action="store_true", help="compare the money as well")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    with _runtime() as runtime, _progress(chosen.json) as seen:
        rows = [
            _reconciled(runtime, provider, chosen, seen)
            for provider in _chosen(runtime, chosen.provider)
        ]
    show(rows, (*COLUMNS, *MONEY) if chosen.money else COLUMNS, chosen.json)
    differences = [each for row in rows for each in row.get("differences", ())]
    if differences and not chosen.json:
        show(differences, money.COLUMNS, False)
    return 1 if differences or any(row["error"] for row in rows) else 0


def _reconciled(
    runtime: Runtime, provider: Provider, chosen: argparse.Namespace, seen: Seen
) -> Row:
    row = walked(runtime, provider, chosen.since, seen)
    if chosen.money and row["error"] is None:
        told = money.compared(runtime, provider, chosen.since, seen.compared)
        row |= told | {"differ": len(told["differences"])}
    return row


@contextmanager
def _runtime() -> Iterator[Runtime]:
    from workers.processes import require_keys, start_logging

    settings = environment.read()
    runtime = build(settings)
    # What is found is told here; the log would only repeat it.
    start_logging(msgspec.structs.replace(settings, log_level="error"), runtime)
    try:
        require_schema(runtime.database)
        require_keys(runtime.database)
        yield runtime
    finally:
        runtime.close()


def _chosen(runtime: Runtime, name: str | None) -> list[Provider]:
    """The providers to ask. Raises ``Refused``."""
    switched_on = ", ".join(provider.name for provider in runtime.providers)
    if not switched_on:
        raise Refused("no_provider", "No provider is switched on; `billhook doctor` says how.")
    if name is None:
        return list(runtime.providers)
    provider = runtime.providers.get(name)
    if provider is None:
        raise Refused(
            "provider_off", f"No provider {name!r} is switched on; there is {switched_on}."
        )
    return [provider]


def walked(runtime: Runtime, provider: Provider, since: datetime | None, seen: Seen) -> Row:
    """Walk a provider's list and say what was found; a failure is told in ``error``."""
    window = _window(runtime, provider.name, since)
    total, error = Entered(), None
    try:
        for part in _patiently(runtime, provider, window):
            total.add(part.entered)
            seen.walked(provider.name, window, part)
    except (Transient, Permanent) as failure:
        error = str(failure)
    return {
        "provider": provider.name,
        "since": window.since,
        "until": window.until,
        "listed": total.listed,
        "known": total.known,
        "found": total.entered,
        "foreign": total.foreign,
        "error": error,
    }


def _window(runtime: Runtime, provider: str, since: datetime | None) -> Window:
    now = clock.now()
    with runtime.database.transaction() as session:
        position = session.get(Position, {"provider": provider, "name": EVENTS})
    if since is not None:
        return Window(since, now - positions.LAG)
    return positions.window(position.reached if position else now - FIRST, now)


def _patiently(runtime: Runtime, provider: Provider, window: Window) -> Iterator[Slice]:
    """Walk, and try a slice again that the provider did not answer."""
    at, tries = window.since, 0
    while at < window.until:
        try:
            for part in walk(runtime, provider, at, window.until):
                at, tries = part.until, 0
                yield part
        except Transient:
            if tries == len(PAUSES_S):
                raise
            sleep(PAUSES_S[tries])
            tries += 1


class Seen:
    """Where nobody watches, or beside JSON: says nothing."""

    def walked(self, name: str, window: Window, part: Slice) -> None:
        """A slice of the list was walked."""

    def compared(self, name: str, count: int, differ: int) -> None:
        """So many objects were compared by now."""


class _Lines(Seen):
    """Where a file is written: a line for what was found."""

    def walked(self, name: str, window: Window, part: Slice) -> None:  # noqa: ARG002 - bars need it
        if part.entered.entered:
            span = f"{part.since:%Y-%m-%d %H:%M} to {part.until:%Y-%m-%d %H:%M}"
            print(f"{name}: {part.entered.entered} found from {span}")


class _Bars(Seen):
    """On a terminal: a bar per provider and task."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, Any] = {}
        self._found: dict[str, int] = {}

    def walked(self, name: str, window: Window, part: Slice) -> None:
        self._found[name] = self._found.get(name, 0) + part.entered.entered
        text = f"{name} until {part.until:%Y-%m-%d %H:%M}, {self._found[name]} found"
        task = self._task(name, (window.until - window.since).total_seconds())
        done = (part.until - window.since).total_seconds()
        self._progress.update(task, completed=done, description=text)

    def compared(self, name: str, count: int, differ: int) -> None:
        text = f"{name}: {count} objects compared, {differ} differ"
        self._progress.update(self._task(f"{name} money", None), description=text)

    def _task(self, name: str, total: float | None) -> Any:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total)
        return self._tasks[name]


@contextmanager
def _progress(as_json: bool) -> Iterator[Seen]:
    """A bar where somebody watches, lines where a file does, nothing beside JSON."""
    console = Console(stderr=True)
    if as_json:
        yield Seen()
    elif console.is_terminal:
        columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
        with Progress(*columns, console=console) as progress:
            yield _Bars(progress)
    else:
        yield _Lines()
