"""Limits of the sign-in when many try at once: no try more, and nobody waits for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine

from domain import clock, sign_in
from domain.database import Database
from domain.sign_in import Limit, TooManyTries

FIRST = Limit("a", 4, timedelta(hours=1))
SECOND = Limit("b", 6, timedelta(hours=1))


def passes(database: Database, *limits: Limit) -> bool:
    """Take a try; tell whether there was one."""
    try:
        with database.transaction() as session:
            sign_in._spend(session, limits)
    except TooManyTries:
        return False
    return True


def test_tries_at_the_same_moment_do_not_pass_together(database: Database) -> None:
    orders = [(FIRST, SECOND), (SECOND, FIRST)] * 8
    with ThreadPoolExecutor(8) as threads:
        passed = list(threads.map(lambda limits: passes(database, *limits), orders))
    assert sum(passed) == FIRST.burst


def test_a_refused_try_uses_up_nothing_else(database: Database) -> None:
    assert [passes(database, FIRST) for _ in range(5)] == [True] * 4 + [False]
    assert not passes(database, FIRST, SECOND)
    assert [passes(database, SECOND) for _ in range(7)] == [True] * 6 + [False]


def test_a_try_comes_back_after_its_time_and_says_when(database: Database) -> None:
    now = clock.wall()
    with time_machine.travel(now, tick=False) as traveller:
        for _ in range(FIRST.burst):
            assert passes(database, FIRST)
        traveller.shift(timedelta(minutes=20))
        with pytest.raises(TooManyTries) as refused, database.transaction() as session:
            sign_in._spend(session, [FIRST])
        assert refused.value.seconds == 40 * 60
        traveller.shift(timedelta(minutes=41))
        assert [passes(database, FIRST) for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1%eth0", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("no:address", "no:address", True),
        (None, None, True),
    ],
)
def test_sources_of_one_network_count_together(
    one: str | None, other: str | None, same: bool
) -> None:
    assert (sign_in.network_of(one) == sign_in.network_of(other)) is same
