"""Operators' decisions through the API, their lines in the audit log, and who may make them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from domain.database import Database
from domain.effects import Effect
from tests.api.conftest import Worker, purchase, wanted
from tests.api.test_inbox import Caller, send
from tests.contract.acme.ledger import Ledger
from webhooks.api import OPERATIONS

WHY = {"reason": "the customer asked for it on the phone"}
ACTS = [one for one in OPERATIONS if one.roles == frozenset({"operator"})]
READS = [one for one in OPERATIONS if one.roles == frozenset({"viewer"})]


@pytest.fixture
def operator(anonymous: TestClient, token: Callable[[str], str]) -> Caller:
    return Caller(anonymous, token("operator"))


@pytest.fixture
def subscribed(
    client: TestClient, shop: str, working: Worker, ledger: Ledger
) -> Callable[[str], None]:
    """Has the shop buy for an interval."""

    def buy(interval: str = "month") -> None:
        client.post(f"/api/accounts/{shop}/orders", json=purchase(interval=interval))
        send(client, ledger.pay("acme_checkout_1"))
        working.wait()

    return buy


def lines(operator: Caller) -> list[tuple[str, str, str | None]]:
    """The audit log, the first line first."""
    items = operator.get("/api/audit?account=shop")["items"]
    return [(line["action"], line["subject"], line["reason"]) for line in items[::-1]]


def mails(database: Database) -> int:
    """How many mails with a paper were wanted."""
    statement = select(func.count()).where(Effect.kind == "send_mail", Effect.target == "receipt")
    with database.transaction() as session:
        return session.scalar(statement) or 0


def test_an_account_is_blocked_and_unblocked(operator: Caller, shop: str) -> None:
    blocked = operator.post("/api/accounts/shop/block", 200, WHY)
    assert (blocked["status"], blocked["blocked"]["reason"]) == ("blocked", "operator")
    assert operator.post("/api/accounts/shop/block", 409, WHY)["code"] == "already_blocked"
    assert operator.post("/api/accounts/shop/unblock", 200, WHY)["status"] == "active"
    assert operator.post("/api/accounts/shop/unblock", 409, WHY)["code"] == "not_blocked"
    operator.post("/api/accounts/nobody/block", 404, WHY)
    operator.post("/api/accounts/shop/block", 422, {"reason": " "})
    assert lines(operator) == [
        ("block", "account:shop", WHY["reason"]),
        ("unblock", "account:shop", WHY["reason"]),
    ]


def test_a_year_becomes_a_month_by_an_operators_order(
    operator: Caller, subscribed: Callable[[str], None], working: Worker
) -> None:
    subscribed("year")
    body = {**wanted(interval="month"), **WHY}
    key = {"Idempotency-Key": "once"}
    order = operator.post("/api/accounts/shop/order", 201, body, **key)
    assert (order["state"], order["due"]["amount"]) == ("paid", 0)
    again = operator.post("/api/accounts/shop/order", 200, body, **key)
    assert again["id"] == order["id"]
    other = {**body, "agents": 3}
    refused = operator.post("/api/accounts/shop/order", 422, other, **key)
    assert refused["code"] == "idempotency_key_reused"
    assert lines(operator) == [("order", f"order:{order['id']}", WHY["reason"])]


def test_an_invoice_is_mailed_again_once_per_key(
    operator: Caller, client: TestClient, subscribed: Callable[[str], None], database: Database
) -> None:
    subscribed("month")
    [invoice] = client.get("/api/accounts/shop/invoices").json()["items"]
    path = f"/api/invoices/{invoice['number']}/resend"
    key = {"Idempotency-Key": "k1"}
    for _ in range(2):
        resent = operator.post(path, 202, WHY, **key)
        assert (resent["number"], resent["account"]) == (invoice["number"], "shop")
    assert mails(database) == 2
    operator.post(path, 202, WHY)
    assert mails(database) == 3
    operator.post("/api/invoices/2000-000001/resend", 404, WHY)
    assert [line[0] for line in lines(operator)] == ["resend", "resend"]


def test_a_refund_is_told_in_the_audit_log_once(
    operator: Caller, subscribed: Callable[[str], None], working: Worker
) -> None:
    subscribed("month")
    body = {**WHY, "amount": {"amount": 1000, "currency": "CZK"}}
    for _ in range(2):
        operator.post("/api/payments/acme_payment_1/refund", 202, body, **{"Idempotency-Key": "r"})
    [(action, subject, reason)] = lines(operator)
    assert (action, reason) == ("refund", WHY["reason"])
    assert subject.startswith("payment:")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("operation", ACTS, ids=lambda one: one.name)
def test_only_an_operator_may_act(
    anonymous: TestClient, token: Callable[[str], str], operation: Any
) -> None:
    path = operation.path.format(ref="shop", id="1", number="2026-000001")
    for role, status in (("viewer", 403), ("app", 403), (None, 401)):
        headers = {"Authorization": f"Bearer {token(role)}"} if role else {}
        answer = anonymous.request(operation.method, path, json=operation.example, headers=headers)
        assert answer.status_code == status, (role, answer.text)
    headers = {"Authorization": f"Bearer {token('operator')}"}
    answer = anonymous.request(operation.method, path, json=operation.example, headers=headers)
    assert answer.status_code in {200, 404, 409, 422}, answer.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("operation", READS, ids=lambda one: one.name)
def test_viewers_and_operators_may_read_and_the_app_may_not(
    anonymous: TestClient, token: Callable[[str], str], operation: Any
) -> None:
    path = operation.path.format(ref="shop", id="1", number="2026-000001")
    for role, statuses in (("viewer", {200, 404}), ("operator", {200, 404}), ("app", {403})):
        headers = {"Authorization": f"Bearer {token(role)}"}
        answer = anonymous.request(operation.method, path, headers=headers)
        assert answer.status_code in statuses, (role, answer.text)
