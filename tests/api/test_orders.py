"""Orders through the API: placing, repeating, superseding, giving up."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from domain.database import Database
from domain.effects import Effect
from domain.invoices import Invoice
from domain.methods import PaymentMethod
from domain.orders import Order
from tests.api.conftest import Worker, purchase
from tests.api.test_accounts import give_credit, subscribe
from tests.contract.acme.ledger import Ledger
from webhooks.api import resource

PATH = "/api/accounts/shop/orders"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody makes pages in this test, so nobody waits for one for long."""
    monkeypatch.setattr(resource, "PATIENCE_S", 0.2)


def effects_of(database: Database) -> list[tuple[str, str]]:
    """Kind and target of every effect wanted, in order."""
    with database.transaction() as session:
        rows = session.execute(select(Effect.kind, Effect.target).order_by(Effect.id))
        return [(kind, target) for kind, target in rows]


def sentences(client: TestClient) -> list[str]:
    """The history of the account, oldest first."""
    items = client.get("/api/accounts/shop/history").json()["items"]
    return [item["sentence"] for item in reversed(items)]


def test_an_order_is_answered_with_the_page_where_it_is_paid(
    client: TestClient, shop: str, working: Worker, ledger: Ledger
) -> None:
    answer = client.post(PATH, json=purchase())
    assert answer.status_code == 201
    order = answer.json()
    assert answer.headers["Location"] == f"/api/orders/{order['id']}"
    assert order["checkout_url"] == "https://pay.acme.example/acme_checkout_1"
    assert (order["state"], order["checkout"], order["method"]) == ("open", "ready", "transfer")
    assert order["total"] == order["due"] == {"amount": 118_580, "currency": "CZK"}
    page = ledger.checkouts["acme_checkout_1"]
    assert (page["reference"], page["cents"]) == (order["id"], 118_580)
    assert page["urls"] == ["https://app.example.com/thanks", "https://app.example.com/plans"]
    assert client.get(f"/api/orders/{order['id']}").json() == order


def test_an_order_whose_page_is_late_is_answered_all_the_same(
    client: TestClient, shop: str, worker: Worker, impatient: None
) -> None:
    order = client.post(PATH, json=purchase()).json()
    assert (order["state"], order["checkout"], order["checkout_url"]) == ("open", "preparing", None)
    assert worker.rung == ["perform_effects"]


def test_an_order_whose_page_cannot_be_made_says_so(
    client: TestClient, shop: str, database: Database, impatient: None
) -> None:
    order_id = client.post(PATH, json=purchase()).json()["id"]
    with database.transaction() as session:
        session.scalars(select(Effect)).one().status = "parked"
    order = client.get(f"/api/orders/{order_id}").json()
    assert (order["checkout"], order["checkout_url"]) == ("failed", None)


def test_a_new_order_supersedes_the_open_one_and_its_page(
    client: TestClient, shop: str, working: Worker, ledger: Ledger, database: Database
) -> None:
    first = client.post(PATH, json=purchase()).json()
    second = client.post(PATH, json=purchase(agents=3)).json()
    working.wait()
    old = client.get(f"/api/orders/{first['id']}").json()
    assert (old["state"], old["checkout_url"]) == ("superseded", None)
    assert client.get("/api/accounts/shop").json()["open_order"]["id"] == second["id"]
    assert ledger.checkouts["acme_checkout_1"]["state"] == "closed"
    assert ledger.checkouts["acme_checkout_2"]["state"] == "open"
    assert f"order {first['id']} superseded by {second['id']}" in sentences(client)
    assert f"purchase order {second['id']} placed: 1778.70 CZK" in sentences(client)


def test_an_order_without_a_page_yet_leaves_none_to_close(
    client: TestClient, shop: str, database: Database, impatient: None
) -> None:
    # Whoever notes a page on a closed order closes it: an effect that found nothing to close
    # would be done with, and the page would stay open.
    first = client.post(PATH, json=purchase()).json()["id"]
    second = client.post(PATH, json=purchase()).json()["id"]
    assert effects_of(database) == [("open_checkout", first), ("open_checkout", second)]


def test_nothing_due_is_paid_at_once_by_credit(
    client: TestClient, shop: str, database: Database, frozen_clock: ModuleType
) -> None:
    subscribe(database, frozen_clock)
    answer = client.post(PATH, json=purchase(agents=1))
    assert answer.status_code == 201
    order = answer.json()
    assert (order["state"], order["method"], order["checkout"]) == ("paid", "credit", None)
    assert order["due"] == {"amount": 0, "currency": "CZK"}
    state = client.get("/api/accounts/shop").json()
    assert state["subscription"]["agents"] == 1
    assert state["credit"] == {"amount": 59_290, "currency": "CZK"}
    assert "open_checkout" not in dict(effects_of(database))
    with database.transaction() as session:
        invoice = session.scalars(select(Invoice)).one()
        assert (invoice.number, invoice.order_id) == ("2026-000001", order["id"])


def test_credit_that_covers_all_is_used_up_to_the_price(
    client: TestClient, shop: str, database: Database
) -> None:
    give_credit(database, 200_000, "CZK")
    order = client.post(PATH, json=purchase()).json()
    assert order["state"] == "paid"
    assert client.get("/api/accounts/shop").json()["credit"]["amount"] == 200_000 - 118_580


