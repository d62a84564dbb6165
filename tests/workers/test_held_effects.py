"""Effects that are being performed: a living worker keeps them, a dead one loses them soon."""

from __future__ import annotations

import sys
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from domain import clock, effects
from domain.database import Database
from domain.effects import Effect
from tests import lives
from tests.processes import wait_until
from workers import held_effects, perform_effects
from workers.held_effects import HeldEffects
from workers.runtime import Runtime

pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def runtime(database: Database) -> Runtime:
    """A worker's, with one effect wanted."""
    made = lives.runtime_on(database)
    with database.transaction() as session:
        effects.want(session, "errand", "1", "test")
    return made


def claimed(runtime: Runtime) -> list[Effect]:
    with runtime.database.transaction() as session:
        return effects.claim(session, 8)


def until(runtime: Runtime) -> Any:
    with runtime.database.transaction() as session:
        return session.get_one(Effect, 1).next_attempt_at


def test_what_a_dead_worker_held_is_due_again_within_half_a_minute(runtime: Runtime) -> None:
    assert len(claimed(runtime)) == 1
    assert claimed(runtime) == []
    clock.advance(timedelta(seconds=30))
    assert [effect.attempts for effect in claimed(runtime)] == [2]


def test_a_living_worker_keeps_an_effect_for_as_long_as_it_takes(runtime: Runtime) -> None:
    with HeldEffects(runtime, claimed(runtime), beat_s=0.01):
        for _ in range(6):
            now = clock.advance(effects.LEASE - timedelta(seconds=1))
            wait_until(lambda now=now: until(runtime) == now + effects.LEASE, "a beat")  # type: ignore[misc]
            assert claimed(runtime) == []


def test_an_effect_that_was_taken_over_is_left_to_who_took_it(runtime: Runtime) -> None:
    first = claimed(runtime)
    clock.advance(effects.LEASE)
    [second] = claimed(runtime)
    kept = HeldEffects(runtime, first)
    clock.advance(timedelta(seconds=5))
    kept._extend()
    assert until(runtime) == second.next_attempt_at


def test_what_is_recorded_is_not_kept_any_longer(runtime: Runtime) -> None:
    [effect] = claimed(runtime)
    kept = HeldEffects(runtime, [effect])
    kept.let_go(effect)
    end = until(runtime)
    clock.advance(timedelta(seconds=5))
    kept._extend()
    assert until(runtime) == end


def test_a_call_that_takes_longer_than_a_lease_is_made_once(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def perform(_: Runtime, effect: Effect) -> None:
        made.append(effect.id)
        for _again in range(4):
            now = clock.advance(timedelta(seconds=15))
            wait_until(lambda now=now: until(runtime) == now + effects.LEASE, "a beat")  # type: ignore[misc]
            assert perform_effects.drain(runtime) == 0

    errand = ModuleType("errand")
    errand.perform = perform  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "errand", errand)
    monkeypatch.setitem(perform_effects.KINDS, "errand", "errand")
    monkeypatch.setattr(held_effects, "BEAT_S", 0.01)
    assert perform_effects.drain(runtime) == 1
    assert made == [1]
