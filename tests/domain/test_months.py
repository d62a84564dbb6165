"""Months in UTC, and where they begin among the ids of deliveries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import months
from domain.months import Month, month_of
from domain.partitions import PARTED, is_partition
from tests.lives import incoming

FIRST, LAST = datetime(1971, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
INSTANTS = st.timedeltas(timedelta(0), LAST - FIRST).map(lambda past: FIRST + past)


@given(INSTANTS, st.integers(-720, 720), st.integers(-15, 14))
def test_an_instant_lies_in_its_month_whatever_zone_it_is_told_in(
    instant: datetime, steps: int, hours: int
) -> None:
    month = month_of(instant.astimezone(timezone(timedelta(hours=hours))))
    assert month.start <= instant < month.end
    assert month.plus(1).start == month.end
    assert month.plus(steps).plus(-steps) == month
    assert months.written(str(month)) == month


@given(INSTANTS)
def test_the_id_of_a_delivery_lies_in_the_month_of_its_arrival(instant: datetime) -> None:
    month = month_of(instant)
    found = incoming("evt_1", "charge.succeeded", {}, received_at=instant).delivery_id
    assert months.id_since(month.start) <= found < months.id_since(month.end)


@pytest.mark.parametrize(
    "last", [datetime(2026, 12, 31, 23, 59, 59, 999999, UTC), datetime(2028, 2, 29, tzinfo=UTC)]
)
def test_the_last_instant_of_a_month_is_not_in_the_next(last: datetime) -> None:
    found = incoming("evt_1", "charge.succeeded", {}, received_at=last).delivery_id
    assert found < months.id_since(month_of(last).end)


def test_months_are_walked_over_the_end_of_a_year() -> None:
    walked = list(months.between(Month(2026, 11), Month(2027, 2)))
    assert list(map(str, walked)) == ["2026-11", "2026-12", "2027-01", "2027-02"]


@pytest.mark.parametrize("text", ["2026-13", "2026", "2026-1", "x"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no month"):
        months.written(text)


@pytest.mark.parametrize("table", [table.name for table in PARTED])
def test_partitions_are_known_by_their_names(table: str) -> None:
    assert all(map(is_partition, (f"{table}_2026_11", f"{table}_to_2026_11", f"{table}_rest")))
    assert not any(map(is_partition, (table, f"{table}_old", "events_2026_11")))
