"""The events of the played PayPal: as real ones look, listed, sent again; and disputes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.test_paypal_client import ORDER, Document, Played, playing
from tests.sandbox.test_paypal_subscriptions import begun

EVENTS = "/v1/notifications/webhooks-events"


@pytest.fixture
def paypal() -> Iterator[Played]:
    with playing() as played:
        yield played


def shape(value: Any) -> Any:
    """The kind of a JSON value; of an object the kind of each member."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return type(value).__name__


def strangers(ours: Any, real: Any, path: str = "") -> list[str]:
    """Where a document of ours is of another kind than the real one, among what both have."""
    if not isinstance(ours, dict) or not isinstance(real, dict):
        return [] if ours == real else [f"{path}: {ours} instead of {real}"]
    common = ours.keys() & real.keys()
    return [
        s for name in sorted(common) for s in strangers(ours[name], real[name], f"{path}/{name}")
    ]


def check_like(ours: Document, real: Document, *, required: set[str]) -> None:
    """An event of ours has the envelope of the real one, and its resource what is ``required``."""
    informal = {"status", "transmissions"}
    assert ours.keys() == real.keys() - informal
    assert required <= ours["resource"].keys() & real["resource"].keys()
    assert strangers(shape(ours), shape(real)) == []
    same = ("event_version", "resource_type", "event_type", "resource_version")
    assert {name: ours.get(name) for name in same} == {name: real.get(name) for name in same}


def test_events_look_like_those_that_paypal_signed(paypal: Played, provider_samples: Path) -> None:
    folder = provider_samples / "paypal" / "signatures"

    def real(name: str) -> Document:
        return dict(json.loads((folder / f"traktormaster_HOOK_{name}_V2.body.json").read_text()))

    purchase = {**ORDER["purchase_units"][0], "invoice_id": "2026-1"}
    capture = paypal.captured({**ORDER, "purchase_units": [purchase]})["id"]
    paypal.desk(f"/captures/{capture}/refund", {"amount": "1.00"})
    paypal.desk(f"/captures/{capture}", {"status": "PENDING"})
    money = {"id", "amount", "status", "links", "create_time", "update_time"}
    completed = paypal.events("PAYMENT.CAPTURE.COMPLETED")[0]
    extra = {"invoice_id", "supplementary_data", "final_capture", "seller_receivable_breakdown"}
    check_like(completed, real("PAYMENT_CAPTURE_COMPLETED"), required=money | extra)
    refunded = paypal.events("PAYMENT.CAPTURE.REFUNDED")[0]
    check_like(
        refunded, real("PAYMENT_CAPTURE_REFUNDED"), required=money | {"seller_payable_breakdown"}
    )
    pending = paypal.events("PAYMENT.CAPTURE.PENDING")[0]
    check_like(pending, real("PAYMENT_CAPTURE_PENDING"), required=money | {"status_details"})


def test_subscriptions_and_vault_look_like_paypals(paypal: Played, provider_samples: Path) -> None:
    folder = provider_samples / "paypal"
    wish = {"attributes": {"vault": {"store_in_vault": "ON_SUCCESS"}}}
    paypal.captured({**ORDER, "payment_source": {"paypal": wish}})
    sample = folder / "VAULT.PAYMENT-TOKEN.CREATED__paypal-docs__rv3.0__2.json"
    check_like(
        paypal.events("VAULT.PAYMENT-TOKEN.CREATED")[0],
        json.loads(sample.read_text()),
        required={"id", "customer", "payment_source", "links", "create_time"},
    )
    key = begun(paypal)
    sample = folder / "PAYMENT.SALE.COMPLETED__dj-paypal__from-subscription.json"
    check_like(
        paypal.events("PAYMENT.SALE.COMPLETED")[0],
        json.loads(sample.read_text()),
        required={"id", "amount", "state", "billing_agreement_id", "transaction_fee", "links"},
    )
    sample = folder / "signatures" / "traktormaster_HOOK_SUBSCRIPTION_ACTIVATED_v2.body.json"
    check_like(
        paypal.events("BILLING.SUBSCRIPTION.ACTIVATED")[0],
        json.loads(sample.read_text()),
        required={"id", "status", "plan_id", "quantity", "subscriber", "billing_info", "links"},
    )
    assert paypal.events("BILLING.SUBSCRIPTION.ACTIVATED")[0]["resource"]["id"] == key


@pytest.mark.parametrize(
    "sample,required",
    [
        ("PAYMENT.CAPTURE.COMPLETED", {"id", "amount", "state", "parent_payment"}),
        ("PAYMENT.CAPTURE.REFUNDED", {"id", "amount", "state", "capture_id"}),
        ("PAYMENT.CAPTURE.REVERSED", {"id", "amount", "state", "links"}),
        ("BILLING.SUBSCRIPTION.CANCELLED", {"id", "state", "agreement_details", "payer"}),
        ("RISK.DISPUTE.CREATED", {"dispute_id", "seller_payment_id", "dispute_creation_date"}),
    ],
)
def test_the_old_shapes_can_be_chosen(
    paypal: Played, provider_samples: Path, sample: str, required: set[str]
) -> None:
    paypal.desk("/shape", {"version": "1"})
    capture = paypal.captured()["id"]
    paypal.desk("/disputes", {"capture_id": capture})
    paypal.desk(f"/captures/{capture}/refund")
    other = paypal.captured()["id"]
    paypal.desk(f"/captures/{other}/reverse")
    paypal.desk(f"/subscriptions/{begun(paypal)}/cancel")
    real = json.loads((provider_samples / "paypal" / f"{sample}__dj-paypal.json").read_text())
    check_like(paypal.events(sample)[0], real, required=required)
    if "amount" in required:
        negative = paypal.events(sample)[0]["resource"]["amount"]["total"].startswith("-")
        assert negative == real["resource"]["amount"]["total"].startswith("-")


