"""The answers that the contract promises to providers, and what is in the inbox behind each."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from domain import clock
from domain.inbox import Delivery
from tests.webhooks.edge import PROBLEM, Edge, edge_on, paypal_event, stripe_event
from webhooks.limits import BODY_BYTES
from webhooks.sandbox.authority import Authority
from webhooks.sandbox.world import World

NEW = {"received": True, "duplicate": False}
DUPLICATE = {"received": True, "duplicate": True}


def check_problem(answer: httpx2.Response, status: int, code: str) -> None:
    """Fail unless the answer is a problem document of this status and code."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    document = answer.json()
    assert (document["status"], document["code"]) == (status, code)
    assert document["type"].endswith(code)
    assert document["title"]
    assert document["detail"]


def test_a_new_event_is_acknowledged_and_the_next_delivery_of_it_is_a_duplicate(
    stored: Edge,
) -> None:
    body = stripe_event()
    answers = [stored.stripe(body), stored.stripe(body)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json() for answer in answers] == [NEW, DUPLICATE]
    assert [event.status for event in stored.events()] == ["received"]
    assert stored.deliveries() == 2


def test_a_redelivery_by_paypal_has_a_new_transmission_and_is_a_duplicate(stored: Edge) -> None:
    body = paypal_event()
    answers = [stored.paypal(body), stored.paypal(body)]
    assert [answer.json() for answer in answers] == [NEW, DUPLICATE]
    assert len(stored.events()) == 1


def test_one_transmission_that_arrives_twice_is_a_duplicate(stored: Edge) -> None:
    body = paypal_event()
    headers = stored.transmission(body)
    answers = [stored.post("paypal", body, headers) for _ in range(2)]
    assert [answer.json() for answer in answers] == [NEW, DUPLICATE]
    assert stored.deliveries() == 1


def test_a_second_body_under_a_known_transmission_id_is_refused_and_not_kept(
    stored: Edge,
) -> None:
    assert stored.paypal(paypal_event("WH-1"), transmission_id="t-1").status_code == 200
    again = stored.paypal(paypal_event("WH-2"), transmission_id="t-1")
    check_problem(again, 400, "not_authentic")
    assert [event.provider_event_id for event in stored.events()] == ["WH-1"]


def test_what_identifies_a_caller_to_us_is_not_stored(edge: Edge) -> None:
    body = stripe_event()
    secrets = {"authorization": "Bearer canary", "cookie": "canary", "proxy-authorization": "c"}
    edge.post("stripe", body, {"user-agent": "Stripe/1.0", **secrets, **edge.signature(body)})
    with edge.runtime.database.transaction() as session:
        headers = session.get_one(Delivery, edge.events()[0].delivery_id).headers
    assert headers["user-agent"] == "Stripe/1.0"
    assert {"authorization", "cookie", "proxy-authorization"}.isdisjoint(headers)


def test_headers_too_long_for_any_provider_are_not_stored(edge: Edge) -> None:
    body = stripe_event()
    many = {"x-long": "a" * 50_000, **{f"x-{n}": "many" for n in range(500)}}
    answer = edge.post("stripe", body, {**edge.signature(body), **many})
    assert answer.status_code == 200
    with edge.runtime.database.transaction() as session:
        headers = session.get_one(Delivery, edge.events()[0].delivery_id).headers
    assert "stripe-signature" in headers
    assert sum(len(name) + len(value) for name, value in headers.items()) < 20_000


STRIPE_FAULTS = {
    "absent": None,
    "empty": "",
    "no items": "bad_header",
    "prose": "i'm not even a real signature header",
    "no time": "v1=" + "0" * 64,
    "wrong": "t={now},v1=" + "0" * 64,
    "only the dummy": "t={now},v0={good}",
    "cut short": "t={now},v1={short}",
    "other letters": "t={now},v1=" + "ä" * 64,
}


@pytest.mark.parametrize("fault", STRIPE_FAULTS)
def test_each_fault_of_a_stripe_signature_is_refused(edge: Edge, fault: str) -> None:
    body = stripe_event()
    good = edge.signature(body)["stripe-signature"].split(",")[1].removeprefix("v1=")
    now = int(clock.now().timestamp())
    header = STRIPE_FAULTS[fault]
    headers = []
    if header is not None:
        text = header.format(now=now, good=good, short=good[:-1])
        headers.append((b"stripe-signature", text.encode()))
    answer = edge.client.post("/webhooks/stripe", content=body, headers=headers)
    check_problem(answer, 400, "not_authentic")
    assert edge.events() == []


