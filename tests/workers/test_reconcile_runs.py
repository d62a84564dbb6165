"""Runs over the lists: when they begin, where they go on, and what happens when they fail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain import clock, effects
from domain.effects import Effect
from domain.inbox import Attempt
from domain.positions import LAG
from tests.workers.conftest import Played
from tests.workers.missing_webhooks import (
    alert,
    announce,
    listed,
    position,
    run,
    work,
)
from webhooks.sandbox.paypal_events import announce as announce_at_paypal
from workers import reconcile as jobs
from workers import run_rows


def runs(played: Played) -> list[Effect]:
    with played.runtime.database.transaction() as session:
        return list(session.scalars(select(Effect).where(Effect.kind == jobs.KIND)))


def test_the_position_stays_while_the_provider_is_down(begun: Played) -> None:
    before = position(begun.runtime).reached
    begun.world.faults.add({"kind": "error", "provider": "stripe", "path": "/v1/events"})
    announce(begun)
    run(begun)
    failed = position(begun.runtime)
    assert failed.reached == before
    assert failed.error is not None
    assert failed.failing_since == clock.now()
    assert alert(begun.runtime, jobs.FAILING) is None
    # The other provider's list goes on.
    assert position(begun.runtime, "paypal").reached == clock.now() - LAG
    assert {effect.status for effect in runs(begun)} == {"done"}


def test_a_walk_that_fails_for_half_an_hour_is_an_alert_until_it_works_again(
    begun: Played,
) -> None:
    begun.world.faults.add({"kind": "rate_limit", "provider": "paypal", "path": "*webhooks-events"})
    announce_at_paypal(begun.world, "CHECKOUT.ORDER.APPROVED", {"id": "ORDER1"})
    run(begun)
    run(begun, minutes=29)
    assert alert(begun.runtime, jobs.FAILING, "paypal") is None
    run(begun, minutes=3)
    told = alert(begun.runtime, jobs.FAILING, "paypal")
    assert told is not None
    assert "429" in told.details["error"]
    begun.world.faults.clear()
    run(begun)
    done = alert(begun.runtime, jobs.FAILING, "paypal")
    assert done is not None
    assert done.state == "resolved"
    assert len(listed(begun.runtime, provider="paypal")) == 1
    assert position(begun.runtime, "paypal").failing_since is None


def test_a_walk_that_breaks_off_keeps_what_it_has_and_goes_on_there(begun: Played) -> None:
    announce(begun)
    clock.advance(timedelta(hours=4))
    announce(begun)
    begun.world.faults.add({"kind": "error", "provider": "stripe", "path": "/v1/events"})
    provider, start = begun.runtime.providers["stripe"], position(begun.runtime).reached
    clock.advance(timedelta(minutes=5))
    walk = jobs.walk(begun.runtime, provider, start, clock.now() - LAG)
    begun.world.faults.clear()
    first = next(walk)
    begun.world.faults.add({"kind": "error", "provider": "stripe", "path": "/v1/events"})
    with pytest.raises(Exception, match="500"):
        next(walk)
    assert len(listed(begun.runtime)) == 1
    assert position(begun.runtime).reached == first.until < clock.now() - timedelta(hours=3)
    begun.world.faults.clear()
    run(begun)
    assert len(listed(begun.runtime)) == 2
    assert position(begun.runtime).reached == clock.now() - LAG


def test_an_event_that_was_listed_late_is_found_by_the_overlap(begun: Played) -> None:
    clock.advance(timedelta(minutes=10))
    run(begun)
    reached = position(begun.runtime).reached
    late = {
        "id": "evt_late",
        "object": "event",
        "type": "customer.deleted",
        "created": int((reached - timedelta(minutes=5)).timestamp()),
        "livemode": False,
        "data": {"object": {"id": "cus_1", "object": "customer"}},
    }
    begun.world.store.put("stripe.event", "evt_late", late)
    run(begun)
    assert [event.provider_event_id for event in listed(begun.runtime)] == ["evt_late"]


def test_an_outage_longer_than_the_lists_reach_is_told(begun: Played) -> None:
    reached = position(begun.runtime).reached
    run(begun, days=40)
    told = alert(begun.runtime, jobs.GAP)
    assert told is not None
    assert told.details["since"] == reached.isoformat()
    assert told.details["until"] == (clock.now() - timedelta(days=30)).isoformat()
    assert position(begun.runtime).reached == clock.now() - LAG


def test_a_run_is_wanted_every_three_minutes_and_never_twice_at_once(played: Played) -> None:
    for _ in range(3):
        jobs.reconcile(played.runtime)
    assert [(e.target, e.status) for e in runs(played)] == [
        ("stripe", "wanted"),
        ("paypal", "wanted"),
    ]
    clock.advance(timedelta(minutes=10))
    jobs.reconcile(played.runtime)
    assert len(runs(played)) == 2
    work(played.runtime)
    jobs.reconcile(played.runtime)
    assert len(runs(played)) == 4


def test_runs_of_long_ago_are_forgotten(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_rows, "KEPT", 3)
    for _ in range(6):
        run(played)
    kept = runs(played)
    assert len(kept) == 2 * 3
    assert position(played.runtime).runs == 6
    with played.runtime.database.transaction() as session:
        noted = set(session.scalars(select(Attempt.effect_id)))
    assert noted == {effect.id for effect in kept}


def test_a_provider_that_was_switched_off_is_left_out(played: Played) -> None:
    with played.runtime.database.transaction() as session:
        effects.want(session, jobs.KIND, "acme", "reconcile_events:1")
    work(played.runtime)
    [effect] = runs(played)
    assert (effect.status, effect.note) == ("skipped", "provider acme is switched off")
