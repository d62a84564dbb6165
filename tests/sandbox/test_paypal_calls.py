"""Calls of the played PayPal that are repeated, simultaneous, lost, failing or malformed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from paypalhttp import HttpError

from tests.sandbox.test_paypal_client import ORDER, Played, playing, read_refusal


@pytest.fixture
def paypal() -> Iterator[Played]:
    with playing() as played:
        yield played


def test_the_same_request_id_gives_the_same_answer_and_works_once(paypal: Played) -> None:
    path = "/v2/checkout/orders"
    first = paypal.send("POST", path, ORDER, PayPal_Request_Id="a")
    second = paypal.send("POST", path, ORDER, PayPal_Request_Id="a")
    other = paypal.send("POST", path, ORDER, PayPal_Request_Id="b")
    assert first.id == second.id != other.id
    paypal.desk(f"/orders/{first.id}/approve")
    capture = f"{path}/{first.id}/capture"
    taken = [paypal.send("POST", capture, {}, PayPal_Request_Id="c").dict() for _ in range(3)]
    assert taken[0] == taken[1] == taken[2]
    assert paypal.types().count("PAYMENT.CAPTURE.COMPLETED") == 1
    assert paypal.refusal("POST", capture, {}, PayPal_Request_Id="d") == (
        422,
        "ORDER_ALREADY_CAPTURED",
    )


def test_a_request_id_used_for_another_body_is_refused(paypal: Played) -> None:
    paypal.send("POST", "/v2/checkout/orders", ORDER, PayPal_Request_Id="a")
    other = {**ORDER, "intent": "AUTHORIZE"}
    refused = paypal.refusal("POST", "/v2/checkout/orders", other, PayPal_Request_Id="a")
    assert refused == (422, "DUPLICATE_REQUEST_ID")


def test_a_refused_call_can_be_made_again_under_its_request_id(paypal: Played) -> None:
    order = paypal.send("POST", "/v2/checkout/orders", ORDER)
    capture = f"/v2/checkout/orders/{order.id}/capture"
    refused = paypal.refusal("POST", capture, {}, PayPal_Request_Id="a")
    assert refused == (422, "ORDER_NOT_APPROVED")
    paypal.desk(f"/orders/{order.id}/approve")
    assert paypal.send("POST", capture, {}, PayPal_Request_Id="a").status == "COMPLETED"


def test_of_two_calls_at_once_with_one_request_id_the_second_is_refused(paypal: Played) -> None:
    paypal.desk("/pace", {"seconds": 0.4})
    paypal.refusal("GET", "/v2/checkout/orders/NONE")

    def make() -> str:
        try:
            return str(
                paypal.send("POST", "/v2/checkout/orders", ORDER, PayPal_Request_Id="a").status
            )
        except HttpError as error:
            return read_refusal(error)[1]

    with ThreadPoolExecutor(2) as pool:
        answers = {each.result() for each in [pool.submit(make), pool.submit(make)]}
    assert answers == {"CREATED", "PREVIOUS_REQUEST_IN_PROGRESS"}


def test_after_a_lost_answer_the_same_request_id_tells_what_was_done(paypal: Played) -> None:
    order = paypal.approved_order()
    capture = f"/v2/checkout/orders/{order}/capture"
    paypal.world.faults.add({"kind": "timeout", "count": 1, "path": "*/capture"})
    with pytest.raises(requests.RequestException):
        paypal.send("POST", capture, {}, PayPal_Request_Id="a")
    assert paypal.types().count("PAYMENT.CAPTURE.COMPLETED") == 1
    assert paypal.send("POST", capture, {}, PayPal_Request_Id="a").status == "COMPLETED"
    assert paypal.types().count("PAYMENT.CAPTURE.COMPLETED") == 1


def test_a_call_lost_on_the_way_did_nothing(paypal: Played) -> None:
    order = paypal.approved_order()
    paypal.world.faults.add({"kind": "timeout_before", "count": 1, "path": "*/capture"})
    with pytest.raises(requests.RequestException):
        paypal.send("POST", f"/v2/checkout/orders/{order}/capture", {})
    assert "PAYMENT.CAPTURE.COMPLETED" not in paypal.types()


@pytest.mark.parametrize(
    "kind,expected",
    [("error", (500, "INTERNAL_SERVER_ERROR")), ("rate_limit", (429, "RATE_LIMIT_REACHED"))],
)
def test_failures_on_demand_have_paypals_shape(
    paypal: Played, kind: str, expected: tuple[int, str]
) -> None:
    paypal.world.faults.add({"kind": kind, "count": 1, "path": "/v2/*", "provider": "paypal"})
    with pytest.raises(HttpError) as caught:
        paypal.send("POST", "/v2/checkout/orders", ORDER)
    document = json.loads(caught.value.message)
    assert (caught.value.status_code, document["name"]) == expected
    assert document["debug_id"]
    assert paypal.send("POST", "/v2/checkout/orders", ORDER).status == "CREATED"


def test_a_charge_is_declined_on_demand_and_can_be_tried_again(paypal: Played) -> None:
    capture = f"/v2/checkout/orders/{paypal.approved_order()}/capture"
    paypal.world.faults.add({"kind": "decline", "count": 1})
    assert paypal.refusal("POST", capture, {}) == (422, "INSTRUMENT_DECLINED")
    assert paypal.send("POST", capture, {}).status == "COMPLETED"


def test_a_body_that_is_no_json_object_is_refused(paypal: Played) -> None:
    for body in (b"{", b"[]", b'"x"', b"\xff"):
        refused = paypal.refusal("POST", "/v2/checkout/orders", body)
        assert refused == (400, "MALFORMED_REQUEST_JSON")


def test_an_address_that_is_not_played_is_not_found_in_paypals_words(paypal: Played) -> None:
    assert paypal.refusal("GET", "/v1/invoicing/invoices") == (404, "INVALID_RESOURCE_ID")
    assert paypal.refusal("DELETE", "/v2/checkout/orders") == (404, "INVALID_RESOURCE_ID")