def test_the_choice_of_shape_is_checked(paypal: Played) -> None:
    paypal.desk("/shape", {"version": "3"}, status=400)
    assert paypal.desk("/shape", {"version": "2"}) == {"version": "2"}


def test_ids_are_the_same_under_the_same_seed() -> None:
    def ids(seed: int) -> list[str]:
        with playing(seed=seed) as played:
            capture = played.captured()
            return [capture["id"], *(event["id"] for event in played.events())]

    assert ids(1) == ids(1)
    assert ids(1) != ids(2)


def test_events_are_listed_newest_first_in_pages(paypal: Played) -> None:
    paypal.captured()
    paypal.captured()
    sent = [event["id"] for event in paypal.events()]
    page = paypal.send("GET", f"{EVENTS}?page_size=4")
    further = next(link.href for link in page.links if link.rel == "next")
    rest = paypal.send("GET", further.removeprefix(paypal.api))
    assert [event.id for event in [*page.events, *rest.events]] == sent[::-1]
    assert [link.rel for link in rest.links] == ["self"]
    assert paypal.send("GET", f"{EVENTS}/{sent[0]}").dict() == paypal.events()[0]


def test_events_are_found_by_type_transaction_and_time(paypal: Played) -> None:
    capture = paypal.captured()["id"]
    paypal.captured()

    def found(query: str) -> int:
        return int(paypal.send("GET", f"{EVENTS}?{query}").count)

    assert found("event_type=PAYMENT.CAPTURE.COMPLETED") == 2
    assert found(f"transaction_id={capture}") == 1
    assert found("start_time=2001-01-01T00:00:00Z&end_time=2001-01-02T00:00:00Z") == 0
    assert found("start_time=2001-01-01T00:00:00Z") == 6
    assert paypal.refusal("GET", f"{EVENTS}?start_time=monday")[0] == 400
    assert paypal.refusal("GET", f"{EVENTS}?page_size=301")[0] == 400


def test_an_event_is_sent_again_under_a_new_transmission(paypal: Played) -> None:
    paypal.approved_order()
    (event,) = paypal.events()
    first, body = paypal.world.courier.transmission(event["id"])
    answer = paypal.send("POST", f"{EVENTS}/{event['id']}/resend", {})
    second, again = paypal.world.courier.transmission(event["id"])
    assert (answer.id, again) == (event["id"], body)
    assert first["PAYPAL-TRANSMISSION-ID"] != second["PAYPAL-TRANSMISSION-ID"]
    assert len(paypal.world.courier.deliveries()) == 2
    paypal.desk(f"/events/{event['id']}/resend")
    assert paypal.refusal("POST", f"{EVENTS}/WH-0/resend", {})[0] == 404


def test_a_dispute_is_opened_listed_and_resolved(paypal: Played) -> None:
    capture = paypal.captured()["id"]
    dispute = paypal.desk("/disputes", {"capture_id": capture, "reason": "UNAUTHORISED"})
    key = dispute["dispute_id"]
    listed = paypal.send("GET", f"/v1/customer/disputes?disputed_transaction_id={capture}")
    assert [each.dispute_id for each in listed.items] == [key]
    paypal.desk(f"/disputes/{key}/update", {"stage": "CHARGEBACK"})
    paypal.desk(f"/disputes/{key}/resolve", {"outcome": "PERHAPS"}, status=400)
    paypal.desk(f"/disputes/{key}/resolve", {"outcome": "RESOLVED_BUYER_FAVOUR"})
    paypal.desk(f"/disputes/{key}/resolve", {"outcome": "CANCELED_BY_BUYER"}, status=422)
    opened, updated, resolved = paypal.events()[-3:]
    assert [each["event_type"].split(".")[-1] for each in (opened, updated, resolved)] == [
        "CREATED",
        "UPDATED",
        "RESOLVED",
    ]
    assert "id" not in opened["resource"]
    (transaction,) = opened["resource"]["disputed_transactions"]
    assert transaction["seller_transaction_id"] == capture
    assert resolved["resource"]["dispute_outcome"]["outcome_code"] == "RESOLVED_BUYER_FAVOUR"
    assert paypal.send("GET", f"/v1/customer/disputes/{key}").status == "RESOLVED"


def test_during_a_dispute_only_the_whole_can_be_refunded(paypal: Played) -> None:
    capture = paypal.captured()["id"]
    key = paypal.desk("/disputes", {"capture_id": capture, "amount": "9.00"})["dispute_id"]
    part = {"amount": {"currency_code": "EUR", "value": "9.00"}}
    refund = f"/v2/payments/captures/{capture}/refund"
    refused = paypal.refusal("POST", refund, part)
    assert refused == (422, "CAPTURE_DISPUTED_PARTIAL_REFUND_NOT_ALLOWED")
    paypal.desk(f"/disputes/{key}/resolve", {"outcome": "RESOLVED_BUYER_FAVOUR", "reverse": True})
    assert paypal.types()[-2:] == ["PAYMENT.CAPTURE.REVERSED", "CUSTOMER.DISPUTE.RESOLVED"]


def test_a_sale_can_be_disputed_and_a_stranger_cannot(paypal: Played) -> None:
    begun(paypal)
    sale = paypal.events("PAYMENT.SALE.COMPLETED")[0]["resource"]["id"]
    dispute = paypal.desk("/disputes", {"sale_id": sale})
    assert dispute["dispute_amount"] == {"currency_code": "EUR", "value": "20.00"}
    paypal.desk("/disputes", {"capture_id": "NONE"}, status=404)
    paypal.desk("/disputes", status=400)
