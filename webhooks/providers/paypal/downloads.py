"""Small public files over HTTP: bounded in size and time, no redirects, failures remembered.

A verifier fetches certificates on behalf of whoever sent a delivery, so nothing here may be made
to wait long, to read much, or to go anywhere but to the address it was given.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

import certifi
import urllib3

from webhooks import egress
from webhooks.providers.paypal.recent import Recent

LIMIT: Final = 64 * 1024
"""Bytes. A PayPal certificate has about 3 kB."""

SECONDS: Final = 5.0
"""From the lookup of the name to the last byte."""

KEEP_SECONDS: Final = 24 * 3600.0
"""How long a good file is kept; PayPal sends ``max-age=86400`` with its certificates."""

DOUBT_SECONDS: Final = 5.0
"""How long a failure is remembered, and a file of which nobody said yet that it is good."""

_STRIPES: Final = 8
_Parsed = TypeVar("_Parsed")


class Unavailable(Exception):
    """The file could not be had now; it may be there later. The message says why."""


class Downloads(Generic[_Parsed]):
    """Files of one kind, fetched when first asked for, parsed once, kept for a while.

    ``parse`` raises ValueError for anything else than such a file (an outage page in HTML, say).
    Safe to share between threads: one file is fetched by one thread, the others wait for it, and
    at most eight are fetched at once.
    """

    def __init__(
        self,
        parse: Callable[[bytes], _Parsed],
        *,
        limit: int = LIMIT,
        seconds: float = SECONDS,
        size: int = 64,
    ) -> None:
        self._parse = parse
        self._limit = limit
        self._seconds = seconds
        self._files: Recent[_Parsed] = Recent(size)
        self._failures: Recent[str] = Recent(256)
        self._locks = [threading.Lock() for _ in range(_STRIPES)]

    def here(self, url: str) -> bool:
        """Whether ``get`` would give the file without the network."""
        return self._files.get(url) is not None

    def failed(self, url: str) -> bool:
        """Whether the file failed a moment ago and is not asked for again yet."""
        return self._failures.get(url) is not None

    def get(self, url: str) -> _Parsed:
        """The file; raises ``Unavailable`` when it cannot be had or is not such a file."""
        found = self._files.get(url)
        if found is None:
            with self._turn(url):
                found = self._files.get(url) or self._fetch(url)
        return found

    def keep(self, url: str, file: _Parsed) -> None:
        """Say that a file was found to be good: it is not asked for again for a day."""
        self._files.put(url, file, KEEP_SECONDS)

    def _fetch(self, url: str) -> _Parsed:
        failure = self._failures.get(url)
        if failure is not None:
            raise Unavailable(failure)
        try:
            file = self._parse(download(url, limit=self._limit, seconds=self._seconds))
        except (Unavailable, ValueError) as error:
            self._failures.put(url, str(error), DOUBT_SECONDS)
            raise Unavailable(str(error)) from error
        self._files.put(url, file, DOUBT_SECONDS)
        return file

    @contextmanager
    def _turn(self, url: str) -> Iterator[None]:
        lock = self._locks[hash(url) % _STRIPES]
        if not lock.acquire(timeout=self._seconds):
            raise Unavailable("other downloads take too long")
        try:
            yield
        finally:
            lock.release()


def download(url: str, *, limit: int = LIMIT, seconds: float = SECONDS) -> bytes:
    """Fetch ``url``; raises ``Unavailable`` for anything but a 200 with at most ``limit`` bytes
    within ``seconds``.

    The call runs in a thread that is left behind when the time is over: neither the lookup of a
    name nor headers that trickle in can be interrupted in any other way.
    """
    result: Future[bytes] = Future()
    threading.Thread(
        target=_download_into, args=(result, url, limit, seconds), name="download", daemon=True
    ).start()
    try:
        return result.result(timeout=seconds)
    except TimeoutError:
        raise Unavailable(f"{url} was not answered within {seconds:g} s") from None


def _download_into(result: Future[bytes], url: str, limit: int, seconds: float) -> None:
    try:
        result.set_result(_request(url, limit, time.monotonic() + seconds))
    except (Unavailable, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        reason = str(error) if isinstance(error, Unavailable) else type(error).__name__
        result.set_exception(Unavailable(f"{url} cannot be fetched: {reason}"))


def _request(url: str, limit: int, deadline: float) -> bytes:
    patience = urllib3.Timeout(deadline - time.monotonic())
    with egress.open_pool(url, num_pools=1, ca_certs=certifi.where(), timeout=patience) as pool:
        answer = pool.request(
            "GET",
            url,
            headers={"Accept-Encoding": "identity", "User-Agent": "Billhook"},
            preload_content=False,
            redirect=False,
            retries=False,
        )
        with answer:
            return _body(answer, limit, deadline)


def _body(answer: urllib3.BaseHTTPResponse, limit: int, deadline: float) -> bytes:
    if answer.status != 200:
        raise Unavailable(f"the answer was {answer.status}")
    body = b""
    while chunk := answer.read1(limit):
        body += chunk
        if len(body) > limit:
            raise Unavailable(f"the answer has more than {limit} bytes")
        if time.monotonic() > deadline:
            raise Unavailable("the answer took too long")
    return body
