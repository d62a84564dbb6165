"""Faults on demand: what can go wrong between a provider and us, made to happen.

For deliveries: ``duplicate``, ``reorder``, ``delay`` (seconds), ``drop``, ``bad_signature``,
``gone_certificate`` (the one that is named cannot be had until the fault is taken back; PayPal
only). For calls to the provider's API: ``error`` (500), ``refuse`` (400), ``rate_limit`` (429),
``slow`` (seconds), ``timeout`` (the work is done, the answer never comes), ``timeout_before``
(nothing is done, no answer comes), ``decline`` (a charge is refused with ``code``).
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal

import msgspec

Kind = Literal[
    "duplicate",
    "reorder",
    "delay",
    "drop",
    "bad_signature",
    "gone_certificate",
    "error",
    "refuse",
    "rate_limit",
    "slow",
    "timeout",
    "timeout_before",
    "decline",
]


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One fault. Without ``count`` it happens until it is cleared.

    ``provider``, ``type`` (of an event), ``path`` and ``method`` (of a call) narrow it; patterns
    with ``*`` are allowed.
    """

    kind: Kind
    id: str = ""
    count: int | None = None
    probability: float = 1.0
    seconds: float = 0.0
    code: str = "generic_decline"
    provider: str | None = None
    type: str | None = None
    path: str | None = None
    method: str | None = None

    def concerns(self, about: dict[str, str]) -> bool:
        """Whether a happening with these particulars is meant."""
        wanted = {name: getattr(self, name) for name in ("provider", "type", "path", "method")}
        return all(
            fnmatchcase(about.get(name, ""), pattern)
            for name, pattern in wanted.items()
            if pattern is not None
        )


class Faults:
    """The faults that are waiting to happen. Thread-safe; the same seed gives the same luck."""

    def __init__(self, seed: int | None = None) -> None:
        self._lock = threading.Lock()
        self._faults: dict[str, Fault] = {}
        self._made = 0
        self._luck = random.Random(seed)  # luck, not a secret

    def add(self, wanted: dict[str, Any]) -> str:
        """Ask for a fault and return its id. Raises ``msgspec.ValidationError`` for an unknown
        kind or field."""
        fault = msgspec.convert(wanted, Fault)
        with self._lock:
            self._made += 1
            fault.id = f"fault_{self._made}"
            self._faults[fault.id] = fault
            return fault.id

    def clear(self, key: str | None = None) -> int:
        """Take one fault back, or all of them; returns how many there were."""
        with self._lock:
            gone = list(self._faults) if key is None else [key] if key in self._faults else []
            for each in gone:
                del self._faults[each]
            return len(gone)

    def list(self) -> Sequence[dict[str, Any]]:
        """The faults still waiting; ``count`` is what is left."""
        with self._lock:
            return [msgspec.to_builtins(fault) for fault in self._faults.values()]

    def take(self, kind: Kind, **about: str) -> Fault | None:
        """The fault of that kind that happens now, if any; it is used up by one.

        ``about`` names ``provider`` and what else is known: ``type``, ``path``, ``method``.
        """
        with self._lock:
            for fault in self._faults.values():
                if fault.kind == kind and fault.concerns(about) and self._happens(fault):
                    self._use(fault)
                    return fault
        return None

    def waits(self, kind: Kind) -> bool:
        """Whether a fault of that kind has yet to happen."""
        with self._lock:
            return any(fault.kind == kind for fault in self._faults.values())

    def _happens(self, fault: Fault) -> bool:
        return fault.probability >= 1.0 or self._luck.random() < fault.probability

    def _use(self, fault: Fault) -> None:
        if fault.count is None:
            return
        fault.count -= 1
        if fault.count <= 0:
            del self._faults[fault.id]
