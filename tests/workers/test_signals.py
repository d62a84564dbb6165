"""The end of a process that is told to end while it is still beginning."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from workers.processes import heed_signals, wait_for_signal

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_came_before_anybody_waited_is_heeded(number: signal.Signals) -> None:
    told = heed_signals()
    signal.raise_signal(number)
    wait_for_signal(told)
    assert told.is_set()
