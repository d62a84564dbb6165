"""The commands of ``billhook``, one module per subject; ends with the list of all."""

from __future__ import annotations

from typing import Any, Protocol

from workers.commands import (
    audit,
    doctor,
    effects,
    erase,
    events,
    keys,
    migrate,
    openapi,
    operators,
    play,
    processes,
    reconcile,
    replay,
    retention,
    sandbox,
    tokens,
)


class Command(Protocol):
    """A module that adds its commands to the parser."""

    def add_to(self, commands: Any) -> None:
        """Add parsers; each sets ``run``: a function of the parsed arguments to a status."""


COMMANDS: tuple[Command, ...] = (
    processes,
    sandbox,
    migrate,
    doctor,
    play,
    events,
    effects,
    replay,
    reconcile,
    audit,
    retention,
    erase,
    keys,
    tokens,
    operators,
    openapi,
)
