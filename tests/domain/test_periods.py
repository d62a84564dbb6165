"""Paid periods follow the calendar, with an anchor day that comes back (BILLING 3)."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.periods import anchor_of, next_end
from domain.quotes import unused_value

INSTANTS = st.datetimes(
    min_value=datetime(1901, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2400, 12, 31),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.just(UTC),
)
INTERVALS = st.sampled_from(["month", "year"])


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "start, interval, ends",
    [
        ("2026-01-31", "month", ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        ("2028-01-31", "month", ["2028-02-29", "2028-03-31"]),
        ("2026-01-30", "month", ["2026-02-28", "2026-03-30"]),
        ("2028-02-29", "year", ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
        ("2096-02-29", "year", ["2097-02-28", "2098-02-28", "2099-02-28", "2100-02-28"]),
        ("2026-12-15", "month", ["2027-01-15"]),
    ],
)
def test_the_anchor_day_comes_back_as_soon_as_a_month_has_it(
    start: str, interval: str, ends: list[str]
) -> None:
    at, anchor = day(start), anchor_of(day(start))
    found = []
    for _ in ends:
        at = next_end(at, interval, anchor)
        found.append(at)
    assert found == [day(end) for end in ends]


@given(INSTANTS, INTERVALS)
def test_a_period_ends_on_the_anchor_day_or_on_the_last_day_of_a_shorter_month(
    start: datetime, interval: str
) -> None:
    end = next_end(start, interval, anchor_of(start))
    last = calendar.monthrange(end.year, end.month)[1]
    assert end.day == min(start.day, last)
    assert end.timetz() == start.timetz()


@given(INSTANTS, INTERVALS)
def test_a_month_has_28_to_31_days_and_a_year_365_or_366(start: datetime, interval: str) -> None:
    days = (next_end(start, interval, anchor_of(start)) - start).days
    assert days in ({28, 29, 30, 31} if interval == "month" else {365, 366})


@given(INSTANTS)
def test_twelve_months_end_where_a_year_does(start: datetime) -> None:
    at = start
    for _ in range(12):
        at = next_end(at, "month", anchor_of(start))
    assert at == next_end(start, "year", anchor_of(start))


@given(INSTANTS, INTERVALS, st.integers(1, 60))
def test_periods_follow_each_other_without_drifting(
    start: datetime, interval: str, count: int
) -> None:
    at = start
    for _ in range(count):
        after = next_end(at, interval, anchor_of(start))
        assert after > at
        at = after
    last = calendar.monthrange(at.year, at.month)[1]
    assert at.day == min(start.day, last)


@given(
    INSTANTS,
    INTERVALS,
    st.integers(0, 10**9),
    st.floats(0, 1, allow_nan=False),
    st.floats(0, 1, allow_nan=False),
)
def test_unused_time_is_worth_its_share_and_never_more_as_time_passes(
    start: datetime, interval: str, net: int, one: float, other: float
) -> None:
    end = next_end(start, interval, anchor_of(start))
    early, late = sorted((start + (end - start) * one, start + (end - start) * other))
    assert unused_value(net, start, end, start) == net
    assert unused_value(net, start, end, end) == 0
    assert unused_value(net, start, end, early) >= unused_value(net, start, end, late)


def test_unused_time_is_rounded_half_to_even() -> None:
    start = day("2026-04-01")
    end = start + timedelta(days=30)
    middle = start + timedelta(days=15)
    assert [unused_value(net, start, end, middle) for net in (1, 3, 5)] == [0, 2, 2]
