"""Several who see, tell or acknowledge the same alert at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from domain import alerts
from domain.database import Database
from domain.errors import Refused
from tests.alerting import ANNA, closed, in_a_transaction, messages, opened, rows, told

pytestmark = pytest.mark.usefixtures("frozen_clock")


def test_several_who_see_the_same_at_once_open_one_alert(database: Database) -> None:
    start, new = threading.Barrier(4), []

    def watcher() -> None:
        start.wait()
        new.append(opened(database))

    together([watcher] * 4)
    assert sorted(new) == [False, False, False, True]
    assert [alert.state for alert in rows(database)] == ["open"]


def test_acknowledging_while_it_is_resolved_ends_resolved(database: Database) -> None:
    opened(database)
    start = threading.Barrier(2)

    def acknowledge() -> None:
        start.wait()
        try:
            in_a_transaction(database, lambda s: alerts.acknowledge(s, 1, ANNA))
        except Refused as refusal:
            assert refusal.code == "alert_resolved"  # noqa: PT017 - one of the two allowed ends

    def resolve() -> None:
        start.wait()
        closed(database)

    together([acknowledge, resolve])
    [alert] = rows(database)
    assert alert.state == "resolved"


def test_two_who_tell_at_once_tell_once(database: Database) -> None:
    opened(database)
    start = threading.Barrier(2)

    def teller() -> None:
        start.wait()
        told(database)

    together([teller] * 2)
    assert messages(database) == [("webhook", "opened")]


def together(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