@pytest.mark.parametrize("ahead, status", [(-290, 200), (-310, 400), (290, 200), (310, 400)])
def test_a_stripe_signature_holds_for_five_minutes_either_way(
    edge: Edge, ahead: float, status: int
) -> None:
    assert edge.stripe(stripe_event(), ahead=ahead).status_code == status


def test_a_body_changed_in_one_byte_is_refused(edge: Edge) -> None:
    body = stripe_event()
    changed = edge.post("stripe", body[:-1] + b" ", edge.signature(body))
    check_problem(changed, 400, "not_authentic")
    wallet = paypal_event()
    signed = edge.transmission(wallet)
    check_problem(edge.post("paypal", wallet[:-1] + b" ", signed), 400, "not_authentic")
    assert edge.deliveries() == 0


PAYPAL_FAULTS = {
    "paypal-transmission-id": "a b",
    "paypal-transmission-time": "yesterday",
    "paypal-transmission-sig": "!",
    "paypal-auth-algo": "SHA1withRSA",
    "paypal-cert-url": "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
}


@pytest.mark.parametrize("header", PAYPAL_FAULTS)
def test_each_header_of_paypals_signature_must_be_there_and_right(edge: Edge, header: str) -> None:
    body = paypal_event()
    headers = edge.transmission(body)
    wrong = {**headers, header: PAYPAL_FAULTS[header]}
    missing = {name: value for name, value in headers.items() if name != header}
    for sent in (wrong, missing):
        check_problem(edge.post("paypal", body, sent), 400, "not_authentic")
    assert edge.events() == []


def test_a_stranger_cannot_sign_for_paypal(edge: Edge, stranger: Authority) -> None:
    check_problem(edge.paypal(paypal_event(), by=stranger), 400, "not_authentic")


@pytest.mark.parametrize("days", [-3.5, 0.01])
def test_a_transmission_out_of_its_time_is_refused(edge: Edge, days: float) -> None:
    check_problem(edge.paypal(paypal_event(), ahead=days * 86_400), 400, "not_authentic")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_told_which_one_is_allowed(edge: Edge, method: str) -> None:
    answer = edge.client.request(method, "/webhooks/stripe")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert method == "HEAD" or answer.json()["code"] == "method_not_allowed"


@pytest.fixture
def card_only(sqlite_url: str, world: World, authority: Authority) -> Iterator[Edge]:
    """An edge where PayPal has no settings."""
    off = {name: "" for name in world.environment() if name.startswith("PAYPAL_")}
    with edge_on(sqlite_url, world, authority, **off) as edge:
        yield edge


def test_a_provider_without_settings_is_not_found(card_only: Edge) -> None:
    for name in ("paypal", "nobody", "x" * 200, "%2e%2e", "%C3%A9%00"):
        check_problem(card_only.post(name, b"{}", {}), 404, "provider_off")
    assert card_only.stripe(stripe_event()).status_code == 200


def test_a_body_above_the_limit_is_refused_and_one_at_the_limit_is_taken(edge: Edge) -> None:
    head = stripe_event()[:-1] + b',"padding":"'
    largest = head + b"x" * (BODY_BYTES - len(head) - 2) + b'"}'
    assert len(largest) == BODY_BYTES
    assert edge.stripe(largest).status_code == 200
    check_problem(edge.stripe(largest + b" "), 413, "body_too_large")


def test_a_signed_type_that_nobody_knows_is_acknowledged_and_ignored_with_a_reason(
    edge: Edge,
) -> None:
    assert edge.stripe(stripe_event(kind="invention.made")).json() == NEW
    assert edge.paypal(paypal_event(kind="INVENTION.MADE")).json() == NEW
    edge.work()
    assert [event.status for event in edge.events()] == ["ignored", "ignored"]
    assert all(event.note for event in edge.events())


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"{}", b"null", b'"x"', b"\xff\xfe"])
@pytest.mark.parametrize("provider", ["stripe", "paypal"])
def test_a_signed_body_that_is_no_event_is_acknowledged_and_parked(
    edge: Edge, provider: str, body: bytes
) -> None:
    answer = edge.stripe(body) if provider == "stripe" else edge.paypal(body)
    assert answer.json() == NEW
    edge.work()
    (event,) = edge.events()
    assert (event.status, event.type) == ("parked", "malformed")
    assert event.note
    assert event.fingerprint


def test_an_event_of_the_other_mode_is_kept_and_ignored(edge: Edge) -> None:
    body = stripe_event(kind="payment_intent.succeeded", livemode=True)
    assert edge.stripe(body).json() == NEW
    edge.work()
    (event,) = edge.events()
    assert (event.status, event.livemode) == ("ignored", True)
    assert event.note is not None
    assert "live" in event.note
