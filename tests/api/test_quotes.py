"""Quotes through the API: what is priced, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from starlette.testclient import TestClient

from domain.database import Database
from tests.api.conftest import details, wanted
from tests.api.test_accounts import give_credit, subscribe

PATH = "/api/accounts/shop/quotes"


def czk(amount: int) -> dict[str, Any]:
    """Money in CZK."""
    return {"amount": amount, "currency": "CZK"}


def test_a_first_purchase_is_priced_with_lines_and_vat(
    client: TestClient, shop: str, frozen_clock: ModuleType
) -> None:
    answer = client.post(PATH, json=wanted(conversations=300))
    assert answer.status_code == 200
    line = {"plan": "standard", "interval": "month", "quantity": 2}
    assert answer.json() == {
        "lines": [
            {"item": "agents", **line, "unit_price": czk(49_000), "net": czk(98_000)},
            {"item": "conversations", **line, "unit_price": czk(25_000), "net": czk(50_000)},
        ],
        "price": czk(148_000),
        "discount": czk(0),
        "net": czk(148_000),
        "vat": {"treatment": "domestic", "country": "CZ", "percent": "21", "amount": czk(31_080)},
        "total": czk(179_080),
        "credit_used": czk(0),
        "due": czk(179_080),
        "credit_earned": czk(0),
        "period": {"start": "2026-03-02T10:00:00Z", "end": "2026-04-02T10:00:00Z"},
    }


def test_unused_time_is_a_discount_and_credit_is_used(
    client: TestClient, shop: str, database: Database, frozen_clock: ModuleType
) -> None:
    subscribe(database, frozen_clock)
    give_credit(database, 1_000, "CZK")
    frozen_clock.advance(timedelta(days=15, hours=12))
    quote = client.post(PATH, json=wanted(plan="pro", conversations=500)).json()
    assert quote["price"] == czk(198_000)
    assert quote["discount"] == czk(49_000)
    assert quote["total"] == czk(180_290)
    assert quote["credit_used"] == czk(1_000)
    assert quote["due"] == czk(179_290)


def test_what_exceeds_the_price_is_credit_with_its_tax(
    client: TestClient, shop: str, database: Database, frozen_clock: ModuleType
) -> None:
    subscribe(database, frozen_clock)
    quote = client.post(PATH, json=wanted(agents=1)).json()
    assert quote["discount"] == czk(49_000)
    assert quote["due"] == czk(0)
    assert quote["credit_earned"] == czk(59_290)


def test_a_quote_leaves_nothing_behind(client: TestClient, shop: str) -> None:
    client.post(PATH, json=wanted())
    assert client.get("/api/accounts/shop").json()["open_order"] is None
    assert len(client.get("/api/accounts/shop/history").json()["items"]) == 1


def test_a_year_cannot_become_a_month(
    client: TestClient, shop: str, database: Database, frozen_clock: ModuleType
) -> None:
    subscribe(database, frozen_clock, interval="year")
    answer = client.post(PATH, json=wanted())
    assert (answer.status_code, answer.json()["code"]) == (409, "year_to_month")
    assert "contact support" in answer.json()["detail"]


def test_a_subscription_that_a_provider_runs_is_not_quoted(
    client: TestClient, shop: str, database: Database, frozen_clock: ModuleType
) -> None:
    subscribe(database, frozen_clock, managed_by="acme")
    answer = client.post(PATH, json=wanted())
    assert (answer.status_code, answer.json()["code"]) == (409, "managed_elsewhere")


@pytest.mark.parametrize(
    "changes, code",
    [
        ({"plan": "gold"}, "body_invalid"),
        ({"interval": "week"}, "body_invalid"),
        ({"agents": 0}, "body_invalid"),
        ({"agents": 100_001}, "body_invalid"),
        ({"agents": 1.5}, "body_invalid"),
        ({"agents": "2"}, "body_invalid"),
        ({"agents": True}, "body_invalid"),
        ({"agents": 10**30}, "body_invalid"),
        ({"conversations": 50}, "conversations_out_of_range"),
        ({"conversations": 150}, "conversations_out_of_range"),
        ({"conversations": 600}, "conversations_out_of_range"),
        ({"coupon": "FREE"}, "body_invalid"),
    ],
)
def test_what_is_not_sold_is_refused(
    client: TestClient, shop: str, changes: dict[str, Any], code: str
) -> None:
    answer = client.post(PATH, json=wanted(**changes))
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_an_unknown_account_gets_no_quote(client: TestClient) -> None:
    answer = client.post("/api/accounts/nobody/quotes", json=wanted())
    assert answer.json()["code"] == "account_unknown"


@pytest.mark.parametrize(
    "country, treatment, percent",
    [("CZ", "domestic", "21"), ("DE", "consumer", "19"), ("US", "outside", "0")],
)
def test_the_country_decides_the_vat(
    client: TestClient, country: str, treatment: str, percent: str
) -> None:
    client.put("/api/accounts/shop", json=details(billing={"country": country}))
    vat = client.post(PATH, json=wanted()).json()["vat"]
    assert (vat["treatment"], vat["country"], vat["percent"]) == (treatment, country, percent)
