"""Groups of failures: open with the first member, count money once, close by themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain import clock, effects, failures
from domain.audit import Decider
from domain.database import Database
from domain.effects import Effect
from domain.interventions import dismiss_event
from tests import lives
from tests.workers.breakable import (
    BY,
    Breakable,
    bought,
    breakable,
    groups,
    park_all,
    work,
)
from workers.replay import group_failures
from workers.runtime import Runtime

CHARGED, PAID = "charge.succeeded", "payment_intent.succeeded"


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Runtime:
    return lives.runtime_on(database)


@pytest.fixture
def translator(runtime: Runtime) -> Breakable:
    return breakable(runtime)


def test_equal_failures_are_one_group_with_its_accounts_and_money(
    runtime: Runtime, translator: Breakable
) -> None:
    orders = bought(runtime, 2)
    work(runtime)
    assert groups(runtime) == []
    translator.broken = {CHARGED}
    for order in orders:
        again = lives.payment_events(order, f"pi_again_{order.account_id}")
        lives.deliver(runtime, again[0])
    for event in lives.events(runtime):
        if event.status == "received":
            with runtime.database.transaction() as session:
                row = session.merge(event)
                row.account_id, row.order_id = 1, orders[0].id
    work(runtime)
    [group] = groups(runtime)
    assert (group.kind, group.handler, group.exception, group.message) == (
        "event",
        CHARGED,
        "KeyError",
        "'plan'",
    )
    assert (group.state, group.members, group.accounts) == ("open", 2, 1)
    # Both speak of one order: its money is at risk once.
    assert group.money == {"CZK": orders[0].total}


def test_a_group_closes_when_its_last_member_is_dismissed_and_comes_back(
    runtime: Runtime, translator: Breakable
) -> None:
    translator.broken = {CHARGED}
    bought(runtime, 1)
    work(runtime)
    park_all(runtime)
    began = clock.now()
    clock.advance(timedelta(minutes=5))
    failed = next(event for event in lives.events(runtime) if event.type == CHARGED)
    with runtime.database.transaction() as session:
        dismiss_event(session, failed.id, Decider(actor="operator:ana", reason="known"))
    group_failures(runtime)
    [group] = groups(runtime)
    assert (group.state, group.members, group.money, group.closed_at) == (
        "closed",
        0,
        {},
        clock.now(),
    )
    bought_again = lives.order(runtime, "shop-0", agents=3)
    lives.deliver(runtime, lives.payment_events(bought_again, "pi_new")[0])
    work(runtime)
    [group] = groups(runtime)
    assert (group.state, group.reopened, group.closed_at) == ("open", 1, None)
    assert (group.first_seen, group.last_seen) == (began, clock.now())


def test_a_try_that_succeeds_closes_the_group(runtime: Runtime, translator: Breakable) -> None:
    translator.broken = {CHARGED}
    bought(runtime, 1)
    work(runtime)
    assert [group.state for group in groups(runtime)] == ["open"]
    translator.broken = set()
    clock.advance(timedelta(minutes=1))
    work(runtime)
    assert [group.state for group in groups(runtime)] == ["closed"]


def test_what_only_came_too_early_is_no_failure(runtime: Runtime) -> None:
    lives.account(runtime)
    order = lives.order(runtime)
    order.id = "ord_not_here_yet"
    lives.deliver(runtime, lives.payment_events(order)[0])
    work(runtime)
    assert [event.status for event in lives.events(runtime)] == ["unmatched"]
    assert groups(runtime) == []


def test_failed_effects_are_grouped_with_the_money_that_does_not_come(runtime: Runtime) -> None:
    lives.account(runtime)
    order = lives.order(runtime)
    with runtime.database.transaction() as session:
        owner = order.account_id
        effects.want(session, "charge_order", order.id, "order:a", account_id=owner)
        effects.want(session, "capture_checkout", "chk_1", f"order:{order.id}", account_id=owner)
        effects.want(session, "send_mail", "receipt", f"order:{order.id}", account_id=owner)
        for effect in session.scalars(select(Effect)):
            effects.park(effect, "down", f"{effect.kind}: Transient: down")
    group_failures(runtime)
    found = {group.handler: group for group in groups(runtime)}
    assert {group.kind for group in found.values()} == {"effect"}
    assert found["charge_order"].money == {"CZK": order.total}
    assert found["capture_checkout"].money == {"CZK": order.total}
    assert found["send_mail"].money == {}
    with runtime.database.transaction() as session:
        [effect] = failures.failed_effects(session, "charge_order: Transient: down", 10)
        assert effect.target == order.id
        effects.retry(session, effect.id, actor=BY.actor, reason="")
        effects.done(effect)
    group_failures(runtime)
    states = {group.handler: group.state for group in groups(runtime)}
    assert states == {"charge_order": "closed", "capture_checkout": "open", "send_mail": "open"}


def test_groups_are_listed_page_by_page_the_last_seen_first(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        for number in range(7):
            effects.want(session, "send_mail", f"mail {number}", "test")
        for effect in session.scalars(select(Effect).order_by(Effect.id)):
            effects.park(effect, "down", f"send_mail: Error: kind {'abcdefg'[effect.id - 1]}")
            clock.advance(timedelta(seconds=1))
    group_failures(runtime)
    with runtime.database.transaction() as session:
        first = failures.page(session, 4)
        second = failures.page(session, 4, first[-1].id, state="open")
    assert [group.message[-1] for group in [*first, *second]] == list("gfedcba")


@pytest.mark.parametrize(
    "fingerprint, expected",
    [
        ("a.b: KeyError: 'plan'", ("a.b", "KeyError", "'plan'")),
        ("a.b: Permanent: no: colon lost", ("a.b", "Permanent", "no: colon lost")),
        ("one: the body is no event", ("one", "", "the body is no event")),
    ],
)
def test_a_fingerprint_has_three_parts(fingerprint: str, expected: tuple[str, str, str]) -> None:
    assert failures.parts(fingerprint) == expected
