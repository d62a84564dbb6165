"""A third provider is served by configuration alone: order, page, signed event, subscription."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from domain.errors import Misconfigured
from tests.api.conftest import SECRET, Worker, purchase
from tests.contract.acme.ledger import Ledger, delivery
from tests.contract.acme.verify import HEADER, sign
from webhooks.providers import registry

PATH = "/api/accounts/shop/orders"
PAGE = "acme_checkout_1"


def deliver(client: TestClient, event: dict[str, Any], secret: str = SECRET) -> int:
    """Post a signed event; gives the status."""
    headers, body = delivery(event, secret)
    return client.post("/webhooks/acme", content=body, headers=headers).status_code


@pytest.fixture
def order(client: TestClient, shop: str, working: Worker) -> str:
    """An open order with its page."""
    return str(client.post(PATH, json=purchase()).json()["id"])


def state(client: TestClient) -> dict[str, Any]:
    """The account."""
    answer: dict[str, Any] = client.get("/api/accounts/shop").json()
    return answer


def test_a_transfer_pays_the_order_and_starts_the_subscription(
    client: TestClient, order: str, working: Worker, ledger: Ledger
) -> None:
    assert deliver(client, ledger.pay(PAGE)) == 200
    working.wait()
    assert client.get(f"/api/orders/{order}").json()["state"] == "paid"
    account = state(client)
    assert account["subscription"]["state"] == "active"
    assert account["subscription"]["auto_renew"] is True
    assert account["payment_method"]["label"] == "transfer"
    assert account["next_charge"]["amount"] == {"amount": 118_580, "currency": "CZK"}


def test_a_delayed_transfer_is_pending_and_activates_nothing(
    client: TestClient, order: str, working: Worker, ledger: Ledger
) -> None:
    deliver(client, ledger.delay(PAGE))
    working.wait()
    shown = client.get(f"/api/orders/{order}").json()
    assert (shown["state"], shown["payment"]) == ("open", "pending")
    assert state(client)["subscription"] is None
    deliver(client, ledger.pay(PAGE))
    working.wait()
    assert client.get(f"/api/orders/{order}").json()["payment"] == "succeeded"
    assert state(client)["subscription"]["state"] == "active"


def test_a_failed_transfer_leaves_the_order_open(
    client: TestClient, order: str, working: Worker, ledger: Ledger
) -> None:
    deliver(client, ledger.fail(PAGE))
    working.wait()
    shown = client.get(f"/api/orders/{order}").json()
    assert (shown["state"], shown["payment"]) == ("open", "failed")


def test_the_wrong_amount_becomes_credit(
    client: TestClient, order: str, working: Worker, ledger: Ledger
) -> None:
    deliver(client, ledger.pay(PAGE, cents=100))
    working.wait()
    assert state(client)["subscription"] is None
    assert state(client)["credit"] == {"amount": 100, "currency": "CZK"}


def test_money_for_an_order_that_was_given_up_becomes_credit(
    client: TestClient, order: str, working: Worker, ledger: Ledger
) -> None:
    event = ledger.pay(PAGE)
    client.delete(f"/api/orders/{order}")
    deliver(client, event)
    working.wait()
    assert state(client)["credit"] == {"amount": 118_580, "currency": "CZK"}
    assert client.get(f"/api/orders/{order}").json()["state"] == "failed"


def test_a_notification_that_says_nothing_is_read_from_the_provider(
    client: TestClient, order: str, working: Worker, ledger: Ledger
) -> None:
    ledger.pay(PAGE)
    deliver(client, ledger.thin("acme_payment_1"))
    working.wait()
    assert "read" in ledger.calls
    assert state(client)["subscription"]["state"] == "active"


def test_a_page_that_expired_closes_its_order(
    client: TestClient, order: str, working: Worker, ledger: Ledger
) -> None:
    event = ledger.close(PAGE)
    assert event is not None
    deliver(client, event)
    working.wait()
    assert client.get(f"/api/orders/{order}").json()["state"] == "expired"


def test_a_forged_event_is_refused(client: TestClient, order: str, ledger: Ledger) -> None:
    assert deliver(client, ledger.pay(PAGE), secret="of somebody else") == 400
    headers, body = delivery(ledger.pay(PAGE), SECRET)
    changed = body.replace(b"118580", b"118581")
    assert client.post("/webhooks/acme", content=changed, headers=headers).status_code == 400
    assert client.post("/webhooks/acme", content=body).status_code == 400


def test_an_old_signature_is_refused(
    frozen_clock: ModuleType, client: TestClient, ledger: Ledger
) -> None:
    headers, body = delivery(ledger.event("mandate.ended", mandate="m"), SECRET)
    frozen_clock.advance(timedelta(seconds=121))
    assert client.post("/webhooks/acme", content=body, headers=headers).status_code == 400


def test_a_secret_that_is_being_replaced_still_verifies(client: TestClient, ledger: Ledger) -> None:
    assert deliver(client, ledger.event("other"), secret="acme_secret_of_old") == 200


@pytest.mark.parametrize("body", [b"", b"[]", b'{"id": 5}', b"\xff"])
def test_an_authentic_body_of_any_shape_is_kept(
    client: TestClient, body: bytes, frozen_clock: ModuleType
) -> None:
    stamp = str(int(frozen_clock.now().timestamp()))
    headers = {HEADER: f"{stamp}.{sign(SECRET, stamp, body)}"}
    answer = client.post("/webhooks/acme", content=body, headers=headers)
    assert answer.status_code == 200
    assert msgspec.json.decode(answer.content)["received"] is True


@pytest.mark.parametrize("missing", ["ACME_API_KEY", "ACME_WEBHOOK_SECRETS", "ACME_LEDGER"])
def test_half_a_configuration_names_what_is_missing(environ: dict[str, str], missing: str) -> None:
    del environ[missing]
    with pytest.raises(Misconfigured, match=missing):
        registry(environ)


def test_without_its_settings_the_provider_is_off() -> None:
    assert registry({"BILLHOOK_PROVIDERS": "tests.contract.acme"}).get("acme") is None
