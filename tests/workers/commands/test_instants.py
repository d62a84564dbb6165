"""What people write on the command line when they mean a moment."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta

import pytest

from domain import clock
from workers.commands import instants


def test_a_list_may_begin_however_long_ago(frozen_clock: object) -> None:
    assert instants.instant("2019-05-01") == datetime(2019, 5, 1, tzinfo=UTC)
    assert instants.instant("700d") == clock.now() - timedelta(days=700)
    with pytest.raises(ArgumentTypeError, match="too long ago"):
        instants.since("700d")


def test_a_list_may_begin_a_moment_ago_and_end_in_the_future(frozen_clock: object) -> None:
    assert instants.instant("1m") == clock.now() - timedelta(minutes=1)
    assert instants.instant("2999-01-01T08:00") == datetime(2999, 1, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "7", "7w", "2026-13-01", "0001-01-01T00:00+14:00", "٧d"]
)
def test_what_is_no_instant_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="write 2026-11-01, 2026-11-01T08:00, 7d or 12h"):
        instants.instant(text)
