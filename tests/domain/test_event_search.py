"""Looking for events: every filter alone and with others, page by page, on both databases."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from itertools import combinations
from typing import Any

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import clock, event_search
from domain.accounts import Account
from domain.database import Database
from domain.event_search import Filter
from domain.inbox import Event

STATUSES = ("processed", "processed", "ignored", "parked", "waiting", "quarantined")
TYPES = ("charge.succeeded", "charge.failed", "refund.created")
PROVIDERS = ("one", "two")
ORIGINS = ("webhook", "webhook", "backfill", "replay")
ERRORS = (None, None, "charge.failed: KeyError: plan", "charge.failed: KeyError: plan of #")


@pytest.fixture
def store(database: Database, frozen_clock: object) -> Database:
    with database.transaction() as session:
        session.add_all(
            Account(ref=f"shop-{n}", email="a@b.example", currency="EUR") for n in (1, 2)
        )
        session.flush()
        chance = random.Random(7)  # noqa: S311 - a seed, no secret
        session.add_all(event(number, chance) for number in range(1, 241))
    return database


def event(number: int, chance: random.Random) -> Event:
    """An event whose time of arrival does not always grow with its number."""
    return Event(
        id=number,
        provider=chance.choice(PROVIDERS),
        provider_event_id=f"evt_{number:05}",
        type=chance.choice(TYPES),
        status=chance.choice(STATUSES),
        origin=chance.choice(ORIGINS),
        delivery_id=f"delivery-{number}",
        received_at=clock.now() + timedelta(minutes=number // 3 * 3 + chance.randint(-20, 20)),
        account_id=chance.choice((None, 1, 2)),
        order_id=chance.choice((None, f"ord_{number % 7:020}")),
        payment=chance.choice((None, f"pay_{number % 5:020}", "pay_100%_certain")),
        fingerprint=chance.choice(ERRORS),
    )


def wanted() -> dict[str, Any]:
    """A value for every filter."""
    return {
        "status": "parked",
        "provider": "one",
        "type": "charge.failed",
        "account": "shop-1",
        "order": f"ord_{3:020}",
        "error": "charge.failed: KeyError: plan",
        "origin": "webhook",
        "received_from": clock.now() + timedelta(minutes=40),
        "received_to": clock.now() + timedelta(minutes=200),
        "q": f"pay_{2:020}",
    }


def expected(session: Session, given: dict[str, Any]) -> list[int]:
    """What a plain look at every row finds."""
    refs: dict[int | None, str] = dict(session.execute(select(Account.id, Account.ref)).all())
    tests: dict[str, Callable[[Event, Any], bool]] = {
        "account": lambda e, v: refs.get(e.account_id) == v,
        "order": lambda e, v: e.order_id == v,
        "error": lambda e, v: (
            e.fingerprint == v if v in ERRORS else (e.fingerprint or "").startswith(v)
        ),
        "received_from": lambda e, v: e.received_at >= v,
        "received_to": lambda e, v: e.received_at < v,
        "q": lambda e, v: v in {e.payment, e.order_id, e.provider_event_id, refs.get(e.account_id)},
    }
    rows = session.scalars(select(Event).order_by(Event.received_at.desc(), Event.id.desc()))

    def fits(row: Event, name: str, value: Any) -> bool:
        return bool(tests[name](row, value) if name in tests else getattr(row, name) == value)

    return [row.id for row in rows if all(fits(row, k, v) for k, v in given.items())]


def ids(found: list[event_search.Found]) -> list[int]:
    return [one.event.id for one in found]


def test_every_pair_of_filters_finds_what_a_plain_look_finds(store: Database) -> None:
    values = wanted()
    chosen = [(), *combinations(values, 1), *combinations(values, 2)]
    met = 0
    with store.transaction() as session:
        for names in chosen:
            given = {name: values[name] for name in names}
            found = ids(event_search.page(session, Filter(**given), 1000))
            assert found == expected(session, given), names
            met += bool(found)
    assert met > 30


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"status": "processed"},
        {"provider": "one", "origin": "webhook"},
        {"account": "shop-1"},
        {"error": "charge.failed"},
        {"type": "charge.failed", "account": "shop-2"},
    ],
)
def test_pages_neither_skip_nor_repeat(store: Database, given: dict[str, Any]) -> None:
    with store.transaction() as session:
        everything = expected(session, given)
        seen: list[int] = []
        while page := event_search.page(session, Filter(**given), 7, seen[-1] if seen else None):
            assert len(page) <= 7
            seen += ids(page)
    assert seen == everything
    assert len(seen) > 7


def test_the_ref_of_the_account_comes_with_the_event(store: Database) -> None:
    with store.transaction() as session:
        found = event_search.page(session, Filter(account="shop-2"), 5)
    assert {(one.event.account_id, one.account) for one in found} == {(2, "shop-2")}


def test_a_search_takes_numbers_ids_refs_and_long_beginnings(store: Database) -> None:
    with store.transaction() as session:

        def search(text: str) -> list[int]:
            return ids(event_search.page(session, Filter(q=text), 1000))

        assert search("17") == [17]
        assert search(" evt_00017 ") == [17]
        assert search("shop-1") == expected(session, {"account": "shop-1"})
        assert search("pay_100%_cert") == expected(session, {"payment": "pay_100%_certain"})
        assert search("pay_100__cert") == []
        assert search("pay_0") == []
        assert search("9" * 19) == search("9" * 40) == search("٣") == []


def test_something_unknown_finds_nothing(store: Database) -> None:
    with store.transaction() as session:
        for name in ("status", "provider", "type", "account", "order", "error", "origin", "q"):
            assert event_search.page(session, msgspec.convert({name: "nowhere"}, Filter), 10) == []


def test_only_combinations_that_exist_are_facets(store: Database) -> None:
    with store.transaction() as session:
        rows = session.scalars(select(Event))
        there = {(row.status, row.provider, row.type, row.origin) for row in rows}
        facets = event_search.facets(session)
        parked = event_search.facets(session, {"status": "parked", "origin": "replay"})
    assert sorted(tuple(facet.values()) for facet in facets) == sorted(there)
    assert {(facet["status"], facet["origin"]) for facet in parked} == {("parked", "replay")}


def test_an_empty_inbox_has_no_facets_and_no_events(database: Database) -> None:
    with database.transaction() as session:
        assert event_search.facets(session) == []
        assert event_search.page(session, Filter(status="parked"), 10) == []
        assert event_search.page(session, Filter(q="evt_1"), 10) == []
