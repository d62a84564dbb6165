"""Who works first in a process: few threads drain events, and effects give way to them."""

from __future__ import annotations

import threading
import time

import pytest

from workers.turns import DRAINS, Turns

SOON_S = 5.0


def test_no_more_threads_drain_than_have_a_turn_and_no_ring_is_lost() -> None:
    turns, free, inside = Turns(), threading.Event(), threading.Semaphore(0)
    runs: list[float] = []

    def drain() -> int:
        runs.append(time.monotonic())
        inside.release()
        assert free.wait(SOON_S)
        return 1

    threads = [threading.Thread(target=turns.drain, args=(drain,)) for _ in range(DRAINS)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=SOON_S)
    # Both turns are taken: the ring of a third is left to whoever finishes first.
    assert turns.drain(drain) == 0
    assert len(runs) == DRAINS
    free.set()
    for thread in threads:
        thread.join(SOON_S)
    assert len(runs) == DRAINS + 1


def test_a_turn_that_failed_is_given_back() -> None:
    turns = Turns()

    def fail() -> int:
        raise RuntimeError("the store is away")

    for _ in range(DRAINS + 1):
        with pytest.raises(RuntimeError):
            turns.drain(fail)
    assert turns.drain(lambda: 7) == 7


def test_effects_give_way_to_events_only_while_there_are_some() -> None:
    turns, begun, free = Turns(), threading.Event(), threading.Event()

    def drain() -> int:
        begun.set()
        assert free.wait(SOON_S)
        return 1

    start = time.monotonic()
    turns.give_way()
    assert time.monotonic() - start < 0.1
    draining = threading.Thread(target=turns.drain, args=(drain,))
    draining.start()
    assert begun.wait(SOON_S)
    start = time.monotonic()
    turns.give_way()
    assert 0.1 < time.monotonic() - start < SOON_S
    free.set()
    draining.join(SOON_S)
