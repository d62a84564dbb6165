"""Saved payment methods of the played PayPal: saved, charged in the payer's absence, forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.sandbox.test_paypal_client import ORDER, Document, Played, playing

ORDERS = "/v2/checkout/orders"
TOKENS = "/v3/vault/payment-tokens"
WISH = {"store_in_vault": "ON_SUCCESS", "usage_type": "MERCHANT"}
SAVING: Document = {**ORDER, "payment_source": {"paypal": {"attributes": {"vault": WISH}}}}


@pytest.fixture
def paypal() -> Iterator[Played]:
    with playing() as played:
        yield played


def saved(paypal: Played, **choices: Any) -> Document:
    """What the capture of an order says of the method saved with it."""
    order = paypal.approved_order(SAVING, **choices)
    paid = paypal.send("POST", f"{ORDERS}/{order}/capture", {})
    return dict(paid.payment_source.paypal.dict().get("attributes", {}).get("vault", {}))


def charged(paypal: Played, token: str, *, source: Document | None = None) -> Any:
    """A renewal: an order charged to a saved method at once."""
    body = {**ORDER, "payment_source": source or {"paypal": {"vault_id": token}}}
    return paypal.send("POST", ORDERS, body, PayPal_Request_Id="renewal-1")


def test_a_method_is_saved_with_a_purchase_and_announced(paypal: Played) -> None:
    vault = saved(paypal)
    assert vault["status"] == "VAULTED"
    (event,) = paypal.events("VAULT.PAYMENT-TOKEN.CREATED")
    resource = event["resource"]
    assert event["resource_version"] == "3.0"
    assert (resource["id"], resource["customer"]) == (vault["id"], vault["customer"])
    (order,) = paypal.world.store.all("paypal_order")
    assert resource["metadata"]["order_id"] == order["id"]
    assert resource["payment_source"]["paypal"]["usage_type"] == "MERCHANT"
    shown = paypal.send("GET", f"{TOKENS}/{vault['id']}").dict()
    assert shown["payment_source"]["paypal"]["email_address"] == "buyer@example.com"


def test_a_method_may_be_named_by_the_event_alone(paypal: Played) -> None:
    assert saved(paypal, vault="later") == {"status": "APPROVED"}
    assert len(paypal.events("VAULT.PAYMENT-TOKEN.CREATED")) == 1


def test_nothing_is_saved_without_consent_or_without_money(paypal: Played) -> None:
    assert saved(paypal, vault=False) == {}
    assert saved(paypal, capture="PENDING") == {}
    assert paypal.events("VAULT.PAYMENT-TOKEN.CREATED") == []


def test_a_known_customer_keeps_the_id_and_the_methods_are_listed(paypal: Played) -> None:
    attributes = {"vault": WISH, "customer": {"id": "cust-1"}}
    body = {**ORDER, "payment_source": {"paypal": {"attributes": attributes}}}
    paypal.captured(body)
    listed = paypal.send("GET", f"{TOKENS}?customer_id=cust-1").dict()
    assert listed["total_items"] == 1
    assert listed["payment_tokens"][0]["customer"]["id"] == "cust-1"
    assert paypal.refusal("GET", TOKENS) == (400, "MISSING_REQUIRED_PARAMETER")


@pytest.mark.parametrize("way", ["vault_id", "token"])
def test_a_saved_method_is_charged_at_once_and_once(paypal: Played, way: str) -> None:
    token = saved(paypal)["id"]
    source = {"token": {"id": token, "type": "PAYMENT_METHOD_TOKEN"}} if way == "token" else {}
    paid = charged(paypal, token, source=source)
    assert paid.status == "COMPLETED"
    capture = paid.purchase_units[0].payments.captures[0]
    assert (capture.status, capture.custom_id) == ("COMPLETED", "order-1")
    assert charged(paypal, token, source=source).id == paid.id
    assert paypal.types().count("PAYMENT.CAPTURE.COMPLETED") == 2
    assert paypal.types().count("CHECKOUT.ORDER.APPROVED") == 1


@pytest.mark.parametrize(
    "behaviour,issue",
    [
        ("decline", "INSTRUMENT_DECLINED"),
        ("payer_action", "PAYER_ACTION_REQUIRED"),
        ("TRANSACTION_REFUSED", "TRANSACTION_REFUSED"),
    ],
)
def test_a_saved_method_can_refuse_and_recover(paypal: Played, behaviour: str, issue: str) -> None:
    token = saved(paypal)["id"]
    paypal.desk(f"/vault/{token}", {"behaviour": behaviour})
    body = {**ORDER, "payment_source": {"paypal": {"vault_id": token}}}
    assert paypal.refusal("POST", ORDERS, body, PayPal_Request_Id="renewal-1") == (422, issue)
    assert len(paypal.world.store.all("paypal_order")) == 1
    paypal.desk(f"/vault/{token}", {"behaviour": "accept"})
    assert charged(paypal, token).status == "COMPLETED"


def test_a_charge_to_a_saved_method_can_be_held(paypal: Played) -> None:
    token = saved(paypal)["id"]
    paypal.desk(f"/vault/{token}", {"behaviour": "pending"})
    paid = charged(paypal, token)
    assert paid.purchase_units[0].payments.captures[0].status == "PENDING"
    paypal.desk(f"/vault/{token}", {"behaviour": "explode"}, status=400)


def test_a_forgotten_method_is_announced_and_cannot_be_charged(paypal: Played) -> None:
    first, second = saved(paypal)["id"], saved(paypal)["id"]
    paypal.send("DELETE", f"{TOKENS}/{first}")
    assert paypal.refusal("GET", f"{TOKENS}/{first}") == (404, "INVALID_RESOURCE_ID")
    url = f"{paypal.base_url}/sandbox/paypal/vault/{second}"
    assert requests.delete(url, timeout=10).status_code == 200
    assert paypal.types()[-2:] == [
        "VAULT.PAYMENT-TOKEN.DELETION-INITIATED",
        "VAULT.PAYMENT-TOKEN.DELETED",
    ]
    body = {**ORDER, "payment_source": {"paypal": {"vault_id": second}}}
    refused = paypal.refusal("POST", ORDERS, body, PayPal_Request_Id="a")
    assert refused == (422, "TOKEN_ID_NOT_FOUND")


def test_a_method_is_saved_without_a_purchase(paypal: Played) -> None:
    context = {"return_url": "http://shop/back", "cancel_url": "http://shop/cart"}
    wallet = {"usage_type": "MERCHANT", "experience_context": context}
    asked = {"payment_source": {"paypal": wallet}, "customer": {"id": "cust-1"}}
    setup = paypal.send("POST", "/v3/vault/setup-tokens", asked)
    exchange = {"payment_source": {"token": {"id": setup.id, "type": "SETUP_TOKEN"}}}
    assert setup.status == "PAYER_ACTION_REQUIRED"
    assert paypal.refusal("POST", TOKENS, exchange) == (422, "PAYER_ACTION_REQUIRED")

    page = next(link.href for link in setup.links if link.rel == "approve")
    answer = requests.post(page, data={"choice": "approve"}, allow_redirects=False, timeout=10)
    assert answer.headers["Location"].startswith(
        f"http://shop/back?approval_token_id={setup.id}&approval_session_id="
    )
    assert paypal.send("GET", f"/v3/vault/setup-tokens/{setup.id}").status == "APPROVED"
    token = paypal.send("POST", TOKENS, exchange)
    assert token.customer.id == "cust-1"
    assert paypal.refusal("POST", TOKENS, exchange) == (422, "SETUP_TOKEN_ALREADY_TOKENIZED")
    assert charged(paypal, token.id).status == "COMPLETED"


def test_a_setup_token_is_approved_from_the_desk(paypal: Played) -> None:
    setup = paypal.send("POST", "/v3/vault/setup-tokens", {"payment_source": {"paypal": {}}})
    paypal.desk(f"/setup-tokens/{setup.id}/approve", {"payer": {"email_address": "a@b.cz"}})
    exchange = {"payment_source": {"token": {"id": setup.id, "type": "SETUP_TOKEN"}}}
    token = paypal.send("POST", TOKENS, exchange)
    assert token.payment_source.paypal.email_address == "a@b.cz"
    assert paypal.refusal("POST", "/v3/vault/setup-tokens", {})[1] == "MISSING_REQUIRED_PARAMETER"
