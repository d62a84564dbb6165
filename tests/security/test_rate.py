"""Whoever cannot prove who he is may shout as he likes: who can is heard, all the same."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from statistics import median

import pytest

from tests.processes import Installation
from tests.security.site import Delivery, serving, signed
from tests.webhooks.edge import stripe_event
from webhooks.limits import BURST

SIGNED = 120
AT_ONCE = 4
SHOUTING = 3
FACTOR = 10
"""The middle delivery takes at most so many times as long while somebody shouts: each call of his
takes its share of the one core that serves both."""
GRACE_S = 0.25
"""What a machine with other work may add to any of it."""
GROWTH_KB = 48 * 1024


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Installation]:
    """A web process that serves."""
    with serving(tmp_path) as site:
        yield site


class Shouting:
    """Callers with forged signatures, as fast as they are answered, until the end of the block."""

    def __init__(self, site: Installation) -> None:
        self.statuses: Counter[int] = Counter()
        self._site = site
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._shout) for _ in range(SHOUTING)]

    def __enter__(self) -> Shouting:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _shout(self) -> None:
        forged = Delivery(stripe_event("evt_forged"), {"Stripe-Signature": "t=1,v1=" + "0" * 64})
        with closing(http.client.HTTPConnection("127.0.0.1", self._site.port)) as connection:
            while not self._over.is_set():
                self.statuses[post(connection, forged)[0]] += 1


def post(connection: http.client.HTTPConnection, delivery: Delivery) -> tuple[int, float]:
    """The status of one call, and how long it took."""
    began = time.perf_counter()
    connection.request("POST", "/webhooks/stripe", delivery.body, delivery.headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status, time.perf_counter() - began


def deliver(site: Installation, name: str, source: str) -> tuple[Counter[int], float]:
    """Send genuine deliveries from an address: the statuses, and the middle time."""

    def some(part: int) -> list[tuple[int, float]]:
        own = {"source_address": (source, 0), "timeout": 60}
        connection = http.client.HTTPConnection("127.0.0.1", site.port, **own)  # type: ignore[arg-type]
        with closing(connection):
            numbers = range(part, SIGNED, AT_ONCE)
            return [post(connection, signed(f"evt_{name}_{n}")) for n in numbers]

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = [each for part in threads.map(some, range(AT_ONCE)) for each in part]
    return Counter(status for status, _ in answers), median(took for _, took in answers)


def memory_kb(pid: int) -> int:
    """What a process holds in memory; 0 where that cannot be read."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)


@pytest.mark.timeout(300)
def test_verified_deliveries_are_all_taken_and_in_time_while_their_own_address_is_limited(
    site: Installation,
) -> None:
    alone, calm = deliver(site, "calm", "127.0.0.1")
    before = memory_kb(site.processes["web"].pid)
    with Shouting(site) as shouting:
        while shouting.statuses[429] < BURST:
            time.sleep(0.02)
        same, loud = deliver(site, "same", "127.0.0.1")
        other, elsewhere = deliver(site, "other", "127.0.0.2")
        forged = shouting.statuses.copy()
    assert alone == same == other == {200: SIGNED}
    assert max(loud, elsewhere) <= FACTOR * calm + GRACE_S
    assert set(forged) == {400, 429}
    # The burst, and one a second since.
    assert forged[400] <= BURST + 120
    assert forged[429] > 3 * forged[400] or forged[429] > BURST
    assert memory_kb(site.processes["web"].pid) - before < GROWTH_KB
