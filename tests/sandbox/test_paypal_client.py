"""The played PayPal as PayPal's own library meets it.

``playing`` and ``Played`` are also what the other tests of the played PayPal stand on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
import requests
from paypalcheckoutsdk.core import PayPalEnvironment, PayPalHttpClient
from paypalcheckoutsdk.orders import OrdersCaptureRequest, OrdersCreateRequest, OrdersGetRequest
from paypalcheckoutsdk.payments import (
    CapturesGetRequest,
    CapturesRefundRequest,
    RefundsGetRequest,
)
from paypalhttp import HttpError

from webhooks.sandbox.app import create_sandbox
from webhooks.sandbox.authority import Authority
from webhooks.sandbox.paypal_events import use_authority
from webhooks.sandbox.server import SandboxServer
from webhooks.sandbox.world import World

Document = dict[str, Any]
ORDER: Document = {
    "intent": "CAPTURE",
    "purchase_units": [
        {
            "custom_id": "order-1",
            "description": "Standard, 2 agents",
            "amount": {"currency_code": "EUR", "value": "49.00"},
        }
    ],
}


@cache
def authority() -> Authority:
    """One authority for all tests: keys take their time."""
    return Authority.make()


class Call:
    """A request object of an endpoint that the library has no class for."""

    def __init__(self, verb: str, path: str, body: Any = None, **headers: str) -> None:
        self.verb = verb
        self.path = path
        self.body = body
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.headers.setdefault("Content-Type", "application/json")


class RawJson:
    """Passes bytes through as they are; the library would serialise them anew."""

    def content_type(self) -> str:
        return "application/json"

    def encode(self, request: Any) -> Any:
        body = request.body
        return body if isinstance(body, bytes) else json.dumps(body)

    def decode(self, data: str) -> Any:
        return json.loads(data)


class Played:
    """A sandbox, PayPal's library pointed at it, and the desk from which the rest is done.

    Webhooks are held back, so ``events`` shows what would have been sent.
    """

    def __init__(self, world: World, server: SandboxServer) -> None:
        self.world = world
        self.base_url = server.base_url
        self.api = f"{server.base_url}/paypal"
        self.client = self.client_with(world.credentials.paypal_client_secret)
        self.made = 0

    def client_with(self, secret: str) -> Any:
        """The library with this client secret."""
        identity = self.world.credentials.paypal_client_id
        client = PayPalHttpClient(PayPalEnvironment(identity, secret, self.api, self.base_url))
        client.encoder.encoders.insert(0, RawJson())
        return client

    def send(self, verb: str, path: str, body: Any = None, **headers: str) -> Any:
        """Call an endpoint and return the document; raises the library's ``HttpError``."""
        return self.client.execute(Call(verb, path, body, **headers)).result

    def refusal(self, verb: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        """Call an endpoint that refuses: the status and the issue (or the name)."""
        with pytest.raises(HttpError) as caught:
            self.send(verb, path, body, **headers)
        return read_refusal(caught.value)

    def desk(self, path: str, body: Document | None = None, *, status: int = 200) -> Document:
        """Do what a buyer or the dashboard does."""
        url = f"{self.base_url}/sandbox/paypal{path}"
        answer = requests.post(url, json=body or {}, timeout=10)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    def events(self, event_type: str | None = None) -> list[Document]:
        """The bodies of the events so far, oldest first."""
        bodies = [json.loads(message.body) for message in self.world.courier.held()]
        return [body for body in bodies if event_type in (None, body["event_type"])]

    def types(self) -> list[str]:
        """The types of the events so far."""
        return [event["event_type"] for event in self.events()]

    def approved_order(self, body: Document | None = None, **choices: Any) -> str:
        """The id of an order that the buyer has approved."""
        self.made += 1
        request_id = f"order-{self.made}"
        path = "/v2/checkout/orders"
        order = self.send("POST", path, body or ORDER, PayPal_Request_Id=request_id)
        self.desk(f"/orders/{order.id}/approve", choices)
        return str(order.id)

    def captured(self, body: Document | None = None, **choices: Any) -> Document:
        """The capture of an order that the buyer has approved."""
        order = self.approved_order(body, **choices)
        paid = self.send("POST", f"/v2/checkout/orders/{order}/capture", {})
        return dict(paid.purchase_units[0].payments.captures[0].dict())


def read_refusal(error: Any) -> tuple[int, str]:
    """The status of the library's error, and the issue or name in it."""
    document = json.loads(error.message)
    assert document["debug_id"] == error.headers["Paypal-Debug-Id"]
    issues = [detail["issue"] for detail in document["details"]]
    return error.status_code, (issues or [document["name"]])[0]


@contextmanager
def playing(*, seed: int = 5) -> Iterator[Played]:
    """A sandbox that is served over real HTTP and holds its webhooks back."""
    app = create_sandbox(seed=seed)
    world = app.state.world
    use_authority(world, authority())
    world.courier.hold()
    with SandboxServer(app) as server:
        yield Played(world, server)


@pytest.fixture
def paypal() -> Iterator[Played]:
    with playing() as played:
        yield played


def test_an_order_is_made_approved_captured_and_refunded_with_the_library(paypal: Played) -> None:
    create = OrdersCreateRequest()
    create.prefer("return=representation")
    create.request_body(ORDER)
    order = paypal.client.execute(create).result
    assert (order.status, order.purchase_units[0].amount.value) == ("CREATED", "49.00")
    approve = next(link.href for link in order.links if link.rel == "approve")
    assert approve == f"{paypal.base_url}/sandbox/paypal/approve?token={order.id}"

    paypal.desk(f"/orders/{order.id}/approve", {"payer": {"email_address": "ann@example.com"}})
    found = paypal.client.execute(OrdersGetRequest(order.id)).result
    assert (found.status, found.payer.email_address) == ("APPROVED", "ann@example.com")

    answer = paypal.client.execute(OrdersCaptureRequest(order.id))
    capture = answer.result.purchase_units[0].payments.captures[0]
    assert (answer.status_code, answer.result.status, capture.status) == (
        201,
        "COMPLETED",
        "COMPLETED",
    )
    read = paypal.client.execute(CapturesGetRequest(capture.id)).result
    assert (read.custom_id, read.supplementary_data.related_ids.order_id) == ("order-1", order.id)

    give_back = CapturesRefundRequest(capture.id)
    give_back.request_body({"amount": {"currency_code": "EUR", "value": "9.00"}})
    refund = paypal.client.execute(give_back).result
    shown = paypal.client.execute(RefundsGetRequest(refund.id)).result
    assert (shown.amount.value, shown.status) == ("9.00", "COMPLETED")
    again = paypal.client.execute(CapturesGetRequest(capture.id)).result
    assert again.status == "PARTIALLY_REFUNDED"


def test_a_token_is_granted_to_the_client_alone(paypal: Played) -> None:
    with pytest.raises(HttpError) as caught:
        paypal.client_with("wrong").execute(OrdersGetRequest("X"))
    assert caught.value.status_code == 401
    assert json.loads(caught.value.message)["error"] == "invalid_client"


def test_a_revoked_token_is_refused_until_another_is_fetched(paypal: Played) -> None:
    path = "/v2/checkout/orders/NONE"
    assert paypal.refusal("GET", path) == (404, "INVALID_RESOURCE_ID")
    paypal.desk("/tokens/revoke")
    assert paypal.refusal("GET", path) == (401, "AUTHENTICATION_FAILURE")
    secret = paypal.world.credentials.paypal_client_secret
    paypal.client = paypal.client_with(secret)
    assert paypal.refusal("GET", path) == (404, "INVALID_RESOURCE_ID")
