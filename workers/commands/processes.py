"""``up``, ``web``, ``worker``, ``clock``: the long-running commands."""

from __future__ import annotations

import argparse
from typing import Any

from domain import settings as environment


def add_to(commands: Any) -> None:
    """Add the parsers."""
    up = commands.add_parser("up", help="everything in one process, with a sandbox and a story")
    up.add_argument("--no-story", action="store_true", help="do not play the story")
    up.add_argument("--sandbox-port", type=int, default=8001, metavar="PORT")
    up.set_defaults(run=_up)
    for name, text in (
        ("web", "serve webhooks, API and console"),
        ("worker", "work events and perform effects"),
        ("clock", "do what is due; a second one is a standby"),
    ):
        commands.add_parser(name, help=text).set_defaults(run=_process(name))


def _up(chosen: argparse.Namespace) -> int:
    from workers.commands.up import run

    return run(environment.read(), story=not chosen.no_story, sandbox_port=chosen.sandbox_port)


def _process(name: str) -> Any:
    def run(_chosen: argparse.Namespace) -> int:
        from workers import processes

        getattr(processes, f"run_{name}")(environment.read())
        return 0

    return run
