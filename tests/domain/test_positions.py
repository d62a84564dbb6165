"""Positions move over what was seen and over nothing else, whatever is asked of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain import positions
from domain.positions import EVERY, LAG, OVERLAP, REACH, Position

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
minutes = st.integers(0, 60 * 24 * 40).map(lambda count: timedelta(minutes=count))


def at(reached: datetime = NOON, **more: object) -> Position:
    return Position(provider="p", name="events", reached=reached, runs=0, found=0, **more)


@given(behind=minutes)
def test_a_window_overlaps_what_is_known_and_ends_before_the_present(behind: timedelta) -> None:
    since, until = positions.window(NOON - behind, NOON)
    assert until == NOON - LAG
    assert since == max(NOON - behind - OVERLAP, NOON - REACH)


@given(behind=minutes)
def test_what_no_list_reaches_is_a_gap_and_nothing_else_is(behind: timedelta) -> None:
    lost = positions.gap(NOON - behind, NOON)
    assert (lost is not None) == (behind > REACH)
    if lost is not None:
        assert lost == (NOON - behind, NOON - REACH)


@given(walks=st.lists(st.tuples(st.integers(-500, 500), st.integers(-500, 500)), max_size=12))
def test_a_position_never_goes_back_nor_over_a_hole(walks: list[tuple[int, int]]) -> None:
    position = at()
    seen = {-1}
    for start, end in walks:
        before = position.reached
        since, until = NOON + timedelta(minutes=start), NOON + timedelta(minutes=end)
        positions.advance(position, since, until)
        seen |= set(range(start, end))
        assert position.reached >= before
    reached = int((position.reached - NOON) / timedelta(minutes=1))
    assert set(range(reached)) <= seen


def test_a_run_is_due_after_a_while_or_when_the_last_one_was_cut_short() -> None:
    assert positions.is_due(at(), NOON)
    done = at(NOON - LAG, started_at=NOON)
    assert not positions.is_due(done, NOON + EVERY - timedelta(seconds=1))
    assert positions.is_due(done, NOON + EVERY)
    assert positions.is_due(at(NOON - timedelta(days=1), started_at=NOON), NOON)
    failed = at(NOON - timedelta(days=1), started_at=NOON, error="500")
    assert not positions.is_due(failed, NOON + timedelta(seconds=30))


def test_failing_is_told_after_half_an_hour_without_a_success() -> None:
    position = at()
    assert not positions.fail(position, NOON, "500")
    assert not positions.fail(position, NOON + timedelta(minutes=29), "500")
    assert positions.fail(position, NOON + timedelta(minutes=30), "429")
    assert (position.failing_since, position.error) == (NOON, "429")
    positions.succeed(position, NOON + timedelta(minutes=31))
    assert (position.failing_since, position.error) == (None, None)
    assert not positions.fail(position, NOON + timedelta(minutes=32), "500")


def test_slices_grow_while_little_is_listed_and_shrink_when_it_is_much() -> None:
    quiet = [positions.FIRST_SPAN]
    for _ in range(12):
        quiet.append(positions.next_span(quiet[-1], 3))
    assert quiet[-1] == positions.LONGEST_SPAN
    assert all(longer >= shorter for shorter, longer in pairwise(quiet))
    busy = [positions.FIRST_SPAN]
    for _ in range(12):
        busy.append(positions.next_span(busy[-1], 5_000))
    assert busy[-1] == positions.SHORTEST_SPAN
    assert positions.next_span(timedelta(hours=1), 500) == timedelta(hours=1)
