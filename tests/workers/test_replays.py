"""Replays: chosen by filter, begun with a canary, stopped by failures, harmless to what is done."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import select

from domain import audit, effects, replay_filters, replays
from domain.audit import AuditEntry, Decider
from domain.database import Database
from domain.effects import Effect
from domain.errors import Refused
from domain.event_search import Filter
from domain.inbox import Attempt, Event
from tests import lives
from tests.invariants import assert_invariants
from tests.stories.outcome import differences, outcome
from tests.workers.breakable import (
    BY,
    Breakable,
    bought,
    breakable,
    effects_of,
    go_on,
    groups,
    items,
    park_all,
    shown,
    start,
    work,
)
from workers.replay import group_failures, replay
from workers.runtime import Runtime

CHARGED = "charge.succeeded"


@pytest.fixture
def runtime(database: Database, frozen_clock: object) -> Runtime:
    return lives.runtime_on(database)


@pytest.fixture
def translator(runtime: Runtime) -> Breakable:
    return breakable(runtime)


def test_a_mended_bug_is_replayed_and_its_group_closes(
    runtime: Runtime, translator: Breakable
) -> None:
    translator.broken = {CHARGED}
    bought(runtime, 3)
    work(runtime)
    park_all(runtime)
    [group] = groups(runtime)
    translator.broken = set()
    number = start(runtime, Filter(error=group.fingerprint))
    go_on(runtime)
    done = shown(runtime, number)
    assert (done.state, done.total, done.passed, done.failed) == ("done", 3, 3, 0)
    assert {item.state for item in items(runtime, number)} == {"passed"}
    assert [(one.state, one.members) for one in groups(runtime)] == [("closed", 0)]
    assert {e.origin for e in lives.events(runtime) if e.type == CHARGED} == {"replay"}
    assert_invariants(runtime.database)


def test_replaying_everything_that_succeeded_changes_nothing(runtime: Runtime) -> None:
    bought(runtime, 2)
    work(runtime)
    with runtime.database.transaction() as session:
        before = outcome(session)
    wanted = effects_of(runtime)
    number = start(runtime, Filter(provider="stripe"))
    go_on(runtime)
    assert (shown(runtime, number).state, shown(runtime, number).passed) == ("done", 6)
    with runtime.database.transaction() as session:
        assert differences(before, outcome(session)) == []
        journal = session.scalars(select(Attempt).where(Attempt.outcome == "replay asked for"))
        assert len(journal.all()) == 6
    assert effects_of(runtime) == wanted


def test_the_canary_goes_first_and_alone(runtime: Runtime) -> None:
    bought(runtime, 3)
    work(runtime)
    number = start(runtime, Filter(type=CHARGED), canary=2)
    replay(runtime)
    replay(runtime)
    assert (shown(runtime, number).started, shown(runtime, number).waiting) == (2, 1)
    work(runtime)
    replay(runtime)
    assert (shown(runtime, number).started, shown(runtime, number).passed) == (3, 2)


def test_a_failing_canary_stops_the_replay_before_the_rest_is_touched(
    runtime: Runtime, translator: Breakable
) -> None:
    bought(runtime, 4)
    work(runtime)
    translator.broken = {CHARGED}
    number = start(runtime, Filter(type=CHARGED), canary=2)
    go_on(runtime)
    stopped = shown(runtime, number)
    assert (stopped.state, stopped.failed, stopped.waiting) == ("stopped", 2, 2)
    assert stopped.note == "stopped itself: 2 of 2 failed, which is more than 10 %"
    assert [i.state for i in items(runtime, number)] == ["failed", "failed", "waiting", "waiting"]
    untouched = [e for e in lives.events(runtime) if e.type == CHARGED and e.status == "processed"]
    assert [event.origin for event in untouched] == ["webhook", "webhook"]


def test_a_resumed_replay_begins_with_a_canary_again_and_ends(
    runtime: Runtime, translator: Breakable
) -> None:
    bought(runtime, 5)
    work(runtime)
    translator.broken = {CHARGED}
    number = start(runtime, Filter(type=CHARGED), canary=2)
    go_on(runtime)
    translator.broken = set()
    with runtime.database.transaction() as session:
        replays.resume(session, number, BY)
    replay(runtime)
    assert shown(runtime, number).started == 4
    go_on(runtime)
    done = shown(runtime, number)
    assert (done.state, done.passed, done.failed, done.error_rate) == ("done", 3, 2, 0.0)


def test_failures_below_the_limit_do_not_stop_it(runtime: Runtime, translator: Breakable) -> None:
    bought(runtime, 4)
    work(runtime)
    translator.broken, translator.only = {CHARGED}, {"evt_a_pi_0"}
    number = start(runtime, Filter(type=CHARGED), max_errors=25)
    go_on(runtime)
    done = shown(runtime, number)
    assert (done.state, done.passed, done.failed, done.error_rate) == ("done", 3, 1, 25.0)


def test_no_more_than_the_rate_is_begun_at_a_time(runtime: Runtime) -> None:
    bought(runtime, 5)
    work(runtime)
    number = start(runtime, Filter(type=CHARGED), canary=0, rate=2)
    begun = []
    for _ in range(4):
        replay(runtime)
        begun.append(shown(runtime, number).started)
    # Nothing was worked meanwhile: twice the rate is under way, and no more.
    assert begun == [2, 4, 4, 4]


def test_a_cancelled_replay_begins_no_more_and_settles_what_was_begun(runtime: Runtime) -> None:
    bought(runtime, 3)
    work(runtime)
    number = start(runtime, Filter(type=CHARGED), canary=1)
    replay(runtime)
    with runtime.database.transaction() as session:
        replays.cancel(session, number, Decider(actor="operator:bob", reason="wrong group"))
    go_on(runtime)
    ended = shown(runtime, number)
    assert (ended.state, ended.passed, ended.waiting) == ("cancelled", 1, 2)
    assert ended.note == "cancelled by operator:bob: wrong group"
    with runtime.database.transaction() as session, pytest.raises(Refused, match="is cancelled"):
        replays.cancel(session, number, BY)


def test_an_event_dismissed_meanwhile_is_skipped(runtime: Runtime, translator: Breakable) -> None:
    translator.broken = {CHARGED}
    bought(runtime, 1)
    work(runtime)
    park_all(runtime)
    number = start(runtime, Filter(status="parked"))
    replay(runtime)
    with runtime.database.transaction() as session:
        event = session.scalars(select(Event).where(Event.type == CHARGED)).one()
        event.status, event.note, event.next_attempt_at = "dismissed", "by hand", None
    go_on(runtime)
    assert (shown(runtime, number).state, shown(runtime, number).skipped) == ("done", 1)


def test_effects_that_failed_are_tried_again_and_those_done_are_not(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        for number in range(3):
            effects.want(session, "send_mail", "receipt", f"test:{number}")
        for effect in session.scalars(select(Effect)):
            effects.park(effect, "SMTPError: away", "send_mail: SMTPError: away")
    number = start(runtime, Filter(error="send_mail: SMTPError: away"), of="effects")
    replay(runtime)
    with runtime.database.transaction() as session:
        first, second, third = session.scalars(select(Effect).order_by(Effect.id))
        assert {first.status, second.status, third.status} == {"waiting"}
        effects.done(first)
        effects.done(second)
        effects.park(third, "SMTPError: away", "send_mail: SMTPError: away")
    replay(runtime)
    ended = shown(runtime, number)
    assert (ended.passed, ended.failed, ended.state) == (2, 1, "stopped")
    with runtime.database.transaction() as session, pytest.raises(Refused, match="nothing"):
        replays.create(session, replays.Plan(filter=Filter(type="read_object"), of="effects"), BY)


@pytest.mark.parametrize(
    "given, code",
    [
        ({}, "filter_empty"),
        ({"status": "quarantined"}, "filter_quarantined"),
        ({"type": "cow.milked"}, "nothing_to_replay"),
    ],
)
def test_a_filter_for_everything_or_nothing_is_refused(
    runtime: Runtime, given: dict[str, str], code: str
) -> None:
    with pytest.raises(Refused) as caught:
        start(runtime, msgspec.convert(given, Filter))
    assert caught.value.code == code
    with runtime.database.transaction() as session:
        assert replays.page(session, 10) == []


def test_quarantined_events_are_never_chosen(runtime: Runtime) -> None:
    lives.deliver(runtime, lives.incoming("evt_1", CHARGED, {}, status="quarantined"))
    lives.deliver(runtime, lives.incoming("evt_2", "cow.milked", {}))
    for given in ({"provider": "stripe"}, {"q": "evt_1"}, {"type": CHARGED}):
        with runtime.database.transaction() as session:
            found = replay_filters.preview(session, msgspec.convert(given, Filter))
        assert [one.type for one in found.sample] == (["cow.milked"] if "provider" in given else [])


def test_a_replay_needs_a_reason_and_leaves_a_line_in_the_audit_log(runtime: Runtime) -> None:
    bought(runtime, 1)
    plan = replays.Plan(filter=Filter(type=CHARGED))
    with runtime.database.transaction() as session, pytest.raises(Refused, match="reason"):
        replays.create(session, plan, Decider(actor="operator:ana", reason=" "))
    start(runtime, Filter(type=CHARGED))
    with runtime.database.transaction() as session:
        [line] = audit.page(session, 10)
    assert isinstance(line, AuditEntry)
    assert (line.actor, line.action, line.subject_kind) == ("operator:ana", "replay", "replay")
    assert line.details == {"of": "events", "filter": {"type": CHARGED}, "count": 1}


def test_a_preview_counts_and_shows_the_latest(runtime: Runtime) -> None:
    bought(runtime, 4)
    with runtime.database.transaction() as session:
        found = replay_filters.preview(session, Filter(provider="stripe"))
    assert (found.count, found.more, found.by_status) == (12, False, {"received": 12})
    assert found.by_type[CHARGED] == 4
    assert len(found.sample) == replay_filters.SAMPLE
    ids = [one.id for one in found.sample]
    assert ids == sorted(ids, reverse=True)


def test_a_failing_group_is_open_while_its_replay_is_under_way(
    runtime: Runtime, translator: Breakable
) -> None:
    translator.broken = {CHARGED}
    bought(runtime, 1)
    work(runtime)
    start(runtime, Filter(status="waiting"))
    replay(runtime)
    group_failures(runtime)
    assert [one.state for one in groups(runtime)] == ["open"]
