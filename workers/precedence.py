"""Who goes first on a machine: web before the workers, since a provider waits for its answer."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

SESSION: Final = Path("/proc/self/autogroup")
"""Linux shares the cores out between sessions first; within one, ``nice`` counts. See "The
autogroup feature" in https://man7.org/linux/man-pages/man7/sched.7.html"""
GROUPING: Final = Path("/proc/sys/kernel/sched_autogroup_enabled")


def advice(grouping: Path = GROUPING) -> str:
    """What this host does about who goes first, and what would be better for web."""
    try:
        sessions_first = grouping.read_text().strip() == "1"
    except OSError:
        return "by priority"
    if not sessions_first:
        return "by priority (kernel.sched_autogroup_enabled is 0)"
    return (
        "by session: set kernel.sched_autogroup_enabled to 0 where web shares a host with workers "
        "or the database (docs/scaling.md)"
    )


def give_way(nice: int, session: Path = SESSION) -> None:
    """Lower the priority of this process by ``nice``; called before it starts threads, which
    inherit it. Where the process leads its session, the session's is lowered, too: otherwise a
    worker in a session of its own would give way to nobody."""
    if nice == 0:
        return
    os.nice(nice)
    if os.getsid(0) == os.getpid():
        _lower(session, nice)


def _lower(session: Path, nice: int) -> None:
    # Other systems have no such file, and the kernel takes one change in a tenth of a second.
    with suppress(OSError), session.open("r+") as file:
        file.write(str(nice))
