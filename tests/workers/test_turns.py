"""Who works first in a process: few threads drain events, and effects give way to them."""

from __future__ import annotations

import threading
import time

import pytest

from workers.turns import DRAINS, GIVES_WAY_S, SPARED, Turns

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


def timed(turns: Turns, kind: str) -> float:
    start = time.monotonic()
    with turns.polite(kind):
        return time.monotonic() - start


def test_heavy_effects_give_way_to_events_but_not_for_ever() -> None:
    turns, begun, free = Turns(), threading.Event(), threading.Event()

    def drain() -> int:
        begun.set()
        assert free.wait(SOON_S)
        return 1

    assert timed(turns, "send_mail") < 0.1
    draining = threading.Thread(target=turns.drain, args=(drain,))
    draining.start()
    assert begun.wait(SOON_S)
    assert timed(turns, "charge_order") < 0.1
    assert 0.1 < timed(turns, "send_mail") < SOON_S
    free.set()
    draining.join(SOON_S)


def test_heavy_effects_that_wait_begin_when_the_events_are_done_one_after_the_other() -> None:
    turns, begun, free = Turns(), threading.Event(), threading.Event()
    at_once: list[int] = []
    waits: list[float] = []
    inside = 0

    def drain() -> int:
        begun.set()
        assert free.wait(SOON_S)
        return 1

    def perform() -> None:
        nonlocal inside
        start = time.monotonic()
        with turns.polite("send_mail"):
            waits.append(time.monotonic() - start)
            inside += 1
            at_once.append(inside)
            time.sleep(0.02)
            inside -= 1

    draining = threading.Thread(target=turns.drain, args=(drain,))
    draining.start()
    assert begun.wait(SOON_S)
    waiting = [threading.Thread(target=perform) for _ in range(6)]
    for thread in waiting:
        thread.start()
    time.sleep(0.2)
    assert not waits
    free.set()
    for thread in (draining, *waiting):
        thread.join(SOON_S)
    assert at_once == [1] * 6
    assert max(waits) < GIVES_WAY_S


def test_heavy_effects_that_have_waited_for_long_do_not_begin_all_at_once() -> None:
    turns, begun, free = Turns(), threading.Event(), threading.Event()
    at_once: list[int] = []
    inside = 0

    def drain() -> int:
        begun.set()
        assert free.wait(2 * SOON_S)
        return 1

    def perform() -> None:
        nonlocal inside
        with turns.polite("send_mail"):
            inside += 1
            at_once.append(inside)
            time.sleep(0.05)
            inside -= 1

    draining = threading.Thread(target=turns.drain, args=(drain,))
    draining.start()
    assert begun.wait(SOON_S)
    waiting = [threading.Thread(target=perform) for _ in range(6)]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join(2 * SOON_S)
    assert at_once == [1] * 6
    free.set()
    draining.join(SOON_S)


def test_events_that_fail_let_the_heavy_effects_go_on() -> None:
    turns, begun, free = Turns(), threading.Event(), threading.Event()

    def fail() -> int:
        begun.set()
        assert free.wait(SOON_S)
        raise RuntimeError("the store is away")

    def drain() -> None:
        with pytest.raises(RuntimeError):
            turns.drain(fail)

    draining = threading.Thread(target=drain)
    draining.start()
    assert begun.wait(SOON_S)
    threading.Timer(0.2, free.set).start()
    assert timed(turns, "render_invoice") < GIVES_WAY_S - 1
    draining.join(SOON_S)


def test_a_heavy_effect_that_takes_long_does_not_hold_up_the_others() -> None:
    turns = Turns()
    with turns.polite("send_mail"):
        waited = []
        other = threading.Thread(target=lambda: waited.append(timed(turns, "render_invoice")))
        other.start()
        other.join(2 * SOON_S)
    assert 0.1 < waited[0] < 2 * SOON_S
    assert timed(turns, "send_mail") < 0.1


def test_effects_leave_threads_to_events() -> None:
    turns, free, inside = Turns(), threading.Event(), threading.Semaphore(0)

    def drain() -> int:
        inside.release()
        assert free.wait(SOON_S)
        return 1

    jobs = [threading.Thread(target=turns.perform, args=(drain, 8)) for _ in range(8)]
    for job in jobs:
        job.start()
    for _ in range(8 - SPARED):
        assert inside.acquire(timeout=SOON_S)
    assert not inside.acquire(timeout=0.1)
    assert turns.drain(lambda: 7) == 7
    free.set()
    for job in jobs:
        job.join(SOON_S)
    assert turns.perform(lambda: 3, 1) == 3
