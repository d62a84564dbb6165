"""Bounds on what a stranger can make us do: body size, and a rate for what cannot be verified.

Traffic that proves authentic is never limited.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine, Generator
from ipaddress import IPv6Address
from time import monotonic
from typing import Any, Final

from domain.errors import StoreUnavailable

BODY_BYTES: Final = 1024 * 1024
ARRIVING_BYTES: Final = 64 * 1024 * 1024
"""Admission limit: what bodies that are not complete yet may hold together."""
BODY_PATIENCE_S: Final = 15.0
"""How long a body may take to arrive: a provider sends it at once."""
LONGEST_NUMBER: Final = 15
"""Digits of a Content-Length that are worth converting."""
KEPT_HEADERS: Final = 64
KEPT_HEADER_BYTES: Final = 4096
"""Of one header's value: the longest that a provider sends has some 500."""
CALL_BYTES: Final = 4096
"""What a call that waits holds in memory besides its body."""
QUARANTINE_BYTES_PER_S: Final = 64 * 1024
QUARANTINE_BYTES: Final = 64 * 1024 * 1024
"""What may enter the quarantine steadily, and at once, from all sources together: it is written to
the database, and nobody knows yet whether it is worth it. A provider whose delivery finds no place
sends it again."""
UNVERIFIABLE_PER_MINUTE: Final = 60
BURST: Final = 60
SOURCES: Final = 10_000
"""How many sources are remembered; the longest unseen is forgotten first."""


class TooLarge(Exception):
    """The body is larger than is accepted."""


class ClientGone(Exception):
    """The caller hung up before the body was complete."""


class TooSlow(Exception):
    """The body did not arrive in time."""


async def read_body(receive: Any, declared: str | None, limit: int = BODY_BYTES) -> bytes:
    """Read a request body of at most ``limit`` bytes, whatever its Content-Length claims.

    Raises ``TooLarge``, ``TooSlow`` or ``ClientGone``, and ``StoreUnavailable`` when too much of
    other bodies has arrived already and waits for its rest.
    """
    if declared is not None and _number(declared) > limit:
        raise TooLarge
    first = _Begun(receive())
    # A body that came with its headers needs no watch over the time.
    if first.is_done and not first.message.get("more_body"):
        return _whole(first.message, limit)
    try:
        async with asyncio.timeout(BODY_PATIENCE_S):
            return await _read_on(receive, await first, limit)
    except TimeoutError as error:
        raise TooSlow from error


class _Begun:
    """The first step of a server's ``receive``, which as a rule is its last one, too.

    Awaiting it goes on from there.
    """

    def __init__(self, call: Coroutine[Any, Any, Any]) -> None:
        self._call = call
        self.message: Any = None
        self.is_done = False
        try:
            self._waits_for = call.send(None)
        except StopIteration as end:
            self.message, self.is_done = end.value, True

    def __await__(self) -> Generator[Any, Any, Any]:
        if self.is_done:
            return self.message
        try:
            yield self._waits_for
            return (yield from self._call.__await__())
        finally:
            self._call.close()


def _whole(message: Any, limit: int) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientGone
    body = message.get("body", b"")
    if len(body) > limit:
        raise TooLarge
    return bytes(body)


def _number(declared: str) -> int:
    """What a Content-Length says; 0 for what is no number."""
    if not (declared.isascii() and declared.isdecimal()):
        return 0
    # Whatever has more digits than this is too large by any limit.
    return int(declared[:LONGEST_NUMBER])


async def _read_on(receive: Any, message: Any, limit: int) -> bytes:
    parts: list[bytes] = []
    try:
        await _collect(receive, message, limit, parts)
        return b"".join(parts)
    finally:
        for part in parts:
            ARRIVING.leave(part)


async def _collect(receive: Any, message: Any, limit: int, parts: list[bytes]) -> None:
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        if not ARRIVING.enter(part):
            raise StoreUnavailable("too many bodies are on their way")
        parts.append(part)
        size += len(part)
        if size > limit:
            raise TooLarge
        if not message.get("more_body"):
            return
        message = await receive()


class Room:
    """Bounds the memory that waiting calls hold together."""

    def __init__(self, size: int) -> None:
        self._left = size

    def enter(self, body: bytes) -> bool:
        """Take the place of a call with this body; False when there is none left."""
        needed = len(body) + CALL_BYTES
        if needed > self._left:
            return False
        self._left -= needed
        return True

    def leave(self, body: bytes) -> None:
        """Give the place back."""
        self._left += len(body) + CALL_BYTES


ARRIVING: Final = Room(ARRIVING_BYTES)
"""One process has one memory."""


class QuarantineRate:
    """A token bucket of bytes for everything that cannot be judged yet."""

    def __init__(
        self, per_second: float = QUARANTINE_BYTES_PER_S, burst: float = QUARANTINE_BYTES
    ) -> None:
        self._per_second, self._burst = per_second, burst
        self._left, self._at = burst, monotonic()

    def spend(self, body: bytes) -> bool:
        """Take the place of a call with this body; False when there is none."""
        now = monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        needed = len(body) + CALL_BYTES
        if needed > self._left:
            return False
        self._left -= needed
        return True


class UnverifiableRate:
    """A token bucket per source for requests that could not be verified.

    An IPv6 source is its /64 network: whoever has one address has all of them.
    """

    def __init__(self, per_minute: int = UNVERIFIABLE_PER_MINUTE, burst: int = BURST) -> None:
        self._per_second = per_minute / 60
        self._burst = float(burst)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def exhausted(self, source: str) -> bool:
        """Whether the source has no try left."""
        return self._tokens(_network(source)) < 1

    def spend(self, source: str) -> bool:
        """Take one try; False when none was left."""
        source = _network(source)
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


def _network(source: str) -> str:
    if ":" not in source:
        return source
    try:
        return IPv6Address(source.partition("%")[0]).packed[:8].hex()
    except ValueError:
        return source