def test_the_same_key_and_request_give_the_same_order(
    client: TestClient, shop: str, working: Worker, ledger: Ledger
) -> None:
    sent = {"Idempotency-Key": "purchase 17"}
    first = client.post(PATH, json=purchase(), headers=sent)
    again = client.post(PATH, json=purchase(), headers=sent)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert len(ledger.checkouts) == 1


def test_the_same_key_with_another_request_is_refused(
    client: TestClient, shop: str, impatient: None
) -> None:
    sent = {"Idempotency-Key": "purchase 17"}
    client.post(PATH, json=purchase(), headers=sent)
    answer = client.post(PATH, json=purchase(agents=5), headers=sent)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_a_key_is_of_its_account_alone(client: TestClient, shop: str, impatient: None) -> None:
    sent = {"Idempotency-Key": "17"}
    body = {"email": "b@example.com", "currency": "CZK"}
    client.put("/api/accounts/other", json=body)
    first = client.post(PATH, json=purchase(), headers=sent)
    other = client.post("/api/accounts/other/orders", json=purchase(agents=9), headers=sent)
    assert (first.status_code, other.status_code) == (201, 201)


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\xe9", "a\tb"])
def test_an_odd_key_is_refused(client: TestClient, shop: str, key: str) -> None:
    sent = {b"Idempotency-Key": key.encode("latin-1")}
    answer = client.post(PATH, json=purchase(), headers=sent)
    assert (answer.status_code, answer.json()["code"]) == (400, "header_invalid")


def test_a_method_that_is_off_is_refused_with_those_that_are_on(
    client: TestClient, shop: str
) -> None:
    answer = client.post(PATH, json=purchase(method="card"))
    assert (answer.status_code, answer.json()["code"]) == (422, "method_off")
    assert answer.json()["detail"].endswith("choose one of: transfer, saved.")
    assert client.get("/api/accounts/shop").json()["open_order"] is None


def test_a_refused_order_leaves_the_open_one_open(
    client: TestClient, shop: str, impatient: None
) -> None:
    first = client.post(PATH, json=purchase()).json()
    assert client.post(PATH, json=purchase(method="card")).status_code == 422
    assert client.get(f"/api/orders/{first['id']}").json()["state"] == "open"


def test_the_saved_method_needs_one(client: TestClient, shop: str) -> None:
    answer = client.post(PATH, json={**purchase(), "method": "saved"})
    assert (answer.status_code, answer.json()["code"]) == (422, "method_not_saved")


def test_the_saved_method_is_charged_without_a_page(
    client: TestClient, shop: str, database: Database, impatient: None
) -> None:
    with database.transaction() as session:
        session.add(PaymentMethod(account_id=1, provider="acme", token="t", kind="transfer"))
    body = {name: value for name, value in purchase(method="saved").items() if "url" not in name}
    order = client.post(PATH, json=body).json()
    assert (order["state"], order["method"], order["checkout_url"]) == ("open", "saved", None)
    assert effects_of(database) == [("charge_order", order["id"])]


@pytest.mark.parametrize(
    "changes, code",
    [
        ({"return_url": None}, "urls_missing"),
        ({"cancel_url": None}, "urls_missing"),
        ({"return_url": "javascript:alert(1)"}, "body_invalid"),
        ({"return_url": "/thanks"}, "body_invalid"),
        ({"cancel_url": "https://a b.cz"}, "body_invalid"),
        ({"method": "Card!"}, "body_invalid"),
        ({"conversations": 150}, "conversations_out_of_range"),
    ],
)
def test_a_wrong_order_is_refused(
    client: TestClient, shop: str, changes: dict[str, Any], code: str
) -> None:
    answer = client.post(PATH, json=purchase(**changes))
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_an_order_that_is_given_up_fails_and_its_page_is_closed(
    client: TestClient, shop: str, working: Worker, ledger: Ledger
) -> None:
    order_id = client.post(PATH, json=purchase()).json()["id"]
    answer = client.delete(f"/api/orders/{order_id}")
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["checkout_url"]) == ("failed", None)
    assert answer.json()["failure"] == "cancelled by the customer"
    assert client.delete(f"/api/orders/{order_id}").json() == answer.json()
    working.wait()
    assert ledger.checkouts["acme_checkout_1"]["state"] == "closed"
    assert sentences(client)[-1] == f"order {order_id} given up by the customer"


def test_a_paid_order_cannot_be_given_up(client: TestClient, shop: str, database: Database) -> None:
    give_credit(database, 200_000, "CZK")
    order_id = client.post(PATH, json=purchase()).json()["id"]
    answer = client.delete(f"/api/orders/{order_id}")
    assert (answer.status_code, answer.json()["code"]) == (409, "order_paid")


def test_a_renewal_is_not_given_up_as_an_order(
    client: TestClient, shop: str, database: Database, impatient: None
) -> None:
    order_id = client.post(PATH, json=purchase()).json()["id"]
    with database.transaction() as session:
        session.get_one(Order, order_id).kind = "renewal"
    answer = client.delete(f"/api/orders/{order_id}")
    assert (answer.status_code, answer.json()["code"]) == (409, "order_is_renewal")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_order_is_not_found(client: TestClient, method: str) -> None:
    answer = client.request(method, "/api/orders/ord_none")
    assert (answer.status_code, answer.json()["code"]) == (404, "order_unknown")
