"""PayPal's list of events and its second opinion, against the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import Transient
from tests.providers.paypal.played import Played
from webhooks.providers.paypal import notifications
from webhooks.providers.paypal.verify import PayPalVerifier, identify
from webhooks.providers.provider import Delivery
from webhooks.sandbox.authority import Authority
from webhooks.sandbox.paypal_events import certificate_url
from webhooks.sandbox.paypal_signature import sign


def delivery(paypal: Played, authority: Authority, body: bytes) -> Delivery:
    """A body signed as the sandbox signs it."""
    now = datetime.now(UTC)
    made = sign(authority, paypal.settings.webhook_ids[0], body, now, certificate_url(paypal.world))
    lowered = {name.lower(): value for name, value in made.items()}
    return Delivery(headers=lowered, body=body, received_at=now)


def test_what_was_announced_is_listed_oldest_first_as_it_was_delivered(paypal: Played) -> None:
    paypal.paid()
    now = datetime.now(UTC)
    events = paypal.gateway.list_events(now - timedelta(hours=1), now)

    assert [event["event_type"] for event in events] == paypal.types()
    assert all("transmissions" not in event and "resource" in event for event in events)


def test_the_list_is_read_to_its_last_page(paypal: Played) -> None:
    for number in range(3):
        paypal.paid(f"ord_{number}")
    now = datetime.now(UTC)
    since = now - timedelta(hours=1)
    events = notifications.events(paypal.client, since, now, page_size=2)

    assert [event["event_type"] for event in events] == paypal.types()
    assert len({event["id"] for event in events}) == len(events) > 6


def test_nothing_is_listed_of_another_time(paypal: Played) -> None:
    paypal.paid()
    past = datetime(2020, 1, 1, tzinfo=UTC)

    assert paypal.gateway.list_events(past, past + timedelta(days=1)) == []


def test_a_list_that_cannot_be_had_is_asked_for_later(paypal: Played) -> None:
    paypal.fault("error", path="*/webhooks-events")
    with pytest.raises(Transient):
        paypal.gateway.list_events(datetime(2026, 1, 1, tzinfo=UTC), datetime.now(UTC))


def test_the_listed_order_decides_where_dates_are_odd() -> None:
    dates = ["2018-19-12T22:20:32.000Z", "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"]
    found = sorted(({"create_time": one} for one in dates), key=notifications._created)

    assert [event["create_time"] for event in found] == [dates[0], dates[2], dates[1]]


def test_a_delivery_of_the_sandbox_is_authentic(paypal: Played, authority: Authority) -> None:
    paypal.paid()
    verifier = PayPalVerifier(paypal.settings)
    signed = delivery(paypal, authority, paypal.body("PAYMENT.CAPTURE.COMPLETED"))

    assert verifier.verify(signed).status == "authentic"
    assert identify(signed.body).event_type == "PAYMENT.CAPTURE.COMPLETED"


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "WH-1",  "value": 1.0, "text": "\\u00e9\xc3\xa9\\/"}',
        b'{"id":"WH-1"}\n\n',
        b' {"a":{"b":[1.10,2e3]}}',
    ],
)
def test_paypals_second_opinion_is_on_the_very_bytes(
    paypal: Played, authority: Authority, body: bytes
) -> None:
    signed = delivery(paypal, authority, body.strip())
    other = signed.body.replace(b"WH-1", b"WH-2").replace(b"2e3", b"2000")

    assert paypal.gateway.verify_webhook(signed.headers, signed.body) is True
    assert paypal.gateway.verify_webhook(signed.headers, other) is False


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"a":1},"webhook_id":"WEBHOOK_ID"',
        b'{"a":1}}',
        b"{" * 5000,
        b'{"a":"\xff"}',
    ],
)
def test_a_body_that_is_no_document_is_not_even_asked_about(
    paypal: Played, authority: Authority, body: bytes
) -> None:
    signed = delivery(paypal, authority, body)
    paypal.fault("error", path="*/verify-webhook-signature", count=None)

    assert paypal.gateway.verify_webhook(signed.headers, body) is False
    assert paypal.gateway.verify_webhook({}, b"{}") is False


def test_no_opinion_is_no_refusal(paypal: Played, authority: Authority) -> None:
    signed = delivery(paypal, authority, b'{"id":"WH-1"}')
    paypal.fault("error", path="*/verify-webhook-signature")

    assert paypal.gateway.verify_webhook(signed.headers, signed.body) is None
    assert paypal.gateway.verify_webhook(signed.headers, signed.body) is True


def test_a_certificate_outage_is_overcome_by_the_second_opinion(
    paypal: Played, authority: Authority
) -> None:
    paypal.desk("/certificate", {"outage": True})
    signed = delivery(paypal, authority, b'{"id":"WH-1"}')

    assert PayPalVerifier(paypal.settings).verify(signed).status == "unknown"
    assert paypal.gateway.verify_webhook(signed.headers, signed.body) is True
