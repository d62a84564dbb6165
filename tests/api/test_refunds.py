"""Refunds through the API: the customer's right, the operator's decision, at once and repeated."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import func, select
from starlette.testclient import TestClient

from domain.database import Database
from domain.effects import Effect
from domain.payments import Payment
from domain.refunds import Refund
from tests.api.conftest import SECRET, Worker, purchase
from tests.contract.acme.ledger import Ledger, delivery

REFUND = "/api/accounts/shop/refund"
PRICE = 118_580
CALLERS = 6


@pytest.fixture
def bought(client: TestClient, shop: str, working: Worker, ledger: Ledger) -> str:
    """The shop has bought and paid; the id of its payment at Acme."""
    client.post("/api/accounts/shop/orders", json=purchase())
    send(client, ledger.pay("acme_checkout_1"))
    working.wait()
    return "acme_payment_1"


@pytest.fixture
def operator(token: Callable[[str], str]) -> dict[str, str]:
    """The headers of an operator."""
    return {"Authorization": f"Bearer {token('operator')}"}


def send(client: TestClient, event: dict[str, Any]) -> None:
    headers, body = delivery(event, SECRET)
    assert client.post("/webhooks/acme", content=body, headers=headers).status_code == 200


def numbers(database: Database) -> tuple[int, int]:
    """How many refunds there are, and how many effects that ask for one."""
    with database.transaction() as session:
        made = session.scalar(select(func.count()).select_from(Refund)) or 0
        wanted = select(func.count()).where(Effect.kind == "refund_payment")
        return made, session.scalar(wanted) or 0


def at_once(call: Callable[[], Response]) -> list[Response]:
    """Make a call several times at the same moment."""
    barrier = threading.Barrier(CALLERS)

    def one(_number: int) -> Response:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(one, range(CALLERS)))


def test_the_customers_refund_ends_the_subscription_and_blocks_the_account(
    client: TestClient, bought: str, working: Worker, ledger: Ledger
) -> None:
    answer = client.post(REFUND)
    assert answer.status_code == 202
    refund = answer.json()
    assert (refund["origin"], refund["payment"], refund["provider"]) == ("customer", bought, "acme")
    assert refund["amount"] == {"amount": PRICE, "currency": "CZK"}
    working.wait()
    for event in [event for event in ledger.events if event["type"] == "refund.completed"]:
        send(client, event)
    working.wait()
    account = client.get("/api/accounts/shop").json()
    assert account["status"] == "blocked"
    assert account["blocked"]["reason"] == "refunded"
    assert account["subscription"]["state"] == "ended"
    assert account["subscription"]["auto_renew"] is False
    again = client.post(REFUND)
    assert (again.status_code, again.json()["code"]) == (409, "already_refunded")
    assert ledger.calls.count("refund") == 1


def test_a_refusal_names_the_rule(client: TestClient, shop: str) -> None:
    answer = client.post(REFUND)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_refund")
    assert client.post("/api/accounts/nobody/refund").status_code == 404


def test_refunds_asked_for_at_once_are_one(
    client: TestClient, bought: str, ledger: Ledger, database: Database, working: Worker
) -> None:
    ledger.down = True
    answers = at_once(lambda: client.post(REFUND))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert numbers(database) == (1, 1)


def test_a_customers_refund_and_an_operators_at_once_never_exceed_the_payment(
    client: TestClient, bought: str, operator: dict[str, str], ledger: Ledger, database: Database
) -> None:
    ledger.down = True
    path = f"/api/payments/{bought}/refund"
    codes = [
        answer.status_code
        for answer in at_once(
            lambda: client.post(path, json={"reason": "goodwill"}, headers=operator)
        )
    ]
    assert sorted(codes) == [202, *[409] * (CALLERS - 1)]
    assert client.post(REFUND).json()["code"] == "already_refunded"
    assert numbers(database) == (1, 1)


def test_an_operator_refunds_a_part_once_per_key(
    client: TestClient,
    bought: str,
    operator: dict[str, str],
    working: Worker,
    database: Database,
) -> None:
    body = {"reason": "two days without service", "amount": {"amount": 500, "currency": "CZK"}}
    headers = {**operator, "Idempotency-Key": "once"}
    path = f"/api/payments/{bought}/refund"
    first, second = (client.post(path, json=body, headers=headers) for _ in range(2))
    assert first.status_code == second.status_code == 202
    assert first.json()["id"] == second.json()["id"]
    working.wait()
    with database.transaction() as session:
        payment = session.scalars(select(Payment)).one()
    assert payment.refunded == 500
    assert numbers(database) == (1, 1)
    assert client.get("/api/accounts/shop").json()["status"] == "active"
    lines = client.get("/api/accounts/shop/history").json()["items"]
    wanted = [line["sentence"] for line in lines if "wanted by operator" in line["sentence"]]
    assert wanted == [
        f"refund of 5.00 CZK of payment {bought} wanted by operator: two days without service"
    ]


def test_a_payment_is_found_by_its_number_here(
    client: TestClient, bought: str, operator: dict[str, str], database: Database
) -> None:
    with database.transaction() as session:
        number = session.scalars(select(Payment.id)).one()
    answer = client.post(
        f"/api/payments/{number}/refund", json={"reason": "goodwill"}, headers=operator
    )
    assert answer.json()["payment"] == bought
    for unknown in ("999999", "9" * 60, "acme_payment_9"):
        path = f"/api/payments/{unknown}/refund"
        refused = client.post(path, json={"reason": "goodwill"}, headers=operator)
        assert (refused.status_code, refused.json()["code"]) == (404, "payment_unknown")


@pytest.mark.parametrize(
    "amount, code",
    [
        ({"amount": PRICE + 1, "currency": "CZK"}, "refund_above_left"),
        ({"amount": 2**80, "currency": "CZK"}, "refund_above_left"),
        ({"amount": 0, "currency": "CZK"}, "refund_amount"),
        ({"amount": -5, "currency": "CZK"}, "refund_amount"),
        ({"amount": 500, "currency": "EUR"}, "refund_amount"),
    ],
)
def test_an_amount_that_cannot_be_refunded_is_refused(
    client: TestClient, bought: str, operator: dict[str, str], amount: dict[str, Any], code: str
) -> None:
    body = {"reason": "goodwill", "amount": amount}
    answer = client.post(f"/api/payments/{bought}/refund", json=body, headers=operator)
    assert answer.status_code == 422
    assert answer.json()["code"] in {code, "body_invalid"}


def test_each_refund_is_for_its_role(
    client: TestClient, bought: str, operator: dict[str, str]
) -> None:
    assert client.post(REFUND, headers=operator).status_code == 403
    path = f"/api/payments/{bought}/refund"
    assert client.post(path, json={"reason": "goodwill"}).status_code == 403
    assert client.post(path, json={}, headers=operator).status_code == 422
