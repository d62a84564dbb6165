"""What PayPal's events mean: expected facts, from readings, never from a body alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import Permanent
from domain.facts import Fact
from domain.ports import Reading
from tests.providers.paypal.expected_facts import CAPTURE, EXPECTED
from tests.providers.paypal.samples import FOLDER, event, given, told
from webhooks.providers.paypal import PROVIDER
from webhooks.providers.paypal.translate import HANDLERS, translate
from webhooks.providers.provider import Envelope


def facts(name: str, **resource: Any) -> tuple[Fact, ...]:
    translation, _ = told(event(name, **resource))
    assert translation.ignored == ""
    return translation.facts


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_an_event_means_these_facts(name: str) -> None:
    assert facts(name) == EXPECTED[name]


def test_every_sample_event_has_its_expectation() -> None:
    names = {path.stem for path in (FOLDER / "events").glob("*.json")}

    assert names == {*EXPECTED, "plan_created"}


@pytest.mark.parametrize(
    "name", sorted(set(EXPECTED) - {"order_approved", "token_deleted", "token_created"})
)
def test_nothing_is_said_before_it_was_read(name: str) -> None:
    first = translate(event(name), {})

    assert first.needs
    assert (first.facts, first.ignored) == ((), "")


@pytest.mark.parametrize(
    "name", sorted(set(EXPECTED) - {"order_approved", "token_deleted", "token_created"})
)
def test_what_paypal_does_not_know_is_parked_for_a_person(name: str) -> None:
    stored = event(name)
    nothing = {one: Reading(sequence=1, document=None) for one in translate(stored, {}).needs}

    with pytest.raises(Permanent, match="PayPal knows no"):
        translate(stored, nothing)


def test_a_forged_body_changes_neither_amount_nor_order() -> None:
    honest = facts("capture_completed")
    lying = facts("capture_completed", amount={"currency_code": "CZK", "value": "1.00"})

    assert honest == lying == EXPECTED["capture_completed"]


@pytest.mark.parametrize("currency, value", [("JPY", "500"), ("eur", "5"), ("EUR", "5.001")])
def test_an_amount_that_cannot_be_kept_exactly_is_parked(currency: str, value: str) -> None:
    amount = {"currency_code": currency, "value": value}
    with pytest.raises(Permanent):
        told(event("capture_completed"), given("capture", CAPTURE, amount=amount))


@pytest.mark.parametrize("amount", [None, "49.00", {"value": 49}, {"value": "0.00"}, {}])
def test_a_payment_without_a_proper_amount_is_parked(amount: object) -> None:
    with pytest.raises(Permanent):
        told(event("capture_completed"), given("capture", CAPTURE, amount=amount))


@pytest.mark.parametrize("state", ["", "VOIDED", "completed?"])
def test_an_unknown_state_is_parked(state: str) -> None:
    with pytest.raises(Permanent, match="is not known"):
        told(event("capture_completed"), given("capture", CAPTURE, status=state))


@pytest.mark.parametrize("event_type", sorted(HANDLERS))
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"resource":null}',
        b'{"resource":[]}',
        b'{"resource":{}}',
        b'{"resource":{"id":""}}',
        b'{"resource":{"id":"../../x","dispute_id":"../../x","order_id":"../x"}}',
        b'{"resource":{"id":7,"dispute_id":7}}',
        b'{"resource":' + b"[" * 5000,
    ],
)
def test_a_body_without_what_its_type_must_hold_is_parked(event_type: str, body: bytes) -> None:
    stored = Envelope(
        event_id="WH-1",
        event_type=event_type,
        body=body,
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
    )
    with pytest.raises(Permanent):
        translate(stored, {})


@pytest.mark.parametrize(
    "event_type, reason",
    [
        ("BILLING.PLAN.CREATED", "plans are kept at PayPal"),
        ("PAYMENT.AUTHORIZATION.CREATED", "never authorized first"),
        ("VAULT.CREDIT-CARD.CREATED", "v1 vault"),
        ("CHECKOUT.ORDER.COMPLETED", "the capture's own event"),
        ("SOMETHING.NEW", "unknown event type SOMETHING.NEW"),
    ],
)
def test_what_has_nothing_for_us_is_ignored_with_a_reason(event_type: str, reason: str) -> None:
    stored = Envelope(
        event_id="WH-1",
        event_type=event_type,
        body=b"whatever",
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
    )

    assert reason in translate(stored, {}).ignored


def test_every_type_that_operators_subscribe_to_is_understood() -> None:
    assert set(PROVIDER.event_types) <= set(HANDLERS)
