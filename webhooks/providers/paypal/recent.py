"""A bounded memory in which everything expires; safe to share between threads."""

from __future__ import annotations

import threading
import time
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class Recent(Generic[_Value]):
    """Remembers at most ``size`` values, each for some seconds of the machine's own clock.

    Business time is not used: it can stand still or jump in a demo, and a stale certificate or a
    failing server is a matter of real seconds.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: dict[str, tuple[float, _Value]] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> _Value | None:
        """The value, or None when it is unknown or expired."""
        until, value = self._entries.get(key, (0.0, None))
        return value if time.monotonic() < until else None

    def put(self, key: str, value: _Value, seconds: float) -> None:
        """Remember a value; when there are too many, the one put first is forgotten."""
        with self._lock:
            self._entries.pop(key, None)
            if len(self._entries) >= self._size:
                self._entries.pop(next(iter(self._entries)))
            self._entries[key] = (time.monotonic() + seconds, value)
