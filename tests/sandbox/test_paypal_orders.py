"""Orders and captures of the played PayPal: what is refused, what pends, what is given back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.sandbox.test_paypal_client import ORDER, Document, Played, playing

ORDERS = "/v2/checkout/orders"


@pytest.fixture
def paypal() -> Iterator[Played]:
    with playing() as played:
        yield played


def order_with(**unit: Any) -> Document:
    return {**ORDER, "purchase_units": [{**ORDER["purchase_units"][0], **unit}]}


EUR = "EUR"
ITEM = {"name": "Agent", "quantity": "2", "unit_amount": {"currency_code": EUR, "value": "24.50"}}


def total(value: str, **breakdown: str) -> Document:
    parts = {k: {"currency_code": EUR, "value": v} for k, v in breakdown.items()}
    amount: Document = {"currency_code": EUR, "value": value}
    return {**amount, "breakdown": parts} if parts else amount


@pytest.mark.parametrize(
    "body,issue",
    [
        ({}, "MISSING_REQUIRED_PARAMETER"),
        ({"intent": "SALE"}, "INVALID_PARAMETER_SYNTAX"),
        ({"intent": "CAPTURE", "purchase_units": []}, "MISSING_REQUIRED_PARAMETER"),
        (order_with(amount=total("4,90")), "INVALID_PARAMETER_SYNTAX"),
        (order_with(amount=total("-1.00")), "INVALID_PARAMETER_SYNTAX"),
        (order_with(amount=total("1.005")), "INVALID_PARAMETER_SYNTAX"),
        (order_with(amount={"currency_code": "BTC", "value": "1"}), "INVALID_CURRENCY_CODE"),
        (order_with(custom_id="x" * 256), "INVALID_STRING_LENGTH"),
        (order_with(custom_id=7), "INVALID_PARAMETER_SYNTAX"),
        (order_with(amount=total("49.00", item_total="40.00")), "AMOUNT_MISMATCH"),
        (order_with(items=[ITEM]), "ITEM_TOTAL_REQUIRED"),
        (
            order_with(items=[ITEM], amount=total("48.00", item_total="48.00")),
            "ITEM_TOTAL_MISMATCH",
        ),
        ({**ORDER, "payment_source": {"paypal": {}}}, "PAYPAL_REQUEST_ID_REQUIRED"),
    ],
)
def test_an_order_that_paypal_refuses_is_refused(paypal: Played, body: Any, issue: str) -> None:
    assert paypal.refusal("POST", ORDERS, body)[1] == issue
    assert paypal.world.store.all("paypal_order") == []


def test_sums_with_tax_and_discount_are_accepted(paypal: Played) -> None:
    amount = total("54.29", item_total="49.00", tax_total="10.29", discount="5.00")
    order = paypal.send("POST", ORDERS, order_with(items=[ITEM], amount=amount))
    assert order.status == "CREATED"


def test_with_a_payment_source_the_payer_has_to_act(paypal: Played) -> None:
    context = {"return_url": "http://shop/back", "cancel_url": "http://shop/cart"}
    body = {**ORDER, "payment_source": {"paypal": {"experience_context": context}}}
    order = paypal.send("POST", ORDERS, body, PayPal_Request_Id="a")
    assert order.status == "PAYER_ACTION_REQUIRED"
    assert [link.rel for link in order.links] == ["self", "payer-action", "update", "capture"]


def test_the_answer_is_brief_unless_the_whole_is_preferred(paypal: Played) -> None:
    brief = paypal.send("POST", ORDERS, ORDER).dict()
    whole = paypal.send("POST", ORDERS, ORDER, Prefer="return=representation").dict()
    assert set(brief) == {"id", "status", "links"}
    assert whole["purchase_units"][0]["custom_id"] == "order-1"
    assert not [name for name in whole if name.startswith("_")]


def test_an_approval_is_announced_and_is_not_money(paypal: Played) -> None:
    order = paypal.approved_order()
    assert paypal.types() == ["CHECKOUT.ORDER.APPROVED"]
    assert paypal.send("GET", f"{ORDERS}/{order}").status == "APPROVED"
    assert paypal.world.store.all("paypal_capture") == []
    paypal.desk(f"/orders/{order}/approve", status=422)


def test_an_order_is_changed_before_it_is_paid_and_not_after(paypal: Played) -> None:
    order = paypal.send("POST", ORDERS, ORDER).id
    here = f"{ORDERS}/{order}"
    unit = "/purchase_units/@reference_id=='default'"
    change = {"op": "replace", "path": f"{unit}/amount", "value": total("59.00")}
    assert paypal.send("PATCH", here, [change]) is None
    paypal.send("PATCH", here, [{"op": "remove", "path": f"{unit}/description"}])
    found = paypal.send("GET", here).purchase_units[0].dict()
    assert found["amount"]["value"] == "59.00"
    assert "description" not in found
    bad = [change, {"op": "replace", "path": "/status", "value": "COMPLETED"}]
    assert paypal.refusal("PATCH", here, bad) == (422, "NOT_PATCHABLE")
    assert paypal.refusal("PATCH", here, [{"op": "add"}]) == (400, "PATCH_PATH_REQUIRED")
    paypal.desk(f"/orders/{order}/approve")
    paypal.send("POST", f"{here}/capture", {})
    assert paypal.refusal("PATCH", here, [change]) == (422, "ORDER_ALREADY_COMPLETED")


def test_a_held_payment_completes_later(paypal: Played) -> None:
    capture = paypal.captured(capture="PENDING")
    assert capture["status"] == "PENDING"
    assert capture["status_details"]["reason"] == "PENDING_REVIEW"
    refund = f"/v2/payments/captures/{capture['id']}/refund"
    assert paypal.refusal("POST", refund, {}) == (422, "PENDING_CAPTURE")
    paypal.desk(f"/captures/{capture['id']}", {"status": "COMPLETED"})
    assert paypal.types()[1:] == ["PAYMENT.CAPTURE.PENDING", "PAYMENT.CAPTURE.COMPLETED"]
    found = paypal.send("GET", f"/v2/payments/captures/{capture['id']}").dict()
    assert found["status"] == "COMPLETED"
    assert found["seller_receivable_breakdown"]["net_amount"]["value"] == "47.23"
    old = paypal.send("GET", f"/v1/payments/capture/{capture['id']}")
    assert (old.state, old.amount.total) == ("completed", "49.00")


def test_a_held_payment_that_fails_is_denied_with_the_status_declined(paypal: Played) -> None:
    capture = paypal.captured(capture="PENDING")
    paypal.desk(f"/captures/{capture['id']}", {"status": "DECLINED"})
    denied = paypal.events("PAYMENT.CAPTURE.DENIED")[0]
    assert denied["resource"]["status"] == "DECLINED"
    paypal.desk(f"/captures/{capture['id']}", {"status": "LOST"}, status=400)


def test_a_capture_may_be_declined_at_once(paypal: Played) -> None:
    assert paypal.captured(capture="DECLINED")["status"] == "DECLINED"
    assert paypal.types()[-1] == "PAYMENT.CAPTURE.DECLINED"


def test_refunds_are_refused_above_what_is_left(paypal: Played) -> None:
    capture = paypal.captured()["id"]
    here = f"/v2/payments/captures/{capture}/refund"
    paypal.send("POST", here, {"amount": total("40.00"), "note_to_payer": "sorry"})
    assert paypal.refusal("POST", here, {"amount": total("9.01")}) == (
        422,
        "REFUND_AMOUNT_EXCEEDED",
    )
    czk = {"amount": {"currency_code": "CZK", "value": "1.00"}}
    assert paypal.refusal("POST", here, czk) == (422, "CURRENCY_MISMATCH")
    rest = paypal.send("POST", here, {}, Prefer="return=representation")
    assert rest.amount.value == "9.00"
    assert rest.seller_payable_breakdown.total_refunded_amount.value == "49.00"
    assert paypal.refusal("POST", here, {}) == (422, "CAPTURE_FULLY_REFUNDED")
    assert paypal.send("GET", f"/v2/payments/captures/{capture}").status == "REFUNDED"
    first, second = paypal.events("PAYMENT.CAPTURE.REFUNDED")
    assert first["resource"]["note_to_payer"] == "sorry"
    assert "capture_id" not in second["resource"]
    above = [link["href"] for link in second["resource"]["links"] if link["rel"] == "up"]
    assert above == [f"{paypal.api}/v2/payments/captures/{capture}"]


def test_the_dashboard_refunds_and_paypal_reverses(paypal: Played) -> None:
    capture = paypal.captured()["id"]
    paypal.desk(f"/captures/{capture}/refund", {"amount": "9.00"})
    paypal.desk(f"/captures/{capture}/reverse")
    refunded, reversed_ = paypal.events()[-2:]
    assert refunded["event_type"] == "PAYMENT.CAPTURE.REFUNDED"
    assert reversed_["event_type"] == "PAYMENT.CAPTURE.REVERSED"
    assert reversed_["resource"]["amount"]["value"] == "40.00"
    paypal.desk(f"/captures/{capture}/refund", {"amount": "x"}, status=400)


def test_one_invoice_number_is_paid_once(paypal: Played) -> None:
    body = order_with(invoice_id="2026-000001")
    paypal.captured(body)
    order = paypal.send("POST", ORDERS, body).id
    paypal.desk(f"/orders/{order}/approve")
    refused = paypal.refusal("POST", f"{ORDERS}/{order}/capture", {})
    assert refused == (422, "DUPLICATE_INVOICE_ID")


def test_money_can_be_reserved_and_captured_later(paypal: Played) -> None:
    order = paypal.approved_order({**ORDER, "intent": "AUTHORIZE"})
    here = f"{ORDERS}/{order}"
    assert paypal.refusal("POST", f"{here}/capture", {}) == (422, "ACTION_DOES_NOT_MATCH_INTENT")
    paid = paypal.send("POST", f"{here}/authorize", {})
    reserved = paid.purchase_units[0].payments.authorizations[0].id
    capture = paypal.send("POST", f"/v2/payments/authorizations/{reserved}/capture", {})
    found = paypal.send("GET", f"/v2/payments/captures/{capture.id}")
    assert found.supplementary_data.related_ids.authorization_id == reserved
    assert found.links[-1].href.endswith(f"/v2/payments/authorizations/{reserved}")
    void = f"/v2/payments/authorizations/{reserved}/void"
    assert paypal.refusal("POST", void, {}) == (422, "AUTHORIZATION_ALREADY_CAPTURED")
    assert paypal.refusal("POST", f"{here}/authorize", {}) == (422, "ORDER_ALREADY_AUTHORIZED")


def test_an_approval_taken_back_is_announced_and_cannot_be_captured(paypal: Played) -> None:
    order = paypal.approved_order()
    paypal.desk(f"/orders/{order}/cancel")
    assert paypal.types()[-1] == "CHECKOUT.PAYMENT-APPROVAL.REVERSED"
    refused = paypal.refusal("POST", f"{ORDERS}/{order}/capture", {})
    assert refused == (422, "ORDER_COMPLETED_OR_VOIDED")


def pressed(paypal: Played, choice: str) -> requests.Response:
    """A person opens the page of a fresh order and presses a button."""
    context = {"return_url": "http://shop/back?a=1", "cancel_url": "http://shop/cart"}
    source = {"paypal": {"experience_context": context}}
    body = {**order_with(description="<b>Pro</b>"), "payment_source": source}
    order = paypal.send("POST", ORDERS, body, PayPal_Request_Id=choice)
    url = order.links[1].href
    page = requests.get(url, timeout=10).text
    assert "&lt;b&gt;Pro" in page
    assert "49.00 EUR" in page
    return requests.post(url, data={"choice": choice}, allow_redirects=False, timeout=10)


def test_a_person_approves_on_the_page_and_is_sent_back(paypal: Played) -> None:
    answer = pressed(paypal, "approve")
    (order,) = paypal.world.store.all("paypal_order")
    assert answer.status_code == 303
    payer = order["payer"]["payer_id"]
    assert answer.headers["Location"] == f"http://shop/back?a=1&token={order['id']}&PayerID={payer}"
    assert paypal.send("POST", f"{ORDERS}/{order['id']}/capture", {}).status == "COMPLETED"
    page = f"{paypal.base_url}/sandbox/paypal/approve"
    again = requests.post(f"{page}?token={order['id']}", data={"choice": "approve"}, timeout=10)
    assert again.status_code == 422
    assert "approved, captured or voided before" in again.text
    assert requests.get(f"{page}?token=NONE", timeout=10).status_code == 404


def test_a_person_whose_means_is_declined_comes_back_and_the_capture_fails(paypal: Played) -> None:
    assert "PayerID" in pressed(paypal, "decline").headers["Location"]
    (order,) = paypal.world.store.all("paypal_order")
    refused = paypal.refusal("POST", f"{ORDERS}/{order['id']}/capture", {})
    assert refused == (422, "INSTRUMENT_DECLINED")


def test_a_person_who_cancels_is_sent_to_the_shops_cancel_page(paypal: Played) -> None:
    answer = pressed(paypal, "cancel")
    (order,) = paypal.world.store.all("paypal_order")
    assert answer.headers["Location"] == f"http://shop/cart?token={order['id']}"
    assert (order["status"], paypal.types()) == ("PAYER_ACTION_REQUIRED", [])
