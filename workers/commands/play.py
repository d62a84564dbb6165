"""``play STORY``: tell a story on the terminal as it happens, with the moving clock."""

from __future__ import annotations

import argparse
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console

from domain import clock
from domain import settings as environment
from domain.settings import Settings
from workers.commands.tables import show

if TYPE_CHECKING:
    from workers.stories.library import Story


def add_to(commands: Any) -> None:
    """Add the parser."""
    play = commands.add_parser("play", help="tell a story; without a name: list them")
    play.add_argument("story", nargs="?", type=_known, metavar="STORY")
    play.add_argument("--keep", metavar="DIRECTORY", type=Path, help="keep the data there")
    play.add_argument("--json", action="store_true")
    play.set_defaults(run=_run)


def _known(name: str) -> str:
    """A story's name, or ``all``."""
    names = [*_stories(), "all"]
    if name not in names:
        raise argparse.ArgumentTypeError(f"there is no story {name!r}; choose {', '.join(names)}")
    return name


def _stories() -> dict[str, Story]:
    """The library, with the sandbox and the web application that it needs: only for who plays."""
    from workers.stories.library import STORIES

    return STORIES


def _run(chosen: argparse.Namespace) -> int:
    stories = _stories()
    if chosen.story is None:
        rows = [{"story": n, "about": _first_line(s)} for n, s in stories.items()]
        show(rows, ("story", "about"), chosen.json)
        return 0
    with tempfile.TemporaryDirectory(prefix="billhook-") as scratch:
        _play(list(stories) if chosen.story == "all" else [chosen.story], chosen.keep or scratch)
    return 0


def _play(names: list[str], directory: str | Path) -> None:
    from workers.embedded import Embedded
    from workers.stories.stage import Stage

    billhook = Embedded(scratch_settings(Path(directory)), sandbox_port=0).start()
    clock.travel(clock.now())
    console = Console()
    try:
        stage = Stage(billhook, lambda at, line: narrate(console, at, line))
        for name in names:
            console.rule(f"[bold]{name}")
            _stories()[name](stage)
    finally:
        billhook.stop()
        clock.reset()


def scratch_settings(directory: Path) -> Settings:
    """Settings for a Billhook of its own: nothing of the environment's services is touched."""
    given = environment.read()
    return msgspec.structs.replace(
        given,
        database_url=f"sqlite:///{directory / 'billhook.db'}",
        redis_url=None,
        port=0,
        state_dir=directory,
        sandbox=None,
        log_level="warning",
        environ={},
    )


def narrate(console: Console, at: datetime, line: str) -> None:
    """One line of a story, with the instant of the moving clock."""
    console.print(f"[dim]{at:%Y-%m-%d %H:%M:%S}[/dim]  {line}", highlight=False)


def _first_line(story: Any) -> str:
    return str(story.__doc__ or "").partition("\n")[0]
