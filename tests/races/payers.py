"""Worker processes that settle payments until they are killed, and are replaced when they are."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Sequence
from ctypes import c_bool
from datetime import datetime
from multiprocessing.process import BaseProcess
from typing import Any, Final

from domain import clock
from domain.database import Database
from tests import lives
from workers.process_events import process_batch

_CONTEXT: Final = multiprocessing.get_context("forkserver")
"""Forked from a server that has imported everything: a replacement works within milliseconds."""
MOST_AT_ONCE: Final = 4
IDLE_S: Final = 0.01


def pay(url: str, moments: Sequence[datetime], seed: int, busy: Any) -> None:
    """Work batch after batch, each at one of the moments; ``busy`` tells when one is under way.

    Hosts whose clocks differ live at several moments at the same time.
    """
    runtime, dice = lives.runtime_on(Database(url, pool_size=1)), _dice(seed)
    while True:
        clock.travel(dice.choice(moments))
        busy.value = True
        tally = process_batch(runtime, limit=dice.randint(1, MOST_AT_ONCE))
        busy.value = False
        if not tally.worked:
            time.sleep(IDLE_S)


class Crew:
    """So many workers at any time, whoever of them is killed."""

    def __init__(self, url: str, moments: Sequence[datetime], size: int, seed: int) -> None:
        self._order = url, moments
        self._dice = _dice(seed)
        # pytest as well: a child imports what the parent was started as.
        _CONTEXT.set_forkserver_preload([__name__, "pytest"])
        self._members = [self._hired() for _ in range(size)]
        self.killed = 0
        self.killed_at_work = 0

    def replace_one(self) -> None:
        """Kill one of them, as a crash would, wherever it is; another takes its place."""
        place = self._dice.randrange(len(self._members))
        process, busy = self._members[place]
        self.killed_at_work += busy.value
        self.killed += 1
        _kill(process)
        self._members[place] = self._hired()

    def wait(self, most: float) -> None:
        """Let them work for a random while of up to ``most`` seconds."""
        time.sleep(self._dice.uniform(0, most))

    def dismiss(self) -> None:
        """Kill them all."""
        for process, _ in self._members:
            _kill(process)

    def _hired(self) -> tuple[BaseProcess, Any]:
        busy = multiprocessing.RawValue(c_bool, False)
        url, moments = self._order
        process = _CONTEXT.Process(
            target=pay, args=(url, moments, self._dice.getrandbits(32), busy), daemon=True
        )
        process.start()
        return process, busy


def _kill(process: BaseProcess) -> None:
    if process.pid is not None and process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
    process.join()


def _dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - luck, not a secret
