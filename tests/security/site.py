"""Web as a process of its own on real sockets, for what no test client sends."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from domain import clock
from tests.processes import Installation
from tests.stories.town import SECRET_KEY
from tests.webhooks.edge import stripe_event
from webhooks.sandbox.stripe_signature import sign

WEBHOOK_SECRET = "whsec_of_the_security_tests"
ENVIRON = {
    "STRIPE_API_KEY": "sk_test_security",
    "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
    "BILLHOOK_SECRET_KEY": SECRET_KEY,
}
SILENCE_S = 8.0
FIRST_LINE = re.compile(rb"HTTP/1\.1 (\d{3}) ")


class Delivery(NamedTuple):
    """A signed body with its headers."""

    body: bytes
    headers: dict[str, str]


def signed(event_id: str) -> Delivery:
    """A delivery as Stripe makes it."""
    body = stripe_event(event_id)
    signature = sign(WEBHOOK_SECRET, body, clock.now())
    return Delivery(body, {"Stripe-Signature": signature, "Content-Type": "application/json"})


@contextmanager
def serving(directory: Path) -> Iterator[Installation]:
    """An installation over SQLite whose web process serves."""
    with Installation(directory, ENVIRON) as site:
        assert site.run("migrate").returncode == 0
        site.start("web")
        yield site


def say(site: Installation, request: bytes, patience: float = SILENCE_S) -> list[int]:
    """Send bytes as they are; the statuses of all answers until the end, or until silence."""
    return [int(status) for status in FIRST_LINE.findall(hear(site, request, patience))]


def hear(site: Installation, request: bytes, patience: float = SILENCE_S) -> bytes:
    """The same; everything that was answered."""
    heard = b""
    # Whoever is refused at the first bytes need not be told the rest, or hear the reason.
    with (
        socket.create_connection(("127.0.0.1", site.port), timeout=patience) as connection,
        suppress(TimeoutError, ConnectionError),
    ):
        connection.sendall(request)
        while part := connection.recv(65_536):
            heard += part
    return heard
