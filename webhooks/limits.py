"""Bounds on what a stranger can make us do: body size, and a rate for what cannot be verified.

Traffic that proves authentic is never limited.
"""

from __future__ import annotations

from collections import OrderedDict
from time import monotonic
from typing import Any, Final

BODY_BYTES: Final = 1024 * 1024
UNVERIFIABLE_PER_MINUTE: Final = 60
BURST: Final = 60
SOURCES: Final = 10_000
"""How many sources are remembered; the longest unseen is forgotten first."""


class TooLarge(Exception):
    """The body is larger than is accepted."""


class ClientGone(Exception):
    """The caller hung up before the body was complete."""


async def read_body(receive: Any, declared: str | None, limit: int = BODY_BYTES) -> bytes:
    """Read a request body of at most ``limit`` bytes, whatever its Content-Length claims.

    Raises ``TooLarge`` or ``ClientGone``.
    """
    if declared is not None and declared.isdecimal() and int(declared) > limit:
        raise TooLarge
    message = await receive()
    body = message.get("body", b"")
    if not message.get("more_body") and message["type"] == "http.request" and len(body) <= limit:
        return bytes(body)
    return await _read_on(receive, message, limit)


async def _read_on(receive: Any, message: Any, limit: int) -> bytes:
    parts, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if size > limit:
            raise TooLarge
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


class UnverifiableRate:
    """A token bucket per source for requests that could not be verified."""

    def __init__(self, per_minute: int = UNVERIFIABLE_PER_MINUTE, burst: int = BURST) -> None:
        self._per_second = per_minute / 60
        self._burst = float(burst)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def exhausted(self, source: str) -> bool:
        """Whether the source has no try left."""
        return self._tokens(source) < 1

    def spend(self, source: str) -> bool:
        """Take one try; False when none was left."""
        tokens = self._tokens(source)
        left = tokens - 1 if tokens >= 1 else tokens
        self._buckets[source] = (left, monotonic())
        self._buckets.move_to_end(source)
        if len(self._buckets) > SOURCES:
            self._buckets.popitem(last=False)
        return tokens >= 1

    def _tokens(self, source: str) -> float:
        tokens, at = self._buckets.get(source, (self._burst, 0.0))
        return min(self._burst, tokens + (monotonic() - at) * self._per_second)
