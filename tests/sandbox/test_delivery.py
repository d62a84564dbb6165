"""Webhooks on their way: retries, faults, holding back, signatures, spelling."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
import stripe
from stripe import StripeClient, WebhookSignature

from tests.sandbox.conftest import Sandbox

CHARGE: dict[str, Any] = {
    "amount": 4900,
    "currency": "eur",
    "payment_method": "pm_card_visa",
    "confirm": True,
    "metadata": {"order_id": "order-1"},
}


def new_customers(sandbox: Sandbox, count: int) -> list[str]:
    """Make customers, which makes one event each; the ids of the events."""
    for _ in range(count):
        sandbox.stripe.customers.create()
    return [each["id"] for each in sandbox.world.store.all("stripe.event")]


def test_a_refused_delivery_is_tried_again_with_a_fresh_signature(sandbox: Sandbox) -> None:
    sandbox.receiver.answers = [503, 400]
    (event,) = new_customers(sandbox, 1)
    assert [each["id"] for each in sandbox.received()] == [event] * 3
    (log,) = requests.get(f"{sandbox.base_url}/sandbox/deliveries", timeout=5).json()["items"]
    assert log["state"] == "delivered"
    assert [each["status"] for each in log["tries"]] == [503, 400, 200]


def test_a_delivery_that_never_succeeds_is_given_up(sandbox: Sandbox) -> None:
    sandbox.receiver.answers = [500] * 10
    (event,) = new_customers(sandbox, 1)
    assert len(sandbox.received()) == 4
    assert not sandbox.world.courier.delivered("stripe", event)


def test_a_dead_endpoint_is_noted_without_a_status(sandbox: Sandbox) -> None:
    sandbox.world.deliver_to("http://127.0.0.1:1")
    new_customers(sandbox, 1)
    sandbox.world.courier.settle(5)
    (log,) = sandbox.world.courier.deliveries()
    assert log["state"] == "failed"
    assert all(each["error"] for each in log["tries"])


def test_a_duplicate_is_the_same_event_twice(sandbox: Sandbox) -> None:
    requests.post(
        f"{sandbox.base_url}/sandbox/faults", json={"kind": "duplicate", "count": 1}, timeout=5
    )
    first, second = new_customers(sandbox, 2)
    assert sorted(each["id"] for each in sandbox.received()) == sorted([first, first, second])


def test_a_reordered_event_is_overtaken_by_the_next(sandbox: Sandbox) -> None:
    sandbox.world.faults.add({"kind": "reorder", "count": 1, "seconds": 5})
    first, second = new_customers(sandbox, 2)
    assert [each["id"] for each in sandbox.received()] == [second, first]


def test_a_delayed_event_comes_late(sandbox: Sandbox) -> None:
    sandbox.world.faults.add({"kind": "delay", "count": 1, "seconds": 0.2})
    first, second = new_customers(sandbox, 2)
    assert [each["id"] for each in sandbox.received()] == [second, first]


def test_held_events_are_released_in_any_order_and_again(sandbox: Sandbox) -> None:
    courier = sandbox.world.courier
    courier.hold()
    one, two, three = new_customers(sandbox, 3)
    assert [each.event_id for each in courier.held()] == [one, two, three]
    assert sandbox.received() == []

    assert courier.release([three, one, three]) == [200] * 3
    assert [each["id"] for each in sandbox.received()] == [three, one, three]

    courier.resume()
    assert [each["id"] for each in sandbox.received()][3:] == [two]
    with pytest.raises(KeyError):
        courier.release([one])


def test_a_held_event_can_be_taken_without_http(sandbox: Sandbox) -> None:
    sandbox.world.courier.hold()
    (event,) = new_customers(sandbox, 1)
    headers, body = sandbox.world.courier.transmission(event)
    secret = sandbox.world.credentials.stripe_webhook_secret
    verified = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)
    assert verified.id == event
    assert sandbox.receiver.deliveries == []


def test_a_rolled_secret_signs_twice_until_the_roll_is_over(sandbox: Sandbox) -> None:
    old = sandbox.world.credentials.stripe_webhook_secret
    _, new = sandbox.control("/stripe/secrets/roll")["secrets"]
    new_customers(sandbox, 1)
    sandbox.received()
    (headers, body) = sandbox.receiver.deliveries[0]
    assert headers["Stripe-Signature"].count("v1=") == 2
    for secret in (old, new):
        assert WebhookSignature.verify_header(
            body.decode(), headers["Stripe-Signature"], secret, 300
        )
    assert sandbox.control("/stripe/secrets/roll", finish=True)["secrets"] == [new]


@pytest.mark.parametrize(
    "style,empty", [("spread", b'"preferred_locales": [\n\n      ],'), ("compact", b"[],")]
)
def test_both_spellings_of_the_wire_hold_the_same(
    sandbox: Sandbox, style: str, empty: bytes
) -> None:
    sandbox.control("/stripe/api_version", style=style)
    sandbox.stripe.customers.create({"name": "ends in []", "metadata": {"a": "{}"}})
    (event,) = sandbox.received()
    body = sandbox.receiver.deliveries[0][1]
    assert empty in body
    assert event["data"]["object"]["name"] == "ends in []"
    assert json.loads(body) == event


def test_a_thin_event_names_an_object_and_can_be_fetched(sandbox: Sandbox) -> None:
    related = {"id": "mtr_1", "type": "billing.meter", "url": "/v1/billing/meters/mtr_1"}
    sandbox.control(
        "/stripe/thin", type="v1.billing.meter.error_report_triggered", related_object=related
    )
    ping = sandbox.control("/stripe/thin")["id"]
    sandbox.received()
    client = StripeClient(
        sandbox.world.credentials.stripe_api_key,
        base_addresses={"api": f"{sandbox.base_url}/stripe"},
    )
    secret = sandbox.world.credentials.stripe_webhook_secret
    told = {
        each.type: each
        for each in (
            client.parse_event_notification(body, headers["Stripe-Signature"], secret)
            for headers, body in sandbox.receiver.deliveries
        )
    }
    assert set(told) == {
        "v1.billing.meter.error_report_triggered",
        "v2.core.event_destination.ping",
    }
    assert client.v2.core.events.retrieve(ping).id == ping


def test_one_change_can_be_told_by_two_events(sandbox: Sandbox) -> None:
    (event,) = new_customers(sandbox, 1)
    twin = sandbox.control(f"/stripe/events/{event}/twin")["id"]
    sandbox.control(f"/stripe/events/{event}/resend")
    received = sandbox.received()
    assert sorted(each["id"] for each in received) == sorted([event, event, twin])
    assert len({each["data"]["object"]["id"] for each in received}) == 1


@pytest.mark.parametrize("kind,done", [("timeout", 1), ("timeout_before", 0)])
def test_a_call_without_an_answer_may_have_done_its_work(
    sandbox: Sandbox, kind: str, done: int
) -> None:
    sandbox.world.faults.add({"kind": kind, "count": 1, "path": "/v1/payment_intents"})
    with pytest.raises(stripe.APIConnectionError):
        sandbox.stripe.payment_intents.create(CHARGE, options={"idempotency_key": "k"})
    found = sandbox.stripe.payment_intents.search({"query": "metadata['order_id']:'order-1'"})
    assert len(found.data) == done
    again = sandbox.stripe.payment_intents.create(CHARGE, options={"idempotency_key": "k"})
    assert again.status == "succeeded"
    assert len(sandbox.received("charge.succeeded")) == 1


def test_the_sdk_gets_over_a_call_that_fails_on_the_way(sandbox: Sandbox) -> None:
    sandbox.world.faults.add({"kind": "timeout", "count": 1})
    intent = sandbox.client(retries=2).payment_intents.create(CHARGE)
    assert intent.status == "succeeded"
    assert len(sandbox.received("charge.succeeded")) == 1


def test_failures_on_demand_look_like_stripes_own(sandbox: Sandbox) -> None:
    sandbox.world.faults.add({"kind": "rate_limit", "count": 1, "provider": "stripe"})
    with pytest.raises(stripe.RateLimitError):
        sandbox.stripe.customers.create()
    sandbox.world.faults.add({"kind": "error", "count": 1, "method": "POST"})
    with pytest.raises(stripe.APIError, match="Stripe's side"):
        sandbox.stripe.customers.create()
    sandbox.world.faults.add({"kind": "decline", "count": 1, "code": "insufficient_funds"})
    with pytest.raises(stripe.CardError, match="insufficient funds"):
        sandbox.stripe.payment_intents.create(CHARGE)
    assert sandbox.world.faults.list() == []


def test_faults_are_listed_and_taken_back_over_http(sandbox: Sandbox) -> None:
    url = f"{sandbox.base_url}/sandbox/faults"
    added = requests.post(url, json={"kind": "error", "path": "/v1/*"}, timeout=5).json()["id"]
    (listed,) = requests.get(url, timeout=5).json()["items"]
    assert (listed["id"], listed["kind"]) == (added, "error")
    assert requests.delete(f"{url}/{added}", timeout=5).json() == {"cleared": 1}
    assert requests.post(url, json={"kind": "explode"}, timeout=5).status_code == 400
    assert requests.post(url, data=b"{", timeout=5).status_code == 400
