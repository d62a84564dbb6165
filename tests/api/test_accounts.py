"""Creating, changing and reading accounts."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from domain import credit, orders, subscriptions
from domain.accounts import Account
from domain.database import Database
from domain.effects import Effect
from domain.methods import PaymentMethod
from domain.money import Money
from domain.subscriptions import Subscription, Target
from tests.api.conftest import Worker, details, purchase

START = "2026-03-02T10:00:00Z"


def subscribe(database: Database, clock: ModuleType, **changes: Any) -> None:
    """Give the account ``shop`` a running subscription, bought just now."""
    target = Target(plan="standard", interval="month", agents=2, conversations=100)
    with database.transaction() as session:
        account = session.scalars(select(Account)).one()
        running = subscriptions.start_period(
            session,
            account.id,
            target,
            start=clock.now(),
            net=98_000,
            currency=account.currency,
            order_id=None,
        )
        for name, value in changes.items():
            setattr(running, name, value)


def give_credit(database: Database, amount: int, currency: str) -> None:
    """Book credit for the account ``shop``."""
    with database.transaction() as session:
        account = session.scalars(select(Account)).one()
        credit.book(
            session, account.id, "operator", Money(amount, currency), cause=f"{amount}{currency}"
        )


def test_a_new_account_is_created_and_read_back(client: TestClient) -> None:
    billing = {"name": "Anna s.r.o.", "country": "CZ", "vat_number": "CZ12345679"}
    body = details(locale="cs", billing=billing)
    created = client.put("/api/accounts/shop:1", json=body)
    assert created.status_code == 201
    read = client.get("/api/accounts/shop:1").json()
    assert read == created.json()
    assert read == {
        "ref": "shop:1",
        "email": "anna@example.com",
        "locale": "cs",
        "currency": "CZK",
        "billing": {
            **dict.fromkeys(("street", "city", "postal_code", "email")),
            **billing,
        },
        "status": "active",
        "blocked": None,
        "subscription": None,
        "credit": {"amount": 0, "currency": "CZK"},
        "credit_other": [],
        "payment_method": None,
        "open_order": None,
        "next_charge": None,
        "warnings": [],
        "vat": {"number": "CZ12345679", "status": "unchecked", "checked_at": None},
    }


def test_an_unknown_account_is_not_found(client: TestClient) -> None:
    answer = client.get("/api/accounts/nobody")
    assert (answer.status_code, answer.json()["code"]) == (404, "account_unknown")


def test_an_update_replaces_the_whole_and_is_noted(client: TestClient, shop: str) -> None:
    body = {"email": "b@example.com", "currency": "CZK"}
    answer = client.put(f"/api/accounts/{shop}", json=body)
    assert answer.status_code == 200
    assert answer.json()["email"] == "b@example.com"
    assert answer.json()["billing"]["name"] is None
    newest = client.get(f"/api/accounts/{shop}/history").json()["items"][0]
    assert newest["sentence"] == "account details changed: email, billing"


def test_the_same_update_again_changes_nothing(client: TestClient, shop: str) -> None:
    assert client.put(f"/api/accounts/{shop}", json=details()).status_code == 200
    items = client.get(f"/api/accounts/{shop}/history").json()["items"]
    assert [item["kind"] for item in items] == ["account_created"]


@pytest.mark.parametrize(
    "country, hint", [("UK", "GB is meant"), ("EL", "GR is meant"), ("XX", "")]
)
def test_a_country_that_does_not_exist_is_refused(
    client: TestClient, country: str, hint: str
) -> None:
    answer = client.put("/api/accounts/shop", json=details(billing={"country": country}))
    assert (answer.status_code, answer.json()["code"]) == (422, "country_unknown")
    assert hint in answer.json()["detail"]
    assert client.get("/api/accounts/shop").status_code == 404


def test_the_currency_changes_while_nothing_hangs_on_it(client: TestClient, shop: str) -> None:
    answer = client.put(f"/api/accounts/{shop}", json=details(currency="EUR"))
    assert answer.json()["credit"] == {"amount": 0, "currency": "EUR"}


def test_the_currency_stays_while_a_subscription_runs(
    client: TestClient, shop: str, database: Database, frozen_clock: ModuleType
) -> None:
    subscribe(database, frozen_clock)
    answer = client.put(f"/api/accounts/{shop}", json=details(currency="EUR"))
    assert (answer.status_code, answer.json()["code"]) == (409, "currency_fixed")
    assert "runs until 2026-04-02" in answer.json()["detail"]


def test_the_currency_changes_after_the_subscription_ended(
    client: TestClient, shop: str, database: Database, frozen_clock: ModuleType
) -> None:
    subscribe(database, frozen_clock, state="expired")
    assert client.put(f"/api/accounts/{shop}", json=details(currency="EUR")).status_code == 200


@pytest.mark.parametrize("currency", ["CZK", "USD"])
def test_the_currency_stays_while_there_is_credit_in_any(
    client: TestClient, shop: str, database: Database, currency: str
) -> None:
    give_credit(database, 500, currency)
    answer = client.put(f"/api/accounts/{shop}", json=details(currency="EUR"))
    assert (answer.status_code, answer.json()["code"]) == (409, "currency_fixed")
    assert f"5.00 {currency}" in answer.json()["detail"]
    assert client.get(f"/api/accounts/{shop}").json()["currency"] == "CZK"


def test_a_new_currency_drops_the_open_order_and_its_page(
    client: TestClient, shop: str, database: Database, working: Worker
) -> None:
    placed = client.post(f"/api/accounts/{shop}/orders", json=purchase()).json()
    assert client.put(f"/api/accounts/{shop}", json=details(currency="EUR")).status_code == 200
    assert client.get(f"/api/orders/{placed['id']}").json()["state"] == "superseded"
    assert client.get(f"/api/accounts/{shop}").json()["open_order"] is None
    with database.transaction() as session:
        kinds = session.scalars(select(Effect.kind).order_by(Effect.id)).all()
    assert kinds == ["open_checkout", "expire_checkout"]


def test_credit_is_shown_per_currency(client: TestClient, shop: str, database: Database) -> None:
    give_credit(database, 500, "CZK")
    give_credit(database, 700, "USD")
    give_credit(database, 900, "EUR")
    give_credit(database, -900, "EUR")
    state = client.get(f"/api/accounts/{shop}").json()
    assert state["credit"] == {"amount": 500, "currency": "CZK"}
    assert state["credit_other"] == [{"amount": 700, "currency": "USD"}]


def test_the_next_charge_is_the_renewal_with_vat_less_credit(
    client: TestClient, shop: str, database: Database, frozen_clock: ModuleType
) -> None:
    subscribe(database, frozen_clock)
    give_credit(database, 10_000, "CZK")
    state = client.get(f"/api/accounts/{shop}").json()
    assert state["subscription"] == {
        "plan": "standard",
        "interval": "month",
        "agents": 2,
        "conversations": 100,
        "period_start": START,
        "period_end": "2026-04-02T10:00:00Z",
        "auto_renew": True,
        "auto_renew_off_reason": None,
        "state": "active",
        "managed_by": "us",
    }
    # 2 × 490.00 and 21 % VAT, less 100.00 of credit, a day before the end.
    amount = {"amount": 118_580 - 10_000, "currency": "CZK"}
    assert state["next_charge"] == {"at": "2026-04-01T10:00:00Z", "amount": amount}


@pytest.mark.parametrize(
    "changes", [{"auto_renew": False}, {"managed_by": "acme"}, {"state": "expired"}]
)
def test_there_is_no_next_charge_when_we_do_not_renew(
    client: TestClient,
    shop: str,
    database: Database,
    frozen_clock: ModuleType,
    changes: dict[str, Any],
) -> None:
    subscribe(database, frozen_clock, **changes)
    assert client.get(f"/api/accounts/{shop}").json()["next_charge"] is None


def test_the_end_is_warned_of_when_it_is_near_and_will_not_renew(
    client: TestClient, shop: str, database: Database, frozen_clock: ModuleType
) -> None:
    subscribe(database, frozen_clock, auto_renew=False)
    path = f"/api/accounts/{shop}"
    frozen_clock.advance(timedelta(days=23))
    assert client.get(path).json()["warnings"] == []
    frozen_clock.advance(timedelta(days=2))
    warning = {"kind": "subscription_ends", "ends_at": "2026-04-02T10:00:00Z", "days_left": 6}
    assert client.get(path).json()["warnings"] == [warning]
    frozen_clock.advance(timedelta(days=5, hours=20))
    assert client.get(path).json()["warnings"][0]["days_left"] == 1
    frozen_clock.advance(timedelta(hours=4))
    assert client.get(path).json()["warnings"] == []


def test_a_block_is_shown_with_reason_and_time(
    client: TestClient, shop: str, database: Database, frozen_clock: ModuleType
) -> None:
    with database.transaction() as session:
        account = session.scalars(select(Account)).one()
        account.status, account.blocked_reason = "blocked", "refunded"
        account.blocked_at = frozen_clock.now()
    state = client.get(f"/api/accounts/{shop}").json()
    assert state["status"] == "blocked"
    assert state["blocked"] == {"reason": "refunded", "at": START}


def test_the_saved_method_is_shown_by_its_label(
    client: TestClient, shop: str, database: Database
) -> None:
    with database.transaction() as session:
        account = session.scalars(select(Account)).one()
        card = {"kind": "card", "brand": "visa", "last4": "4242", "expires": "2029-08"}
        session.add(PaymentMethod(account_id=account.id, provider="acme", token="t", **card))
    shown = client.get(f"/api/accounts/{shop}").json()["payment_method"]
    assert shown == {"label": "visa ····4242", **card}


def test_the_open_order_is_shown_until_it_is_closed(
    client: TestClient, shop: str, database: Database, working: Worker
) -> None:
    placed = client.post(f"/api/accounts/{shop}/orders", json=purchase()).json()
    shown = client.get(f"/api/accounts/{shop}").json()["open_order"]
    names = ("id", "state", "total", "due", "checkout_url", "expires_at")
    assert shown == {name: placed[name] for name in names}
    with database.transaction() as session:
        order = orders.find(session, placed["id"])
        orders.close(order, "expired", order.expires_at)
    assert client.get(f"/api/accounts/{shop}").json()["open_order"] is None


def test_a_subscription_of_the_past_stays_visible(
    client: TestClient, shop: str, database: Database, frozen_clock: ModuleType
) -> None:
    subscribe(database, frozen_clock, state="ended", auto_renew=False)
    with database.transaction() as session:
        session.scalars(select(Subscription)).one().auto_renew_off_reason = "refunded"
    shown = client.get(f"/api/accounts/{shop}").json()["subscription"]
    assert (shown["state"], shown["auto_renew_off_reason"]) == ("ended", "refunded")
