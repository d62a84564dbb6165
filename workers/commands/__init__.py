"""The commands of ``billhook``, one module per subject; only the one that is named is loaded."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final, Protocol, cast


class Command(Protocol):
    """A module that adds its commands to the parser."""

    def add_to(self, commands: Any) -> None:
        """Add parsers; each sets ``run``: a function of the parsed arguments to a status."""


COMMANDS: Final[dict[str, str]] = {
    "up": "processes",
    "web": "processes",
    "worker": "processes",
    "clock": "processes",
    "sandbox": "sandbox",
    "migrate": "migrate",
    "doctor": "doctor",
    "play": "play",
    "events": "events",
    "effects": "effects",
    "replay": "replay",
    "reconcile": "reconcile",
    "audit": "audit",
    "retention": "retention",
    "erase": "erase",
    "keys": "keys",
    "token": "tokens",
    "operator": "operators",
    "openapi": "openapi",
}
"""Which module has which command, in the order of the help."""


def loaded(name: str | None = None) -> list[Command]:
    """The module of one command; without its name, or with one that there is not, all of them."""
    modules = [COMMANDS[name]] if name in COMMANDS else dict.fromkeys(COMMANDS.values())
    return [cast("Command", import_module(f"{__name__}.{module}")) for module in modules]
