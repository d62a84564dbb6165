"""The time of a campaign: one offset for everybody, and one for each host whose clock is wrong.

The offsets lie in a file that all processes map into memory, so that a step is felt by everybody
at once, as a step of a machine's clock is.
"""

from __future__ import annotations

import mmap
import struct
import time
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final

from domain import clock

SLOTS: Final = 16
_REAL_TIME: Final = time.time
_SECONDS: Final = struct.Struct("d")


class Hourglass:
    """Offsets in seconds by slot; slot 0 is everybody's."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(SLOTS * _SECONDS.size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._slot = 0

    def set(self, slot: int, seconds: float) -> None:
        """Set a slot's offset."""
        _SECONDS.pack_into(self._map, slot * _SECONDS.size, seconds)

    def get(self, slot: int) -> float:
        """A slot's offset."""
        return float(_SECONDS.unpack_from(self._map, slot * _SECONDS.size)[0])

    def live_in(self, slot: int) -> None:
        """From now on this process has the clock of the host with this slot."""
        self._slot = slot

    def time(self) -> float:
        """What ``time.time`` gives here."""
        own = self.get(self._slot) if self._slot else 0.0
        return _REAL_TIME() + self.get(0) + own

    def now(self, zone: tzinfo | None = None) -> datetime:
        """What ``datetime.now`` gives here."""
        return datetime.fromtimestamp(self.time(), zone)

    def turn(self) -> None:
        """Have this process live by this time; before the product is imported, where its
        libraries are to live by it, too."""
        time.time = self.time
        vars(clock)["datetime"] = self

    def travel(self, to: datetime) -> None:
        """Make it ``to`` for everybody."""
        self.set(0, to.timestamp() - _REAL_TIME())

    def advance(self, by: timedelta) -> None:
        """Let time pass for everybody."""
        self.set(0, self.get(0) + by.total_seconds())
