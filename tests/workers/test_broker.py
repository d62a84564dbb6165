"""The queue as Dramatiq sees it when it goes away."""

from __future__ import annotations

import socket

import pytest
from dramatiq.errors import ConnectionClosed

from workers.broker import make_broker


def test_a_queue_that_hangs_is_an_outage_and_no_unexpected_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}/0?socket_timeout=0.05"
        consumer = make_broker(address).consume("events", timeout=10)
        with pytest.raises(ConnectionClosed):
            next(consumer)
