"""Customers buy while servers and processes fall over: everybody gets what was paid for, once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest

from tests.invariants import assert_invariants
from tests.stories.town import STARTED, Customer, Town, founded

MOST_S = 0.7
"""A blow falls within this time after its customers began to buy."""

Blow = Callable[[Town], None]


@pytest.fixture
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town whose processes run."""
    with founded(tmp_path_factory.mktemp("havoc")) as town:
        town.open()
        yield town


def flush_queue(town: Town) -> None:
    """The queue forgets everything."""
    town.valkey.flush()


def restart_queue(town: Town) -> None:
    """The queue dies, stays away, and comes back empty."""
    town.valkey.kill()
    time.sleep(1.0)
    town.valkey.start()


def restart_store(town: Town) -> None:
    """The database is restarted in order."""
    town.postgres.restart()


def crash_store(town: Town) -> None:
    """The database dies and recovers."""
    town.postgres.kill()
    town.postgres.start()


def kill(name: str) -> Blow:
    """A process dies and is started again by its supervisor."""

    def blow(town: Town) -> None:
        town.restart(name)

    blow.__name__ = f"kill_{name}"
    return blow


def kill_all(town: Town) -> None:
    """The machine goes down with every process on it, and comes up again."""
    for name in STARTED:
        town.installation.kill(name)
    town.open()


BLOWS: tuple[Blow, ...] = (
    flush_queue,
    kill("worker"),
    restart_store,
    kill("web"),
    restart_queue,
    kill("clock"),
    crash_store,
    kill_all,
)


@pytest.mark.timeout(300)
def test_everybody_gets_what_was_paid_for_once_whatever_falls_over(town: Town) -> None:
    dice = random.Random(20261122)  # noqa: S311 - luck, not a secret
    customers = [
        Customer(town, f"customer-{n}", ("card", "paypal")[n % 2]) for n in range(2 * len(BLOWS))
    ]
    buying: list[Future[None]] = []
    with ThreadPoolExecutor(4) as crowd:
        for number, blow in enumerate(BLOWS):
            pair = customers[2 * number : 2 * number + 2]
            buying += [crowd.submit(customer.buy) for customer in pair]
            time.sleep(dice.uniform(0, MOST_S))
            blow(town)
            town.let_time_pass()
        while wait(buying, timeout=2).not_done:
            # Whoever died in the middle of an effect keeps its lease for a while.
            town.let_time_pass()
    for purchase in buying:
        purchase.result()
    town.settle()
    for customer in customers:
        account = customer.account()
        assert account["status"] == "active"
        assert account["subscription"]["state"] == "active"
        # Money that came twice, or for nothing, would be credit.
        assert account["credit"]["amount"] == 0
    payments, invoices, numbers = town.counts()
    assert payments == invoices == len(customers)
    assert [int(number.rpartition("-")[2]) for number in numbers] == list(range(1, invoices + 1))
    assert_invariants(town.database)
    assert town.acknowledged() <= town.received()
    assert len(town.acknowledged()) >= 2 * len(customers)
    # While something is away the app is told so, and never that it is our fault.
    assert town.refusals[500] == 0
