"""Calls at the same moment, over several connections: one account, one open order, one charge."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from httpx2 import Response
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from starlette.testclient import TestClient

from domain import accounts, effects, orders
from domain.accounts import Account
from domain.database import Database
from domain.effects import Effect
from domain.history import HistoryEntry
from domain.orders import Order
from domain.quotes import make
from domain.subscriptions import Target
from domain.work import Work
from tests.api.conftest import details, purchase, wanted
from webhooks.api import resource
from webhooks.api.parts import Services

PATH = "/api/accounts/shop/orders"
CALLERS = 6
TARGET = Target(**wanted())
T = TypeVar("T")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "PATIENCE_S", 0.05)


def at_once(call: Callable[[int], T]) -> list[T]:
    """Make several calls at the same moment."""
    barrier = threading.Barrier(CALLERS)

    def one(number: int) -> T:
        barrier.wait()
        return call(number)

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(one, range(CALLERS)))


def test_one_account_is_created_by_many_calls_at_once(
    client: TestClient, database: Database
) -> None:
    answers = at_once(lambda _: client.put("/api/accounts/shop", json=details()))
    assert sorted(answer.status_code for answer in answers) == [200] * (CALLERS - 1) + [201]
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Account)) == 1
        assert session.scalars(select(HistoryEntry.kind)).all() == ["account_created"]


def test_orders_at_once_leave_exactly_one_open(
    client: TestClient, shop: str, database: Database
) -> None:
    answers = at_once(lambda number: client.post(PATH, json=purchase(agents=number + 1)))
    assert {answer.status_code for answer in answers} == {201}
    with database.transaction() as session:
        states = session.scalars(select(Order.state)).all()
    assert sorted(states) == ["open"] + ["superseded"] * (CALLERS - 1)


def test_one_key_at_once_places_one_order(
    client: TestClient, shop: str, database: Database
) -> None:
    sent = {"Idempotency-Key": "once"}

    def call(_number: int) -> Response:
        return client.post(PATH, json=purchase(), headers=sent)

    answers = at_once(call)
    assert sorted(answer.status_code for answer in answers) == [200] * (CALLERS - 1) + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 1
        assert session.scalar(select(func.count()).select_from(Effect)) == 1


def test_an_order_waits_for_whoever_has_the_account(
    client: TestClient, shop: str, services: Services
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with services.database.transaction() as session:
            account = accounts.lock(session, "shop")
            second = pool.submit(client.post, PATH, json=purchase())
            assert not _done_within(second.done, 0.3)
            # What the rules see is what they are charged for: the price cannot move under them.
            quote = make(session, services.catalogue, account, TARGET)
        assert second.result(10).json()["total"]["amount"] == quote.total.amount


def _done_within(done: Callable[[], bool], seconds: float) -> bool:
    waiting = threading.Event()
    waiting.wait(seconds)
    return done()


def test_a_page_that_is_noted_while_its_order_is_superseded_is_closed(
    client: TestClient, shop: str, services: Services
) -> None:
    first = client.post(PATH, json=purchase()).json()["id"]
    with ThreadPoolExecutor(1) as pool:
        with services.database.transaction() as session:
            # As the worker notes a page: the order's row first, then a row of the account's.
            order = session.get_one(Order, first, with_for_update=True)
            second = pool.submit(client.post, PATH, json=purchase())
            assert not _done_within(second.done, 0.3)
            accounts.remember_customer(session, "acme", "payer", order.account_id)
            order.checkout_id, order.checkout_url = "page", "https://pay.acme.example/page"
        assert second.result(10).status_code == 201
    with services.database.transaction() as session:
        assert session.get_one(Order, first).state == "superseded"
        wanted_kinds = select(Effect.kind).where(Effect.target == first).order_by(Effect.id)
        assert session.scalars(wanted_kinds).all() == ["open_checkout", "expire_checkout"]


def test_two_new_orders_cannot_be_open_whatever_the_code_does(
    client: TestClient, shop: str, services: Services
) -> None:
    def place_without_looking() -> None:
        with services.database.transaction() as session:
            account = accounts.lock(session, "shop")
            quote = make(session, services.catalogue, account, TARGET)
            orders.place(
                session, services.catalogue, account, quote, method="card", provider="acme"
            )

    client.post(PATH, json=purchase())
    with pytest.raises(IntegrityError):
        place_without_looking()


def test_an_effect_is_wanted_once_by_two_connections(
    client: TestClient, shop: str, services: Services
) -> None:
    def want(_number: int) -> bool:
        with services.database.transaction() as session:
            account = accounts.lock(session, "shop")
            work = Work(session, services.catalogue, account)
            return work.want("open_checkout", "ord_1", "order:ord_1")

    assert sorted(at_once(want)) == [False] * (CALLERS - 1) + [True]
    with services.database.transaction() as session:
        assert len(effects.claim(session, 10)) == 1
